package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// forged is what the body of an answer without one must not become.
const forged = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nforged"

// bodiless lets the function answer with text and a status that has no body.
// Go's client drops what is there all the same: here the bytes are looked at.
func bodiless(ctx context.Context, c *client) error {
	for _, status := range []int{http.StatusNoContent, http.StatusNotModified} {
		if err := c.answersNext(ctx, status); err != nil {
			return err
		}
	}
	return nil
}

// answersNext asks for a status without a body, and on the same connection for
// a text. A server may end the connection between the two.
func (c *client) answersNext(ctx context.Context, status int) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return c.noAnswer(ctx, err)
	}
	end := func() { _ = conn.Close() } // it may be closed already
	stop := context.AfterFunc(ctx, end)
	defer stop()
	defer end()
	answers := bufio.NewReader(conn)
	do := func(env map[string]any, payload string) request {
		return c.request(fmt.Sprintf("a request on a connection with status %d", status), call{Env: env, Payload: payload})
	}
	const text = "alive"
	first, err := c.exchange(ctx, conn, answers, do(map[string]any{"DO": "code", "CODE": strconv.Itoa(status)}, forged))
	if err != nil {
		return err
	}
	if first.status != status || len(first.body) > 0 {
		return wanted(fmt.Sprintf("status %d without a body", status), "%v", first)
	}
	next, err := c.exchange(ctx, conn, answers, do(map[string]any{"DO": "text"}, text))
	if errors.Is(err, errEnded) {
		return nil
	}
	if err != nil {
		return err
	}
	if next.status != http.StatusOK || string(next.body) != text {
		return wanted(fmt.Sprintf("the text %q for the request after status %d", text, status), "%v", next)
	}
	return nil
}

// dial connects to the server.
func (c *client) dial(ctx context.Context) (net.Conn, error) {
	u, err := url.Parse(c.url)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "https" {
		var dialer tls.Dialer
		return dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmpEmpty(u.Port(), "443")))
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmpEmpty(u.Port(), "80")))
}

// errEnded says that the server has ended a connection without an answer.
var errEnded = wanted("an answer", "the end of the connection")

// exchange sends a request on a connection, and reads the next answer from it.
func (c *client) exchange(ctx context.Context, conn net.Conn, answers *bufio.Reader, r request) (answer, error) {
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return answer{}, err
	}
	_ = req.Write(conn) // what is wrong with the connection, reading says
	if _, err := answers.Peek(1); err != nil && ctx.Err() == nil {
		return answer{}, errEnded
	}
	res, err := http.ReadResponse(answers, req)
	if err != nil {
		return answer{}, c.noAnswer(ctx, err)
	}
	return c.read(ctx, r.what, res)
}
