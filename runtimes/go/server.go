// The server that is compiled with a function: POST / runs Main.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	maxBody    = 20 << 20 // bytes
	maxTimeout = 900 * time.Second
	idle       = 60 * time.Second
	grace      = 5 * time.Second // for running requests after SIGTERM
)

// call is the body of a request.
type call struct {
	Path    field[string]         `json:"path"`
	File    field[string]         `json:"file"`
	Env     field[map[string]any] `json:"env"`
	Headers field[map[string]any] `json:"headers"`
	Payload field[string]         `json:"payload"`
	Timeout field[*float64]       `json:"timeout"` // seconds
}

// field is one that may be missing, but is not null.
type field[T any] struct{ value T }

func (f *field[T]) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return errors.New("a field of it is null")
	}
	return json.Unmarshal(text, &f.value)
}

func main() {
	key := os.Getenv("INTERNAL_RUNTIME_KEY")
	os.Unsetenv("INTERNAL_RUNTIME_KEY") // not the function's business
	server := &http.Server{
		Addr:              "0.0.0.0:3000",
		Handler:           handler(key),
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       idle,
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		<-stop.Done()
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		_ = server.Shutdown(ctx) // what still runs after the grace ends with us
		os.Exit(0)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	select {} // Shutdown has the last word
}

func handler(key string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		res := answer(key, w, r)
		w.Header().Set("Content-Type", res.kind)
		if res.status == http.StatusNoContent || res.status == http.StatusResetContent || res.status == http.StatusNotModified {
			res.body = nil // HTTP has none there
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(res.body)))
		if len(r.TransferEncoding) > 0 {
			// There may have been a length too, which net/http does not tell: what
			// follows is then not to be trusted.
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(res.status)
		_ = write(w, res.body) // the client may have gone
	}
}

// write writes an answer, each part of which a client has to read in time.
func write(w http.ResponseWriter, body []byte) error {
	const part = 64 << 10
	connection := http.NewResponseController(w)
	for {
		if err := connection.SetWriteDeadline(time.Now().Add(idle)); err != nil {
			return err
		}
		n := min(part, len(body))
		if _, err := w.Write(body[:n]); err != nil {
			return err
		}
		if body = body[n:]; len(body) == 0 {
			break
		}
	}
	if err := connection.Flush(); err != nil {
		return err
	}
	return connection.SetWriteDeadline(time.Time{})
}

func answer(key string, w http.ResponseWriter, r *http.Request) *Response {
	res := newResponse()
	if r.Method != http.MethodPost {
		res.fail(http.StatusMethodNotAllowed, "Only POST runs a function")
		return res
	}
	if !authorized(key, r.Header.Get("X-Internal-Challenge")) {
		res.fail(http.StatusUnauthorized, "Unauthorized")
		return res
	}
	body, err := read(w, r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		res.fail(http.StatusRequestEntityTooLarge, fmt.Sprintf("Body exceeds %d bytes", maxBody))
		return res
	case err != nil:
		res.fail(http.StatusBadRequest, "Body cannot be read: "+err.Error())
		return res
	}
	c, timeout, err := parse(body)
	if err != nil {
		res.fail(http.StatusBadRequest, err.Error())
		return res
	}
	go run(c, res)
	select {
	case <-res.done:
	case <-time.After(timeout):
		res.fail(http.StatusInternalServerError, fmt.Sprintf("Function did not answer within %v seconds", timeout.Seconds()))
	}
	<-res.done
	return res
}

// read reads a body, which has as long as a silent connection.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	connection := http.NewResponseController(w)
	if err := connection.SetReadDeadline(time.Now().Add(idle)); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	return body, connection.SetReadDeadline(time.Time{})
}

// authorized compares in constant time; digests make the lengths equal. An
// empty key lets nobody in.
func authorized(key, challenge string) bool {
	want, got := sha256.Sum256([]byte(key)), sha256.Sum256([]byte(challenge))
	return key != "" && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

func parse(body []byte) (call, time.Duration, error) {
	if !utf8.Valid(body) {
		return call{}, 0, errors.New("Body is not UTF-8")
	}
	var object *call
	if err := json.Unmarshal(body, &object); err != nil {
		return call{}, 0, fmt.Errorf("Body is not a request: %w", err)
	}
	if object == nil {
		return call{}, 0, errors.New("Body is not a request: it is null")
	}
	c := *object
	if c.Env.value == nil {
		c.Env.value = map[string]any{}
	}
	if c.Headers.value == nil {
		c.Headers.value = map[string]any{}
	}
	seconds := c.Timeout.value
	if seconds == nil {
		return c, maxTimeout, nil
	}
	if !(*seconds > 0) {
		return c, 0, errors.New("timeout is not a number of seconds")
	}
	return c, time.Duration(min(*seconds, maxTimeout.Seconds()) * float64(time.Second)), nil
}

// run calls the function. What it panics with, or returns, fails the request.
func run(c call, res *Response) {
	defer func() {
		if p := recover(); p != nil {
			res.fail(http.StatusInternalServerError, told(p)+"\n"+string(debug.Stack()))
		}
	}()
	if err := Main(&Request{Env: c.Env.value, Headers: c.Headers.value, Payload: c.Payload.value}, res); err != nil {
		res.fail(http.StatusInternalServerError, err.Error())
	}
}

// told makes text of whatever was thrown, also of what panics when it is asked
// for its text.
func told(thrown any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("%T, which cannot be told", thrown)
		}
	}()
	return fmt.Sprint(thrown)
}
