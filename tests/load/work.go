package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// What a request of somebody who has no key may cost.
const (
	attempts = 8                                // of each, since processors are counted in hundredths of a second
	most     = attempts * 50 * time.Millisecond // more than plain requests of that size
	times    = 20                               // of plain requests, for slow machines
	headSize = 60 << 10                         // bytes
)

// heads are 60 KiB each, and all that a stranger gets a server to read.
func heads() []garbage {
	post := func(what, fields string) garbage {
		return garbage{what, "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n"}
	}
	fill := func(part string) string { return strings.Repeat(part, headSize/len(part)) }
	var names strings.Builder
	for i := 0; names.Len() < headSize; i++ {
		fmt.Fprintf(&names, "N%x:\r\n", i)
	}
	return []garbage{
		post("spaces in a value", "X: a"+fill(" ")+"b"),
		post("tabs in a value", "X: a"+fill("\t")+"b"),
		post("spaces before a value", "X:"+fill(" ")+"b"),
		post("spaces in a name", "X"+fill(" ")+"b: c"),
		post("a name without a colon", fill("a")),
		post("colons", "X"+fill(":")),
		post("names", strings.TrimSuffix(names.String(), "\r\n")),
		post("a length", "Content-Length: "+fill("9")),
		post("a coding", "Transfer-Encoding: "+fill("chunked, ")+"chunked"),
		post("carriage returns", "X: "+fill("\r")),
		{"empty lines first", fill("\r\n") + "POST / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a method", fill("A") + " / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a path", "POST /" + fill("%2e/") + " HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"spaces in a line", "POST " + fill(" ") + "/ HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"versions", "POST /" + fill(" HTTP/1.") + "x\r\nHost: a\r\n\r\n"},
	}
}

// works measures how much of a processor a head takes, next to a plain one of
// its size.
func (s *server) works(ctx context.Context, data string, plain time.Duration) (time.Duration, error) {
	begin, err := s.processor()
	if err != nil {
		return 0, err
	}
	for range attempts {
		if _, err := raw(ctx, data); err != nil {
			return 0, err
		}
	}
	end, err := s.processor()
	if took := end - begin; err == nil && plain > 0 && took > most+times*plain {
		return took, fmt.Errorf("it took %v of a processor, a plain head of its size %v", took, plain)
	}
	return end - begin, err
}

// toil sends all heads.
func (s *server) toil(ctx context.Context, add meeting) {
	var plain time.Duration
	add("a plain head of 60 KiB", func() (string, error) {
		took, err := s.works(ctx, "POST / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("a", headSize)+"\r\n\r\n", 0)
		plain = max(took, 10*time.Millisecond)
		return took.String(), err
	})
	for _, h := range heads() {
		add("60 KiB of "+h.what, func() (string, error) {
			took, err := s.works(ctx, h.data, plain)
			return took.String(), err
		})
	}
}

// processor is how much of one the server has used until now.
func (s *server) processor() (time.Duration, error) {
	const tick = 10 * time.Millisecond
	var sum time.Duration
	for _, pid := range descendants(s.cmd.Process.Pid) {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended
		}
		// pid (name) state …, with the times of itself and of children at 14 to 17.
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		for _, field := range fields[11:15] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(n) * tick
		}
	}
	return sum, nil
}

// How a server meets the limit of its descriptors.
const (
	descriptors = 256
	crowd       = 400 // clients
	idleTime    = 3 * time.Second
)

// limited starts a server with few descriptors, and takes all of them: it
// answers those that it has, waits, and is as before when they go.
func limited(ctx context.Context, o options) (got string, err error) {
	o.wrap = func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", fmt.Sprintf("ulimit -n %d && exec %s", descriptors, launch)}
	}
	s, err := start(ctx, o, 1)
	if err != nil {
		return "no server", err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	h := &holding{clients: crowd}
	defer h.close()
	_ = h.open(ctx)         // those that it has no place for may be turned away
	time.Sleep(time.Second) // it takes the others
	begin, err := s.processor()
	if err != nil {
		return "", err
	}
	time.Sleep(idleTime)
	end, err := s.processor()
	if err != nil || !s.alive() {
		return "it ends", errors.Join(err, s.end())
	}
	took := end - begin
	if took > idleTime/3 {
		return "it does not wait", fmt.Errorf("it took %v of a processor in %v", took, idleTime)
	}
	status, answer, err := s.call(ctx, call{Env: map[string]any{"DO": "text"}, Payload: "alive", Timeout: 30}) // on a connection that it had
	if err == nil && status != http.StatusOK {
		err = refused(status, answer, http.StatusInternalServerError, "") // it could not run the function
	}
	if err != nil {
		return "a client that it had is not answered", err
	}
	h.close()
	s.http.CloseIdleConnections()
	for end := time.Now().Add(soon); ; time.Sleep(100 * time.Millisecond) {
		if err = s.lives(ctx); err == nil || time.Now().After(end) {
			return fmt.Sprintf("%v of a processor", took), err
		}
	}
}
