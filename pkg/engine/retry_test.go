package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestTransient(t *testing.T) {
	for _, test := range []struct {
		err       string
		transient bool
		wait      time.Duration
	}{
		{"failed to push localhost:5000/a:1: unexpected status from PUT request to http://localhost:5000/v2/a/manifests/1: 500 Internal Server Error", true, 0},
		{"failed to push localhost:5000/a:1: unexpected status from POST request to http://localhost:5000/v2/a/blobs/uploads/: 503 Service Unavailable", true, 0},
		{"unexpected status from HEAD request to https://registry-1.docker.io/v2/library/node/manifests/22: 429 Too Many Requests", true, overloadedWait},
		{"toomanyrequests: too many requests, Retry-After: 7", true, 7 * time.Second},
		{`unexpected status: 429 Too Many Requests: {"retry-after": "86400"}`, true, maxWait},
		{"failed to copy: read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer", true, 0},
		{"failed to do request: Head \"http://localhost:5000/v2/\": dial tcp 127.0.0.1:5000: connect: connection refused", true, 0},
		{"failed to do request: Get \"https://x/v2/\": net/http: TLS handshake timeout", true, 0},
		{"failed to do request: Get \"https://x/v2/\": dial tcp: lookup x: i/o timeout", true, 0},
		{"failed to do request: Get \"https://x/v2/\": dial tcp 192.0.2.1:443: connect: connection timed out", true, 0},
		{"failed to do request: Put \"http://x/v2/\": EOF", true, 0},
		{"failed to copy: unexpected EOF", true, 0},
		{"httpReadSeeker: failed open: unexpected status code https://x/v2/a/blobs/sha256:1: 502 Bad Gateway", true, 0},
		{"error writing manifest blob: unknown: unknown error", true, 0},
		{"error writing manifest blob: unavailable: service unavailable", true, 0},
		{"unexpected status from PUT request to http://x/v2/a/manifests/1: 503 Service Unavailable\nunknown: unknown error", true, 0},

		{"process \"/bin/sh -c curl x\" did not complete successfully: exit code: 22", false, 0},
		{"process \"/bin/sh -c echo 503 Service Unavailable; echo connection reset by peer\" did not complete successfully: exit code: 1", false, 0},
		{"dockerfile parse error on line 2: unknown instruction: 429 too many requests", false, 0},
		{"failed to compute cache key: failed to calculate checksum of ref a::b: \"/EOF\": not found", false, 0},
		{"docker.io/library/node:99: not found", false, 0},
		{"unexpected status from PUT request to http://x/v2/a/manifests/1: 400 Bad Request", false, 0},
		{"unexpected status from PUT request to http://x/v2/a/manifests/1: 400 Bad Request\nunknown: manifest invalid", false, 0},
		{"error writing manifest blob: denied: requested access to the resource is denied", false, 0},
		{"failed to create task: OCI runtime create failed: runc create failed: unable to start: unknown", false, 0},
		{"failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized", false, 0},
		{"push access denied, repository does not exist or may require authorization", false, 0},
		{"rpc error: code = Unavailable desc = error reading from server: EOF", false, 0},
		{"Unavailable: error reading from server: EOF", false, 0},
		{"write /var/lib/x: no space left on device", false, 0},
	} {
		transient, wait := Transient(fmt.Errorf("target a: failed to solve: %w", errors.New(test.err)))
		if transient != test.transient || wait != test.wait {
			t.Errorf("%s:\ngot %v, %v; want %v, %v", test.err, transient, wait, test.transient, test.wait)
		}
	}
	if transient, _ := Transient(nil); transient {
		t.Error("no error is tried again")
	}
	if transient, _ := Transient(fmt.Errorf("connection reset by peer: %w", context.Canceled)); transient {
		t.Error("what was given up is tried again")
	}
}

func TestRetry(t *testing.T) {
	reset, exit := errors.New("connection reset by peer"), errors.New("did not complete successfully: exit code: 1")
	results := map[string]Result{
		"pushed": {}, "broken": {Err: exit}, "cut": {Err: reset},
		"needed": {Err: reset, Linked: true}, "aborted": {Err: fmt.Errorf("aborted: dependency target failed: %w", reset), Aborted: true},
	}
	for attempt, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second} {
		again, wait := retry(results, attempt)
		if !slices.Equal(again, []string{"aborted", "cut"}) || wait != want {
			t.Errorf("after attempt %d: %v in %v, want [aborted cut] in %v", attempt, again, wait, want)
		}
	}
	if again, _ := retry(results, maxAttempts); again != nil {
		t.Errorf("after the last attempt: %v", again)
	}
	results["busy"] = Result{Err: errors.New("429 Too Many Requests, retry-after: 30")}
	if _, wait := retry(results, 1); wait != 30*time.Second {
		t.Errorf("a registry asks for 30 s, and %v are waited", wait)
	}
}

// TestRemember: an image that was pushed is still said to be, with its digest,
// when one that is built on it has to be tried again.
func TestRemember(t *testing.T) {
	cut := errors.New("connection reset by peer")
	pushed := map[string]string{"containerimage.digest": "sha256:1"}
	all := map[string]Result{}
	remember(all, map[string]Result{"below": {Metadata: pushed, Took: 1}, "above": {Err: cut, Took: 2}, "needed": {Linked: true}}, 1)
	remember(all, map[string]Result{"below": {Linked: true, Took: 4}, "above": {Took: 8}, "needed": {Linked: true}}, 2)
	got := requested(all)
	if below := got["below"]; below.Linked || below.Attempts != 1 || below.Took != 1 || below.Metadata == nil {
		t.Errorf("below is %+v", below)
	}
	if above := got["above"]; above.Err != nil || above.Attempts != 2 || above.Took != 10 {
		t.Errorf("above is %+v", above)
	}
	if len(got) != 2 {
		t.Errorf("%v: what was only needed is told of", got)
	}
}
