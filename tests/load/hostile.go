package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// finding is how a server met one hostility.
type finding struct {
	What string `json:"what"`
	Got  string `json:"got"`           // what it did
	Bad  string `json:"bad,omitempty"` // what is wrong with that
}

// hostileReport is how a server met all of them.
type hostileReport struct {
	Findings []finding `json:"findings"`
	Log      string    `json:"log,omitempty"`
}

// Sizes of what is sent.
const (
	largePayload  = 6 << 20
	depth         = 100_000
	veryDeep      = 5_000_000
	endless       = 256 << 20 // bytes of a body, more than any server may take
	silentClients = 200
	halfClients   = 50
	chance        = 2000
)

// meeting tries one hostility, and writes down what the server did.
type meeting func(what string, meet func() (string, error))

// hostile sends what no client should: after each of it the same process must
// answer as if nothing had been.
func hostile(ctx context.Context, o options) (any, error) {
	s, err := start(ctx, o, concurrency)
	if err != nil {
		return nil, err
	}
	r := &hostileReport{}
	var add meeting = func(what string, meet func() (string, error)) {
		f := finding{What: what}
		got, err := meet()
		f.Got = got
		if err == nil {
			err = s.lives(ctx)
		}
		if err != nil {
			f.Bad = err.Error()
			r.Log = s.log.String()
		}
		r.Findings = append(r.Findings, f)
	}
	for _, b := range s.bodies() {
		add(b.what, func() (string, error) { return s.meet(ctx, b) })
	}
	for _, b := range bytesOf() {
		add(b.what, func() (string, error) { return raw(ctx, b.data) })
	}
	s.framing(ctx, add)
	s.oddities(ctx, add)
	s.toil(ctx, add)
	add(fmt.Sprintf("requests by chance, %d or %v of them", chance, enough), func() (string, error) { return s.generated(ctx, o.seed, chance) })
	add("a body that never ends, in chunks", func() (string, error) {
		return s.pour(ctx, "Transfer-Encoding: chunked", "10000\r\n"+strings.Repeat("a", 1<<16)+"\r\n")
	})
	add("a body of a terabyte", func() (string, error) {
		return s.pour(ctx, "Content-Length: 1099511627776", strings.Repeat("a", 1<<16))
	})
	add("64 clients that leave in the middle of a body", func() (string, error) { return s.leave(ctx) })
	s.hold(ctx, o.patience, add)
	if err := s.stop(); err != nil {
		return nil, err
	}
	got, err := limited(ctx, o)
	f := finding{What: fmt.Sprintf("%d connections, and %d descriptors", crowd, descriptors), Got: got}
	if err != nil {
		f.Bad = err.Error()
	}
	r.Findings = append(r.Findings, f)
	return r, nil
}

// lives checks that the process that was started answers.
func (s *server) lives(ctx context.Context) error {
	if !s.alive() {
		return s.end()
	}
	status, answer, err := s.call(ctx, call{Env: map[string]any{"DO": "text"}, Payload: "alive", Timeout: 30})
	if err != nil {
		return fmt.Errorf("the server answers no more: %w", err)
	}
	if status != http.StatusOK || string(answer) != "alive" {
		return fmt.Errorf("the server answers with status %d: %.300s", status, answer)
	}
	if !s.alive() {
		return s.end()
	}
	return nil
}

// body is one that is sent whole.
type body struct {
	what   string
	data   []byte
	runs   string // what the function answers if it runs; "" if it must not
	refuse bool   // 400 is right too, or alone
}

// bodies are what the function may get, or must not.
func (s *server) bodies() []body {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	// put replaces a payload without encoding what is put there.
	put := func(what string) []byte {
		return bytes.Replace(s.encode(call{Env: map[string]any{"DO": "text"}, Payload: "<>"}), []byte(`"\u003c\u003e"`), []byte(what), 1)
	}
	large := words(newRandom(1), largePayload)
	return []body{
		{what: "a payload of 6 MB", data: s.encode(call{Env: map[string]any{"DO": "text"}, Payload: large}), runs: large},
		{what: "lists, 100,000 deep, for a body", data: []byte(deep(depth)), refuse: true},
		{what: "lists, 5,000,000 deep, for a body", data: []byte(deep(veryDeep)), refuse: true},
		{what: "lists that never close, 5,000,000 deep", data: []byte(strings.Repeat("[", veryDeep)), refuse: true},
		{what: "objects, 100,000 deep, in a good body", data: put(`"alive", "more": ` + strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)), runs: "alive", refuse: true},
		{what: "lists, 100,000 deep, in env", data: bytes.Replace(put(`"alive"`), []byte(`"DO":`), []byte(`"DEEP":`+deep(depth)+`,"DO":`), 1), runs: "alive", refuse: true},
		{what: "a number of a million digits", data: put(`"alive", "more": ` + strings.Repeat("9", 1_000_000)), runs: "alive", refuse: true},
		{what: "invalid UTF-8", data: put("\"a\xff\xfeb\""), refuse: true},
		{what: "UTF-8 cut short", data: put("\"a\xf0\x9f\x99\""), refuse: true},
		{what: "an overlong form of UTF-8", data: put("\"a\xc0\xafb\""), refuse: true},
		{what: "half of a surrogate pair in UTF-8", data: put("\"a\xed\xa0\x80b\""), refuse: true},
		{what: "half of a surrogate pair, escaped", data: put(`"alive", "more": "\ud800"`), runs: "alive", refuse: true},
		{what: "a zero byte after the body", data: append(put(`"alive"`), 0), refuse: true},
	}
}

// meet sends a body and checks what becomes of it.
func (s *server) meet(ctx context.Context, b body) (string, error) {
	status, answer, err := s.post(ctx, b.data, true)
	if err != nil {
		return "no answer", err
	}
	got := fmt.Sprintf("status %d", status)
	switch {
	case status == http.StatusOK && b.runs != "":
		if string(answer) != b.runs {
			return got, fmt.Errorf("a wrong answer: %.300s", answer)
		}
		return got, nil
	case b.refuse:
		return got, refused(status, answer, http.StatusBadRequest, "")
	}
	return got, fmt.Errorf("want status 200: %.300s", answer)
}

// garbage is what is no HTTP.
type garbage struct {
	what string
	data string
}

func bytesOf() []garbage {
	return []garbage{
		{"bytes that are no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n\x00\xff\xfe\r\n\r\n"},
		{"a line that is no request", "HELO there\r\n\r\n"},
		{"a head of a megabyte", "POST / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n"},
		{"a length that is no number", "POST / HTTP/1.1\r\nHost: a\r\nX-Internal-Challenge: " + key + "\r\nContent-Length: many\r\n\r\n"},
		{"chunks that are none", "POST / HTTP/1.1\r\nHost: a\r\nX-Internal-Challenge: " + key + "\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n\r\n"},
	}
}

// soon is how long an answer to what is complete may take.
const soon = 30 * time.Second

// raw sends bytes; the server refuses them, or closes.
func raw(ctx context.Context, data string) (string, error) {
	conn, err := dial(ctx)
	if err != nil {
		return "no connection", err
	}
	_, _ = conn.Write([]byte(data)) // it may be closed before all is sent
	got, err := ending(conn, soon)
	_ = conn.Close() // it may be closed already
	return got, err
}

func dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", address)
}

// ending waits until a server has answered with an error, or closes. The error
// is for one that does neither.
func ending(conn net.Conn, limit time.Duration) (string, error) {
	if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	answer := make([]byte, 0, 1<<12)
	for len(answer) < cap(answer) {
		n, err := conn.Read(answer[len(answer):cap(answer)])
		answer = answer[:len(answer)+n]
		if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() && len(answer) == 0 {
			return "it waits", fmt.Errorf("neither an answer nor an end within %v", limit)
		}
		if err != nil || bytes.Contains(answer, []byte("\r\n\r\n")) {
			break
		}
	}
	line, _, _ := strings.Cut(string(answer), "\r\n")
	fields := strings.Fields(line)
	switch {
	case line == "":
		return "it closes", nil
	case len(fields) < 2 || !strings.HasPrefix(line, "HTTP/1.") || !refusal(fields[1]):
		return line, errors.New("want a status of 400 or more, or the end of the connection")
	}
	return "status " + fields[1], nil
}

// refusal reports whether a status refuses what was sent: it is wrong, or of a
// coding or version that the server does not have.
func refusal(status string) bool {
	return strings.HasPrefix(status, "4") || status == "501" || status == "505"
}

// head starts a request that has the key.
func head(framing string) string {
	return "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-Internal-Challenge: " + key + "\r\n" + framing + "\r\n\r\n"
}

// pour sends a body without an end, until the server has had enough.
func (s *server) pour(ctx context.Context, framing, part string) (string, error) {
	conn, err := dial(ctx)
	if err != nil {
		return "no connection", err
	}
	stopped := make(chan error, 1)
	go func() {
		_, err := conn.Write([]byte(head(framing)))
		for sent := 0; err == nil && sent < endless; sent += len(part) {
			err = errors.Join(conn.SetWriteDeadline(time.Now().Add(soon)))
			if err == nil {
				_, err = conn.Write([]byte(part))
			}
		}
		stopped <- err
	}()
	got, err := ending(conn, soon)
	_ = conn.Close() // whatever came: no more is sent
	if sent := <-stopped; err == nil && sent == nil {
		err = fmt.Errorf("%d bytes were taken", endless)
	}
	return got, err
}

// leave goes away in the middle of bodies.
func (s *server) leave(ctx context.Context) (string, error) {
	for range concurrency {
		conn, err := dial(ctx)
		if err != nil {
			return "no connection", err
		}
		_, err = conn.Write([]byte(head("Content-Length: 100000") + strings.Repeat("a", 50_000)))
		if err := errors.Join(err, conn.Close()); err != nil {
			return "", err
		}
	}
	return "", nil
}

// holding is what some clients send before they fall silent.
type holding struct {
	what    string
	clients int
	data    string
	conns   []net.Conn
}

func holdings() []*holding {
	return []*holding{
		{what: "200 connections that send nothing", clients: silentClients},
		{what: "50 connections that send half a head", clients: halfClients, data: "POST / HTTP/1.1\r\nHost: a\r\nX-Inter"},
		{what: "50 connections that send half a body", clients: halfClients, data: head("Content-Length: 1000") + `{"path"`},
		{what: "50 connections that send half a chunk", clients: halfClients, data: head("Transfer-Encoding: chunked") + "1000\r\n{\"path\""},
	}
}

// open makes the connections of a holding, and sends what it says.
func (h *holding) open(ctx context.Context) error {
	for range h.clients {
		conn, err := dial(ctx)
		if err != nil {
			return err
		}
		h.conns = append(h.conns, conn)
		if _, err := conn.Write([]byte(h.data)); err != nil {
			return err
		}
	}
	return nil
}

// hold keeps silent connections open, while others are answered. With patience
// the server ends all of them.
func (s *server) hold(ctx context.Context, patience time.Duration, add meeting) {
	all := holdings()
	for _, h := range all {
		add(h.what, func() (string, error) {
			err := h.open(ctx)
			for i := 0; i < 20 && err == nil; i++ {
				err = s.lives(ctx)
			}
			return "others are answered", err
		})
	}
	var wait sync.WaitGroup
	ends, errs := make([]string, len(all)), make([]error, len(all))
	for i, h := range all {
		if patience > 0 {
			wait.Go(func() { ends[i], errs[i] = h.ends(patience) })
		}
	}
	wait.Wait()
	for i, h := range all {
		if patience > 0 {
			add("the end of "+h.what, func() (string, error) { return ends[i], errs[i] })
		}
		h.close()
	}
}

// close ends the connections that the server has not ended.
func (h *holding) close() {
	for _, c := range h.conns {
		_ = c.Close() // it may be closed already
	}
}

// ends waits until the server has ended all connections.
func (h *holding) ends(patience time.Duration) (string, error) {
	begin := time.Now()
	ends, errs := make([]string, len(h.conns)), make([]error, len(h.conns))
	var wait sync.WaitGroup
	for i, c := range h.conns {
		wait.Go(func() { ends[i], errs[i] = ending(c, patience) })
	}
	wait.Wait()
	slices.Sort(ends)
	return fmt.Sprintf("%s after %.0f s", strings.Join(slices.Compact(ends), ", "), time.Since(begin).Seconds()), cmp.Or(errs...)
}
