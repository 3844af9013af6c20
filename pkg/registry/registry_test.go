package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/runbake/runbake/pkg/registry"
)

func TestResolve(t *testing.T) {
	s := newServer(t)
	amd, arm := image(t, "linux/amd64", "a"), image(t, "linux/arm64/v8", "b")
	repository := s.host + "/acme/node"
	index := attested(t, map[string]v1.Image{"linux/arm64/v8": arm, "linux/amd64": amd})
	full := push(t, repository, index, "24", "latest")
	single := push(t, repository, amd, "amd")
	_, digestA, _ := strings.Cut(single, "@")
	digestB, err := arm.Digest()
	if err != nil {
		t.Fatal(err)
	}
	s.set(nil)
	c := client(t, never)
	for range 3 {
		got, err := c.Resolve(t.Context(), repository+":24")
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("{%s [{linux/amd64 %s} {linux/arm64 %s}]}", full[len(repository)+1:], digestA, digestB)
		if fmt.Sprint(*got) != want {
			t.Errorf("got  %v\nwant %s", *got, want)
		}
		if got, err := c.Resolve(t.Context(), repository+":amd"); err != nil || fmt.Sprint(*got) != fmt.Sprintf("{%s [{linux/amd64 %s}]}", digestA, digestA) {
			t.Errorf("%v, %v", got, err)
		}
		head, err := c.Head(t.Context(), repository+":latest")
		if err != nil || head.Digest != full[len(repository)+1:] {
			t.Errorf("%v, %v", head, err)
		}
		if tags, err := c.Tags(t.Context(), repository); err != nil || !slices.Equal(tags, []string{"24", "amd", "latest"}) {
			t.Errorf("%v, %v", tags, err)
		}
		created, err := c.Created(t.Context(), repository, digestA)
		if err != nil || created.Format(time.DateOnly) != "2026-11-01" {
			t.Errorf("%v, %v", created, err)
		}
	}
	requests := s.seen("GET /v2/acme", "HEAD /v2/acme")
	slices.Sort(requests)
	if repeated := len(requests) - len(slices.Compact(slices.Clone(requests))); repeated > 0 {
		t.Errorf("something was asked twice: %q", requests)
	}
	manifests := "GET /v2/acme/node/manifests/"
	if got, want := s.seen(manifests), []string{manifests + "24", manifests + "amd"}; !slices.Equal(got, want) {
		t.Errorf("fetched %q, want %q", got, want)
	}
}

// TestOnce: what is asked from several places at once is asked once.
func TestOnce(t *testing.T) {
	s := newServer(t)
	push(t, s.host+"/acme/node", image(t, "linux/amd64", "a"), "24")
	s.set(nil)
	c := client(t, never)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := c.Resolve(t.Context(), s.host+"/acme/node:24"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := s.seen("GET /v2/acme/node/manifests/24"); len(got) != 1 {
		t.Errorf("asked %d times", len(got))
	}
}

// TestErrors: every error names the image and says what to do.
func TestErrors(t *testing.T) {
	s := newServer(t)
	for _, c := range []struct {
		status int
		body   string
		want   string
	}{
		{404, ``, "the registry has no such image; check the name, or push it first"},
		{401, ``, "HOST requires authentication (401 Unauthorized); log in with docker login HOST, or check the name"},
		{403, `{"errors": [{"code": "DENIED", "message": "no\npush\u001b[31m"}]}`, "HOST denies access (403 Forbidden): DENIED: no push [31m; check the permissions of the account of docker login HOST"},
		{429, ``, "HOST rate limits requests (429 Too Many Requests); wait, or docker login HOST for a higher limit"},
		{503, ``, "HOST answers 503 Service Unavailable repeatedly; try again later"},
		{500, `{"errors": [{"code": "UNKNOWN", "message": "disk full"}, {"code": "OTHER"}]}`, "HOST answers 500 Internal Server Error repeatedly: UNKNOWN: disk full; OTHER; try again later"},
		{400, `<html>`, "HOST answers 400 Bad Request"},
		{200, `{`, "unexpected answer of the registry: unexpected EOF"},
	} {
		t.Run(strconv.Itoa(c.status), func(t *testing.T) {
			s.set(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/v2/" {
					return false
				}
				w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				return true
			})
			image := s.host + "/acme/node:24"
			_, err := client(t, quick).Resolve(t.Context(), image)
			want := image + ": " + strings.ReplaceAll(c.want, "HOST", s.host)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if errors.Is(err, registry.ErrNotFound) != (c.status == 404) {
				t.Errorf("ErrNotFound for %d", c.status)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	_, err := client(t, quick).Resolve(t.Context(), "127.0.0.1:1/acme/node:24")
	want := "127.0.0.1:1/acme/node:24: 127.0.0.1:1 cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused; check its name and the network"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = client(t, quick).Head(t.Context(), "UPPER:24")
	if err == nil || !strings.HasPrefix(err.Error(), "UPPER:24: not the name of an image (") {
		t.Error(err)
	}
}

func TestAskedAgain(t *testing.T) {
	s := newServer(t)
	s.set(func(int, http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	_, err := client(t, quick).Tags(t.Context(), s.host+"/acme/node")
	want := s.host + "/acme/node: " + s.host + " cannot be reached: EOF; check its name and the network"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if got := len(s.seen("GET /v2/")); got != quick.Attempts {
		t.Errorf("asked %d times", got)
	}
}
