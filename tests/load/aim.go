package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// target is a server that requests are aimed at.
type target struct {
	address, key, file string
	alive              func(context.Context) error
}

// requestsReport is how a server met requests by the grammar.
type requestsReport struct {
	Seed     uint64         `json:"seed"`
	Requests int            `json:"requests"`
	Seconds  float64        `json:"seconds"`
	Slowest  float64        `json:"slowest"` // seconds from the first byte to the end of the connection
	Met      map[string]int `json:"met"`     // how often each way
	Wrong    []string       `json:"wrong"`   // the first that were met wrongly
	WrongAll int            `json:"wrongAll"`
	Log      string         `json:"log,omitempty"`
}

// aimers send at once.
const aimers = 16

// requests aims requests by the grammar of HTTP, with mutations, at a server.
func requests(ctx context.Context, o options) (_ any, err error) {
	fmt.Fprintln(os.Stderr, "seed", o.seed)
	t := target{o.address, o.key, o.file, func(context.Context) error { return nil }}
	if o.address != "" {
		return t.aim(ctx, o.seed, o.requests, 0), nil
	}
	s, err := start(ctx, o, 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	r := s.target().aim(ctx, o.seed, o.requests, 0)
	if r.WrongAll > 0 {
		r.Log = s.log.String()
	}
	return r, nil
}

func (s *server) target() target { return target{address, key, s.file, s.lives} }

// generated aims some of them in the course of hostile.
func (s *server) generated(ctx context.Context, seed uint64, count int) (string, error) {
	r := s.target().aim(ctx, seed, count, enough)
	got := fmt.Sprintf("%d in %.1f s, %v", r.Requests, r.Seconds, r.Met)
	if r.WrongAll > 0 {
		return got, fmt.Errorf("%d of them:\n%s", r.WrongAll, strings.Join(r.Wrong, "\n"))
	}
	return got, nil
}

// enough is how long requests by chance are sent in a run of everything: servers
// that start a process for each answer a few of them in a second.
const enough = 10 * time.Second

// aim sends requests, each of which follows from the seed and its number, until
// there were as many as wanted, or it took long enough; 0 for as long as it takes.
func (t target) aim(ctx context.Context, seed uint64, count int, enough time.Duration) *requestsReport {
	const kept, often = 20, 1000
	r := &requestsReport{Seed: seed, Met: map[string]int{}, Wrong: []string{}}
	begin := time.Now()
	var next atomic.Int64
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range aimers {
		wait.Go(func() {
			for n := int(next.Add(1)) - 1; n < count && (enough == 0 || time.Since(begin) < enough); n = int(next.Add(1)) - 1 {
				start := time.Now()
				got, err := t.shoot(ctx, rand.New(rand.NewPCG(seed, uint64(n))), n) //nolint:gosec // no secrets
				if err == nil && n%often == often-1 {
					err = t.alive(ctx)
				}
				mu.Lock()
				r.Requests++
				r.Met[got]++
				r.Slowest = max(r.Slowest, time.Since(start).Seconds())
				if err != nil {
					if r.WrongAll++; r.WrongAll <= kept {
						r.Wrong = append(r.Wrong, fmt.Sprintf("request %d: %v", n, err))
					}
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	r.Seconds = time.Since(begin).Seconds()
	return r
}

// shoot sends one request, and another on the same connection whose answer is
// known: nothing that a function answers may be in its place.
func (t target) shoot(ctx context.Context, random *rand.Rand, n int) (string, error) {
	text := fmt.Sprintf("text %d", n)
	content, err := json.Marshal(call{Path: codeDir, File: t.file, Env: map[string]any{"DO": "text"}, Payload: text, Timeout: timeout})
	if err != nil {
		return "", err
	}
	d := newDraft(random, t.key, string(content))
	names := mutate(random, d)
	sent := d.String()
	if !d.truncated {
		sent += "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" // has no key
	}
	got, answers, err := t.exchange(ctx, sent, d)
	if err == nil {
		err = d.judge(answers, text)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%q\nit has %q, and was met with %v", err, sent, names, answers)
	}
	return got, err
}

// shot is one answer.
type shot struct {
	status int
	closes bool // it says that the connection ends
	body   string
}

func (s shot) String() string { return fmt.Sprintf("%d %.200q", s.status, s.body) }

// exchange sends bytes and reads all answers, until the connection ends.
func (t target) exchange(ctx context.Context, sent string, d *draft) (string, []shot, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return "no connection", nil, err
	}
	defer func() { _ = conn.Close() }() // it may be closed already
	if err := conn.SetDeadline(time.Now().Add(soon)); err != nil {
		return "", nil, err
	}
	_, _ = io.WriteString(conn, sent) // it may be closed before all is sent
	if tcp, ok := conn.(*net.TCPConn); ok && d.verdict != right {
		_ = tcp.CloseWrite() // a server that waits for more need not wait for long
	}
	reader := bufio.NewReader(conn)
	var answers []shot
	for {
		if _, err := reader.Peek(1); err != nil {
			if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
				return "silence", answers, fmt.Errorf("neither an answer nor an end within %v", soon)
			}
			break // it has ended the connection
		}
		asked := &http.Request{Method: http.MethodPost}
		if len(answers) == 0 && strings.HasPrefix(strings.TrimLeft(sent, "\r\n"), "HEAD ") {
			asked.Method = http.MethodHead
		}
		res, err := http.ReadResponse(reader, asked)
		if err != nil {
			return "no HTTP", answers, fmt.Errorf("no answer of HTTP: %w", err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return "no HTTP", answers, err
		}
		if res.StatusCode != http.StatusContinue {
			answers = append(answers, shot{res.StatusCode, res.Close, string(body)})
		}
		if res.Close && asked.Method == http.MethodHead {
			break // Go writes a body when it has refused the head
		}
	}
	if len(answers) == 0 {
		return "closed", nil, nil
	}
	return strconv.Itoa(answers[0].status), answers, nil
}

// judge says what is wrong with the answers to a request and the one behind it.
func (d *draft) judge(answers []shot, text string) error {
	for i, a := range answers {
		if a.status == http.StatusOK {
			if i > 0 || d.verdict == wrong || !d.keyed || a.body != text {
				return errors.New("a function has run that nobody asked for")
			}
			continue
		}
		if !refusal(strconv.Itoa(a.status)) {
			return fmt.Errorf("status %d", a.status)
		}
		var object map[string]any
		if bytes.HasPrefix([]byte(a.body), []byte("{")) && json.Unmarshal([]byte(a.body), &object) != nil || object != nil && object["code"] != float64(a.status) {
			return errors.New("no error object")
		}
	}
	if d.verdict != right {
		return nil
	}
	first := http.StatusOK
	if !d.keyed {
		first = http.StatusUnauthorized
	}
	if len(answers) == 0 || answers[0].status != first {
		return fmt.Errorf("want status %d", first)
	}
	ends := d.closes || answers[0].closes
	switch {
	case ends && len(answers) > 1 && answers[1].status == http.StatusUnauthorized:
		return errors.New("the next request is answered on a connection that ends")
	case d.keyed && !ends && (len(answers) != 2 || answers[1].status != http.StatusUnauthorized):
		return errors.New("the next request is not answered")
	}
	return nil
}
