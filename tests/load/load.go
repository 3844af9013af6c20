package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// concurrency is how many requests a server gets at a time.
const concurrency = 64

// loadReport is what a server did under load.
type loadReport struct {
	Requests int      `json:"requests"`
	Seconds  float64  `json:"seconds"`
	Alone    float64  `json:"alone"` // seconds of a request, when no other is sent
	Wrong    []string `json:"wrong"` // the first wrong answers
	WrongAll int      `json:"wrongAll"`
	Warm     int64    `json:"warm"` // bytes, after half of the requests
	End      int64    `json:"end"`  // bytes, after all
	Log      string   `json:"log,omitempty"`
}

// load asks for many answers at once, each different, and checks all of them.
func load(ctx context.Context, o options) (any, error) {
	s, err := start(ctx, o, concurrency)
	if err != nil {
		return nil, err
	}
	r := &loadReport{Requests: o.requests, Wrong: []string{}}
	if err := s.measure(ctx, r); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	begin := time.Now()
	warm := o.requests / 2
	s.flood(ctx, r, 0, warm)
	if r.Warm, err = s.memory(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.flood(ctx, r, warm, o.requests)
	r.Seconds = time.Since(begin).Seconds()
	if r.End, err = s.memory(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if !s.alive() {
		r.wrong(s.end())
	}
	if r.WrongAll > 0 {
		r.Log = s.log.String()
	}
	return r, s.stop()
}

// measure sets how long an answer may take, by how long requests take alone:
// each may wait for all that were sent before it, several times.
func (s *server) measure(ctx context.Context, r *loadReport) error {
	const alone, times = 16, 5
	begin := time.Now()
	for n := range alone { // one of each size
		if err := s.ask(ctx, n); err != nil {
			return fmt.Errorf("request %d, alone: %w", n, err)
		}
	}
	each := time.Since(begin) / alone
	r.Alone = each.Seconds()
	s.http.Timeout = max(answerLimit, times*concurrency*each)
	return nil
}

func (r *loadReport) wrong(err error) {
	const kept = 10
	if r.WrongAll++; r.WrongAll <= kept {
		r.Wrong = append(r.Wrong, err.Error())
	}
}

// flood sends the requests from one number to another.
func (s *server) flood(ctx context.Context, r *loadReport, from, to int) {
	var next atomic.Int64
	next.Store(int64(from))
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range concurrency {
		wait.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= to || !s.alive() {
					return
				}
				if err := s.ask(ctx, n); err != nil {
					mu.Lock()
					r.wrong(fmt.Errorf("request %d: %w", n, err))
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
}

// ask sends one request, whose number decides what it is, and checks the answer.
func (s *server) ask(ctx context.Context, n int) error {
	random := newRandom(n)
	c := call{Env: variables(random), Headers: map[string]any{"number": strconv.Itoa(n)}, Payload: payload(random, n), Timeout: 60}
	c.Env["DO"] = [...]string{"echo", "text", "echo", "throw", "echo", "late", "echo", "text", "echo", "text", "echo", "echo"}[n%12]
	body := s.encode(c)
	if n%50 == 49 {
		body = body[:len(body)-1] // no JSON
	}
	status, answer, err := s.post(ctx, body, n%10 == 0)
	switch {
	case err != nil:
		return err
	case n%50 == 49:
		return refused(status, answer, http.StatusBadRequest, "")
	case c.Env["DO"] == "throw":
		return refused(status, answer, http.StatusInternalServerError, "thrown on purpose")
	case status != http.StatusOK:
		return fmt.Errorf("status %d: %.300s", status, answer)
	case c.Env["DO"] == "text":
		if string(answer) != c.Payload {
			return fmt.Errorf("want %.100q, got %.100q", c.Payload, answer)
		}
		return nil
	}
	var echo call
	if err := json.Unmarshal(answer, &echo); err != nil {
		return fmt.Errorf("%w: %.300s", err, answer)
	}
	if !reflect.DeepEqual(echo.Env, c.Env) || !reflect.DeepEqual(echo.Headers, c.Headers) || echo.Payload != c.Payload {
		return fmt.Errorf("another request's answer: %.300s", answer)
	}
	return nil
}

// refused checks an error: the error object, with that status.
func refused(status int, answer []byte, want int, message string) error {
	var object map[string]any
	if err := json.Unmarshal(answer, &object); err != nil {
		return fmt.Errorf("status %d: %w: %.300s", status, err, answer)
	}
	text, _ := object["message"].(string)
	if status != want || object["code"] != float64(want) || len(object) != 2 || !strings.Contains(text, message) {
		return fmt.Errorf("want the error object of %d with %q, got status %d: %.300s", want, message, status, answer)
	}
	return nil
}

// variables are few or many, short or long.
func variables(random *rand.Rand) map[string]any {
	env := map[string]any{}
	for i := range random.IntN(20) {
		env[fmt.Sprintf("NAME_%d", i)] = words(random, random.IntN(200))
	}
	return env
}

// payload is empty, short, or one of 64 KiB.
func payload(random *rand.Rand, n int) string {
	switch n % 16 {
	case 0:
		return ""
	case 15:
		return words(random, 64<<10)
	}
	return words(random, 1+random.IntN(2<<10))
}

// words are text of a length in bytes, or a little more.
func words(random *rand.Rand, length int) string {
	list := [...]string{"plain ", "é ", "漢字 ", "🙂", "\"quoted\" ", "\\ ", "\n", "{}[] "}
	var b strings.Builder
	for b.Len() < length {
		b.WriteString(list[random.IntN(len(list))])
	}
	return b.String()
}

// newRandom makes the same choices for the same number.
func newRandom(n int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(n), 1)) //nolint:gosec // no secrets
}
