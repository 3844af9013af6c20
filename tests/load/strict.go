package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// framing sends what two readers may read as different requests or answers.
func (s *server) framing(ctx context.Context, add meeting) {
	for _, b := range s.sneaky() {
		add(b.what, func() (string, error) { return raw(ctx, b.data) })
	}
	add("chunks with trailers", func() (string, error) { return s.trailers(ctx) })
	add("a length, and chunks", func() (string, error) { return s.both(ctx) })
	for _, status := range []int{http.StatusNoContent, http.StatusResetContent, http.StatusNotModified} {
		add(fmt.Sprintf("a text with status %d", status), func() (string, error) { return s.bodiless(ctx, status) })
	}
	add("HEAD", func() (string, error) { return s.headless(ctx) })
}

// sneaky are requests whose end two readers may see at different places, as
// RFC 9112 warns of: the body is a good one, so that a server that takes them
// is seen by its answer.
func (s *server) sneaky() []garbage {
	body := string(s.encode(call{Env: map[string]any{"DO": "text"}, Payload: "alive"}))
	length, size := strconv.Itoa(len(body)), fmt.Sprintf("%x", len(body))
	of := func(what, framing string) garbage { return garbage{what, head(framing) + body} }
	chunks := func(what, framing, size string) garbage {
		return garbage{what, head(framing) + size + "\r\n" + body + "\r\n0\r\n\r\n"}
	}
	const chunked = "Transfer-Encoding: chunked"
	return []garbage{
		of("a length with a sign", "Content-Length: +"+length),
		of("a length with an underscore", "Content-Length: "+length[:1]+"_"+length[1:]),
		of("a length with a space in it", "Content-Length: "+length[:1]+" "+length[1:]),
		of("two lengths", "Content-Length: 1"+length+"\r\nContent-Length: "+length),
		of("two lengths in one field", "Content-Length: "+length+", 1"+length),
		of("a length behind a space before the colon", "Content-Length : "+length),
		of("a length with a vertical tab", "Content-Length: "+length+"\v"),
		chunks("a coding behind a vertical tab", "Transfer-Encoding: \vchunked", size),
		of("another major version", "Content-Length: "+length).versioned("HTTP/11"),
		chunks("chunks behind a space before the colon", "Transfer-Encoding : chunked", size),
		chunks("a coding that nobody knows", "Transfer-Encoding: xchunked", size),
		chunks("a coding after chunked", "Transfer-Encoding: chunked, identity", size),
		chunks("a size of a chunk with a prefix", chunked, "0x"+size),
		chunks("a size of a chunk behind a space", chunked, " "+size),
		chunks("a size of a chunk with a sign", chunked, "+"+size),
		chunks("a size of a chunk with an underscore", chunked, size[:1]+"_"+size[1:]),
		chunks("a chunk that is longer than its size", chunked, fmt.Sprintf("%x", len(body)-1)),
	}
}

// versioned has another version of HTTP.
func (g garbage) versioned(version string) garbage {
	return garbage{g.what, strings.Replace(g.data, "HTTP/1.1", version, 1)}
}

// trailers follow the last chunk: they are read, and nothing comes of them.
func (s *server) trailers(ctx context.Context) (string, error) {
	body := s.encode(call{Env: map[string]any{"DO": "text"}, Payload: "alive"})
	end, answers, err := talk(ctx, head("Transfer-Encoding: chunked\r\nConnection: close")+fmt.Sprintf("%x\r\n%s\r\n0\r\nX: a\r\nY: b\r\n\r\n", len(body), body))
	if err != nil {
		return "no connection", err
	}
	defer end()
	res, err := http.ReadResponse(answers, nil)
	if err != nil {
		return "it closes", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && string(answer) != "alive" {
		err = fmt.Errorf("a wrong answer: %.300s", answer)
	}
	return fmt.Sprintf("status %d", res.StatusCode), err
}

// both sends a length and chunks. RFC 9112 lets a server refuse that, or go by
// the chunks; it closes the connection in both cases.
func (s *server) both(ctx context.Context) (string, error) {
	body := s.encode(call{Env: map[string]any{"DO": "text"}, Payload: "alive"})
	sent := head(fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked", len(body))) + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	end, answers, err := talk(ctx, sent)
	if err != nil {
		return "no connection", err
	}
	defer end()
	res, err := http.ReadResponse(answers, nil)
	if err != nil {
		return "it closes", nil // without an answer
	}
	got := fmt.Sprintf("status %d", res.StatusCode)
	answer, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusBadRequest && string(answer) != "alive" {
		return got, errors.Join(err, fmt.Errorf("a wrong answer: %.300s", answer))
	}
	if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 {
		return got, fmt.Errorf("the connection stays open: %.300q, %w", rest, err)
	}
	return got + " and the end", nil
}

// talk sends bytes on a connection of its own, whose answers come soon. The
// function that it returns ends the connection.
func talk(ctx context.Context, sent string) (func(), *bufio.Reader, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(soon)); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	_, _ = io.WriteString(conn, sent)  // it may be closed before all is sent
	end := func() { _ = conn.Close() } // it may be closed already
	return end, bufio.NewReader(conn), nil
}

// forged is what a body must not become: the next answer.
const forged = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nforged"

// bodiless lets the function answer with text and a status that has no body:
// the next answer on the same connection is the next one's.
func (s *server) bodiless(ctx context.Context, status int) (string, error) {
	first := s.encode(call{Env: map[string]any{"DO": "code", "CODE": strconv.Itoa(status)}, Payload: forged})
	second := s.encode(call{Env: map[string]any{"DO": "text"}, Payload: "alive"})
	var sent strings.Builder
	for _, body := range [][]byte{first, second} {
		sent.WriteString(head(fmt.Sprintf("Content-Length: %d", len(body))) + string(body))
	}
	end, answers, err := talk(ctx, sent.String())
	if err != nil {
		return "no connection", err
	}
	defer end()
	for n, want := range []int{status, http.StatusOK} {
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			return "no answer", fmt.Errorf("answer %d: %w", n+1, err)
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		text := map[int]string{http.StatusOK: "alive"}[want]
		if err != nil || res.StatusCode != want || string(answer) != text {
			return res.Status, errors.Join(err, fmt.Errorf("answer %d has status %d: %.300q", n+1, res.StatusCode, answer))
		}
	}
	return "no body", nil
}

// headless asks with HEAD, whose answer has no body either.
func (s *server) headless(ctx context.Context) (string, error) {
	end, answers, err := talk(ctx, strings.Replace(head("Content-Length: 0\r\nConnection: close"), "POST", "HEAD", 1))
	if err != nil {
		return "no connection", err
	}
	defer end()
	text, err := io.ReadAll(answers)
	_, body, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	if err != nil || len(body) > 0 || !bytes.HasPrefix(text, []byte("HTTP/1.1 405")) {
		return "a wrong answer", errors.Join(err, fmt.Errorf("want status 405 without a body: %.300q", text))
	}
	return "status 405", nil
}
