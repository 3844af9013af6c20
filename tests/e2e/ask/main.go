// Ask starts a server and questions it, from inside its container: it is given
// the command of the server, waits until it answers, and checks what it says.
// It is static, so that it runs in any image.
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
	"syscall"
	"time"
)

const (
	key      = "the-key"
	url      = "http://127.0.0.1:3000/"
	deadline = 90 * time.Second // for the first answer; emulation is slow
	grace    = 10 * time.Second // to end after SIGTERM
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: ask ENTRYPOINT COMMAND…")
		os.Exit(2)
	}
	if err := ask(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "ask:", err)
		os.Exit(1)
	}
}

func ask(entrypoint string, command []string) error {
	server := exec.CommandContext(context.Background(), command[0], command[1:]...)
	server.Env = append(os.Environ(), "INTERNAL_RUNTIME_KEY="+key)
	server.Stdout, server.Stderr = os.Stderr, os.Stderr
	start := time.Now()
	if err := server.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	defer func() { _ = server.Process.Kill() }() // it may have ended
	if err := ready(ended); err != nil {
		return err
	}
	fmt.Printf("answers after %v\n", time.Since(start).Round(time.Millisecond))
	if err := errors.Join(function(entrypoint), refusals(entrypoint)); err != nil {
		return err
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the server is gone: %w", err)
	}
	select {
	case err := <-ended:
		fmt.Printf("ended after SIGTERM: %v\n", err)
		return nil
	case <-time.After(grace):
		return fmt.Errorf("the server runs on %v after SIGTERM", grace)
	}
}

func ready(ended <-chan error) error {
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			return fmt.Errorf("the server ended: %w", err)
		default:
		}
		if _, _, err := post("", nil); err == nil {
			return nil
		}
	}
	return fmt.Errorf("no answer within %v", deadline)
}

// function asks what the executor asks, twice: the server lives on.
func function(entrypoint string) error {
	for _, payload := range []string{"Hello World! 2", "é \"quoted\" \n 漢字"} {
		status, body, err := post(key, call(entrypoint, payload))
		if err != nil {
			return err
		}
		var answer struct{ Normal, Env1, Payload string }
		if err := json.Unmarshal(body, &answer); err != nil {
			return fmt.Errorf("status %d: %w: %s", status, err, body)
		}
		if status != 200 || answer.Normal != "Hello World!" || answer.Env1 != "the env" || answer.Payload != payload {
			return fmt.Errorf("wrong answer: status %d: %s", status, body)
		}
	}
	return nil
}

// refusals asks what must be refused, with the error object.
func refusals(entrypoint string) error {
	good := call(entrypoint, "")
	var errs []error
	for _, c := range []struct {
		name, method, challenge string
		body                    []byte
		want                    int
	}{
		{"wrong challenge", http.MethodPost, "wrong", good, 401},
		{"no challenge", http.MethodPost, "", good, 401},
		{"wrong challenge and broken body", http.MethodPost, "wrong", []byte("{"), 401},
		{"broken body", http.MethodPost, key, []byte("{"), 400},
		{"a list", http.MethodPost, key, []byte("[]"), 400},
		{"payload that is no string", http.MethodPost, key, []byte(`{"path": "/usr/code", "file": "x", "payload": 1}`), 400},
		{"another method", http.MethodPut, key, good, 405},
		{"GET", http.MethodGet, key, nil, 405},
		{"a body of 21 MiB", http.MethodPost, key, make([]byte, 21<<20), 413},
	} {
		status, body, err := send(c.method, c.challenge, c.body)
		var object map[string]any
		if err == nil {
			err = json.Unmarshal(body, &object)
		}
		if err != nil || status != c.want || object["code"] != float64(c.want) || len(object) != 2 {
			errs = append(errs, fmt.Errorf("%s: want %d and the error object, got %d: %s (%w)", c.name, c.want, status, body, err))
		}
	}
	return errors.Join(errs...)
}

func call(entrypoint, payload string) []byte {
	body, err := json.Marshal(map[string]any{
		"path": "/usr/code", "file": entrypoint, "env": map[string]string{"ENV1": "the env"},
		"payload": payload, "timeout": 60, "headers": map[string]string{"test": "test1"},
	})
	if err != nil {
		panic(err) // strings only
	}
	return body
}

func post(challenge string, body []byte) (int, []byte, error) {
	return send(http.MethodPost, challenge, body)
}

func send(method, challenge string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if challenge != "" {
		req.Header.Set("X-Internal-Challenge", challenge)
	}
	client := http.Client{Timeout: 70 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}
