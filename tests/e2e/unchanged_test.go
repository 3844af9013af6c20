package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// chain is a repository with an image, and one that is built on it.
const chain = `
-- runbake.hcl --
project {
  registry = "registry.example/acme"
}
-- runtimes/below/runtime.hcl --
base "below" {
  name = "Below"

  version "1" {
    from = { BASE_IMAGE = "debian:bookworm-slim" }
  }
}
-- runtimes/below/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
COPY file /file
-- runtimes/below/file --
first
-- runtimes/above/runtime.hcl --
base "above" {
  name = "Above"

  version "1" {
    from = { BASE_IMAGE = base.below["1"] }
    tags = ["1", "latest"]
  }
}
-- runtimes/above/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
RUN cat /file > /copy
-- runtimes/alone/runtime.hcl --
base "alone" {
  name = "Alone"

  version "1" {
    from = { BASE_IMAGE = "debian:bookworm-slim" }
  }
}
-- runtimes/alone/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
COPY Dockerfile /
`

// TestUnchanged: what a registry has, made of the same inputs, is neither built
// nor pushed again; it gets the tags that it lacks. What has changed is built,
// and what is built on it.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpack(t, dir, chain)
	m := newMachine(t, "", dir, cachedFrom)
	asked := m.watch(t)

	states(t, m.build(t, 0, "--push", "--platform=all"), "pushed", "pushed", "pushed")
	asked.reset()
	first := m.build(t, 0, "--push", "--platform=all")
	states(t, first, "unchanged", "unchanged", "unchanged")
	if got := asked.reset().written; len(got) > 0 {
		t.Errorf("what has not changed was written: %v", got)
	}

	// A tag that points elsewhere is moved, and nothing else is written.
	tag := first[0].Image[strings.Index(first[0].Image, "/")+1:]
	moved := strings.Replace(tag, ":1", ":latest", 1)
	m.retag(t, strings.Replace(tag, "above-base:1", "alone-base:1", 1), moved)
	asked.reset()
	states(t, m.build(t, 0, "--push", "--platform=all"), "tagged", "unchanged", "unchanged")
	if got := asked.reset().written; len(got) != 1 || !strings.HasSuffix(got[0], "/manifests/latest") {
		t.Errorf("to move a tag was written: %v", got)
	}

	// A file changes its image and what is built on it.
	write(t, filepath.Join(dir, "runtimes/below/file"), "second\n")
	want := []string{"image below-1 changed", "nothing has changed", "context runtimes/below changed"}
	if got := m.whys(t); !slices.Equal(got, want) {
		t.Errorf("plan says %q, want %q", got, want)
	}
	states(t, m.build(t, 0, "--push", "--platform=all"), "pushed", "unchanged", "pushed")
	states(t, m.build(t, 0, "--push", "--platform=all"), "unchanged", "unchanged", "unchanged")
	asked.reset()
	states(t, m.build(t, 0, "--push", "--platform=all", "alone"), "unchanged")
	if len(asked.reset().tags) == 0 {
		t.Error("nobody asked for the tags of what has not changed")
	}
	states(t, m.build(t, 0, "--push", "--platform=all", "--force", "alone"), "pushed")
	if got := asked.reset().tags; len(got) > 0 {
		t.Errorf("tags that decide nothing were asked for: %v", got)
	}
}

// whys are the reasons of plan --push, in the order of the images.
func (m *machine) whys(t *testing.T) []string {
	t.Helper()
	out, _ := m.run(t, 0, "plan", "--push", "--format=json")
	plan, err := items[struct{ Why []string }]([]byte(out))
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var whys []string
	for _, p := range plan {
		whys = append(whys, strings.Join(p.Why, "; "))
	}
	return whys
}

func states(t *testing.T, images []builtImage, want ...string) {
	t.Helper()
	var got []string
	for _, i := range images {
		got = append(got, i.State)
	}
	if !slices.Equal(got, want) {
		t.Errorf("states are %v, want %v: %+v", got, want, images)
	}
}

// retag points a tag to another image of the registry.
func (m *machine) retag(t *testing.T, from, to string) {
	t.Helper()
	idx, _ := index(t, m.Registry()+"/"+from)
	ref, err := name.ParseReference(m.Registry()+"/"+to, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, idx, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// traffic is what a registry was asked.
type traffic struct {
	written []string // by whomever
	tags    []string // that runbake itself looked at
}

// recorder notes the traffic of a registry.
type recorder struct {
	mu sync.Mutex
	traffic
}

func (r *recorder) note(req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := req.Method + " " + req.URL.Path
	switch {
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		r.written = append(r.written, line)
	case strings.HasPrefix(req.UserAgent(), "runbake") && strings.Contains(req.URL.Path, "/manifests/") && !strings.Contains(req.URL.Path, "sha256:"):
		r.tags = append(r.tags, line)
	}
}

// reset is what was noted since the last time.
func (r *recorder) reset() traffic {
	r.mu.Lock()
	defer r.mu.Unlock()
	noted := r.traffic
	r.traffic = traffic{}
	return noted
}

// watch lets the machine reach its registry through a proxy that notes what
// it is asked.
func (m *machine) watch(t *testing.T) *recorder {
	t.Helper()
	target, err := url.Parse("http://" + m.Registry())
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.note(req)
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	addr := strings.TrimPrefix(server.URL, "http://")
	config := filepath.Join(t.TempDir(), "buildkitd.toml")
	write(t, config, m.RegistriesConfig()+fmt.Sprintf("[registry.%q]\n  http = true\n", addr))
	m.env = append(m.env, "REGISTRY="+addr+"/runbake", "RUNBAKE_BUILDKITD_CONFIG="+config)
	return r
}
