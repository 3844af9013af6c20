package registry_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	memory "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/runbake/runbake/pkg/registry"
)

// server is a registry in this process, before which faults can be put.
type server struct {
	host string

	mu       sync.Mutex
	requests []string // method and path, in order
	fault    func(n int, w http.ResponseWriter, r *http.Request) bool
}

func newServer(t testing.TB, options ...memory.Option) *server {
	t.Helper()
	inner := memory.New(append(options, memory.Logger(log.New(io.Discard, "", 0)))...)
	s := &server{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		n := len(s.requests)
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		fault := s.fault
		s.mu.Unlock()
		if fault == nil || !fault(n, w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(web.Close)
	s.host = strings.TrimPrefix(web.URL, "http://")
	return s
}

// set puts a fault before the registry, and counts requests from 0 again.
func (s *server) set(fault func(n int, w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.fault = nil, fault
}

// seen are the requests since set, those that start with a prefix.
func (s *server) seen(prefixes ...string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, r := range s.requests {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(r, p) }) {
			list = append(list, r)
		}
	}
	return list
}

// quick repeats, but does not wait.
var quick = registry.Retry{Attempts: 4, First: time.Nanosecond, Longest: time.Second}

// never repeats nothing.
var never = registry.Retry{Attempts: 1}

func client(t testing.TB, retry registry.Retry) *registry.Client {
	t.Helper()
	c, err := registry.New(registry.Options{Retry: retry})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// image is an image for a platform; text makes it another one.
func image(t testing.TB, platform, text string) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte(text), types.OCILayer))
	if err != nil {
		t.Fatal(err)
	}
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant,
		Created: v1.Time{Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return mutate.Annotations(mutate.ConfigMediaType(img, types.OCIConfigJSON), map[string]string{"level": "manifest"}).(v1.Image)
}

// attested is what BuildKit pushes: an index of images and attestations.
func attested(t testing.TB, images map[string]v1.Image) v1.ImageIndex {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range slices.Sorted(func(yield func(string) bool) {
		for p := range images {
			if !yield(p) {
				return
			}
		}
	}) {
		p, err := v1.ParsePlatform(platform)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: images[platform], Descriptor: v1.Descriptor{Platform: p}})
		digest, err := images[platform].Digest()
		if err != nil {
			t.Fatal(err)
		}
		statement, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte("attestation of "+digest.String()), "application/vnd.in-toto+json"))
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: statement, Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest.String()},
		}})
	}
	return index
}

// pushed is something that can be pushed by its digest.
type pushed interface {
	remote.Taggable
	Digest() (v1.Hash, error)
}

// push pushes by digest, as builds on several machines do, and names it.
func push(t testing.TB, repository string, what pushed, tags ...string) string {
	t.Helper()
	digest, err := what.Digest()
	if err != nil {
		t.Fatal(err)
	}
	repo, err := name.NewRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Push(repo.Digest(digest.String()), what); err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags {
		if err := remote.Push(repo.Tag(tag), what); err != nil {
			t.Fatal(err)
		}
	}
	return repository + "@" + digest.String()
}
