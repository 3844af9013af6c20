package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

// What the contract and the executor fix.
const (
	launch   = "/usr/local/src/launch.sh"
	codeDir  = "/usr/code"
	codeFile = "/tmp/code.tar.gz"
	address  = "127.0.0.1:3000"
	url      = "http://" + address + "/"
	key      = "the-key-of-the-load"
)

const (
	startLimit  = 2 * time.Minute  // to the first answer; emulation is slow
	answerLimit = 60 * time.Second // of one request under load, at least
)

// server is one that was started here.
type server struct {
	file   string // the function
	http   *http.Client
	cmd    *exec.Cmd
	log    log
	ended  chan struct{} // closed when it has
	answer time.Duration // from its start to the first answer of the function with status 200
}

// start starts a server by launch.sh, and waits until its function answers.
func start(ctx context.Context, o options, connections int) (*server, error) {
	code, err := os.ReadFile(o.code)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(codeFile, code, 0o600); err != nil {
		return nil, err
	}
	s := &server{file: o.file, http: newClient(connections), ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, launch)
	s.cmd.Env = append(os.Environ(), "INTERNAL_RUNTIME_KEY="+key)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if o.wrap != nil {
		o.wrap(s.cmd)
	}
	s.cmd.WaitDelay = time.Second // children may keep its output open
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait() // its state is kept
		close(s.ended)
	}()
	for last := error(nil); ; time.Sleep(2 * time.Millisecond) {
		switch {
		case !s.alive():
			return nil, fmt.Errorf("%w\n%s", s.end(), s.log.String())
		case time.Since(begin) > startLimit:
			return nil, errors.Join(last, fmt.Errorf("no answer within %v\n%s", startLimit, s.log.String()), s.stop())
		}
		var status int
		// Fixtures take what they are given for granted.
		if status, _, last = s.call(ctx, call{Env: map[string]any{"ENV1": "Hello World!"}}); last == nil && status == http.StatusOK {
			s.answer = time.Since(begin)
			return s, nil
		}
	}
}

// newClient keeps as many connections as are asked for.
func newClient(connections int) *http.Client {
	return &http.Client{
		Timeout: answerLimit,
		Transport: &http.Transport{
			MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true,
			IdleConnTimeout: 10 * time.Second, // less than any server's
		},
	}
}

func (s *server) alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// end is how a server has ended that should live.
func (s *server) end() error {
	return fmt.Errorf("the server has ended: %s", s.cmd.ProcessState)
}

// stop ends the server at once.
func (s *server) stop() error {
	s.http.CloseIdleConnections()
	if err := s.cmd.Process.Kill(); err != nil && s.alive() {
		return err
	}
	<-s.ended
	return nil
}

// call is the body of a request.
type call struct {
	Path    string         `json:"path"`
	File    string         `json:"file"`
	Env     map[string]any `json:"env,omitempty"`
	Headers map[string]any `json:"headers,omitempty"`
	Payload string         `json:"payload,omitempty"`
	Timeout int            `json:"timeout,omitempty"` // seconds
}

// encode makes the body of a request for the function.
func (s *server) encode(c call) []byte {
	c.Path, c.File = codeDir, s.file
	body, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings, numbers and maps of them
	}
	return body
}

// call runs the function, and reads its answer.
func (s *server) call(ctx context.Context, c call) (int, []byte, error) {
	return s.post(ctx, s.encode(c), false)
}

// post sends a body as it is, on a connection of its own if it is to be closed.
func (s *server) post(ctx context.Context, body []byte, closes bool) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Close = closes
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Internal-Challenge", key)
	res, err := s.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// log keeps the end of what a server writes.
type log struct {
	mu   sync.Mutex
	text []byte
}

func (l *log) Write(p []byte) (int, error) {
	const kept = 4000 // bytes
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	l.text = l.text[max(0, len(l.text)-kept):]
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
