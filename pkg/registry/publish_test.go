package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/runbake/runbake/pkg/registry"
)

var both = []string{"linux/amd64", "linux/arm64"}

// twoMachines pushes what two machines have built of one image.
func twoMachines(t testing.TB, repository, text string) []registry.Source {
	t.Helper()
	var sources []registry.Source
	for _, p := range both {
		index := attested(t, map[string]v1.Image{p: image(t, p, text+p)})
		sources = append(sources, registry.Source{Image: push(t, repository, index), From: p[len("linux/"):] + ".json"})
	}
	return sources
}

func publication(repository string, sources []registry.Source) registry.Publication {
	return registry.Publication{
		Platforms: both, Sources: sources, Annotations: map[string]string{"org.opencontainers.image.title": "Node.js 24"},
		Tags: []string{repository + ":24", repository + ":latest", repository + ":24-abc"}, Fixed: []string{repository + ":24-abc"},
	}
}

func read(t testing.TB, tag string) (*v1.IndexManifest, error) {
	t.Helper()
	ref, err := name.ParseReference(tag)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		if err := whole(index, m.Digest); err != nil {
			t.Errorf("%s points to an index that is not whole: %v", tag, err)
		}
	}
	return manifest, nil
}

// whole reads all that an image has.
func whole(index v1.ImageIndex, digest v1.Hash) error {
	img, err := index.Image(digest)
	if err != nil {
		return err
	}
	if _, err := img.RawConfigFile(); err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		blob, err := l.Compressed()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, blob); err != nil {
			return err
		}
	}
	return nil
}

func TestPublish(t *testing.T) {
	s := newServer(t)
	repository := s.host + "/acme/node"
	sources := twoMachines(t, repository, "")
	p := publication(repository, slices.Concat(sources, sources[:1])) // one file given twice
	s.set(nil)
	planned, err := client(t, never).Publish(t.Context(), p, true)
	if err != nil || planned.State != registry.Planned {
		t.Fatalf("%v, %v", planned, err)
	}
	if writes := s.seen("PUT", "POST", "PATCH", "DELETE"); len(writes) > 0 {
		t.Errorf("a dry run wrote %q", writes)
	}
	s.set(nil)
	first, err := client(t, never).Publish(t.Context(), p, false)
	if err != nil || first.State != registry.Published || fmt.Sprint(first.Moved) != fmt.Sprint(p.Tags) || first.Digest != planned.Digest {
		t.Fatalf("%v, %v", first, err)
	}
	manifests := "PUT /v2/acme/node/manifests/"
	want := []string{manifests + first.Digest, manifests + "24", manifests + "latest", manifests + "24-abc"}
	if writes := s.seen("PUT", "POST", "PATCH"); !slices.Equal(writes, want) {
		t.Errorf("wrote %q, want %q", writes, want)
	}
	for _, tag := range p.Tags {
		index, err := read(t, tag)
		if err != nil {
			t.Fatal(err)
		}
		checkJoined(t, index)
	}

	s.set(nil)
	again, err := client(t, never).Publish(t.Context(), p, false)
	if err != nil || again.State != registry.Unchanged || again.Digest != first.Digest || len(again.Moved) > 0 {
		t.Errorf("%v, %v", again, err)
	}
	if writes := s.seen("PUT", "POST", "PATCH"); len(writes) > 0 {
		t.Errorf("the second time wrote %q", writes)
	}
	if len(again.Platforms) != 2 || again.Platforms[0].Size < 100 || again.Platforms[0].Name != both[0] {
		t.Errorf("%v", again.Platforms)
	}
}

// checkJoined checks the order, the annotations and what belongs to what.
func checkJoined(t *testing.T, index *v1.IndexManifest) {
	t.Helper()
	var got []string
	for i, m := range index.Manifests {
		got = append(got, m.Platform.String())
		if i >= 2 && m.Annotations["vnd.docker.reference.digest"] != index.Manifests[i-2].Digest.String() {
			t.Errorf("attestation %d is of %s", i, m.Annotations)
		}
	}
	if want := []string{"linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown"}; !slices.Equal(got, want) {
		t.Errorf("platforms %v, want %v", got, want)
	}
	if got, want := fmt.Sprint(index.Annotations), "map[org.opencontainers.image.title:Node.js 24]"; got != want {
		t.Errorf("annotations %s, want %s", got, want)
	}
}

func TestPublishRefuses(t *testing.T) {
	s := newServer(t)
	repository := s.host + "/acme/node"
	sources := twoMachines(t, repository, "")
	digest := func(s registry.Source) string { _, d, _ := strings.Cut(s.Image, "@"); return d }
	platformOf := func(s registry.Source) string {
		got, err := client(t, never).Resolve(t.Context(), s.Image)
		if err != nil {
			t.Fatal(err)
		}
		return got.Platforms[0].Digest
	}
	other := twoMachines(t, repository, "again")
	liar := registry.Source{From: "liar.json", Image: push(t, repository, mutate.AppendManifests(attested(t, nil), mutate.IndexAddendum{
		Add: image(t, "linux/amd64", "x"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}},
	}))}
	riscv := registry.Source{From: "riscv.json", Image: push(t, repository, image(t, "linux/riscv64", "x"))}
	push(t, repository, image(t, "linux/amd64", "old"), "24-abc")
	old, err := client(t, never).Head(t.Context(), repository+":24-abc")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		sources []registry.Source
		want    string
	}{
		{"nothing", nil, "no image for linux/amd64, linux/arm64; build it, and give what that build wrote as well"},
		{"missing", sources[:1], "no image for linux/arm64; build it, and give what that build wrote as well"},
		{"foreign", append([]registry.Source{riscv}, sources...), "riscv.json: it has an image for linux/riscv64, but the definition lists linux/amd64, linux/arm64"},
		{"liar", []registry.Source{sources[0], liar}, "liar.json: the image that it has for linux/arm64 is one for linux/amd64"},
		{"two", append(other[:1:1], sources...), fmt.Sprintf("two images for linux/amd64: %s of amd64.json and %s of amd64.json; give what one build wrote", platformOf(other[0]), platformOf(sources[0]))},
		{"gone", []registry.Source{{Image: repository + "@" + digestA, From: "x.json"}}, repository + "@" + digestA + ": the registry has no such image; check the name, or push it first"},
		{"fixed", sources, fmt.Sprintf("%s:24-abc is %s already, and the tag of a revision never moves; publish what was built for it first, or remove the tag", repository, old.Digest)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.set(nil)
			got, err := client(t, never).Publish(t.Context(), publication(repository, c.sources), false)
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if got != nil {
				t.Errorf("got %v", got)
			}
			if writes := s.seen("PUT", "POST", "PATCH"); len(writes) > 0 {
				t.Errorf("wrote %q", writes)
			}
		})
	}
	if digest(sources[0]) == digest(other[0]) {
		t.Error("the two builds are one")
	}
}

// TestPublishByName: tags of single platforms, one of which does not exist.
func TestPublishByName(t *testing.T) {
	s := newServer(t)
	repository := s.host + "/acme/node"
	push(t, repository, image(t, "linux/amd64", "x"), "24-amd64")
	p := registry.Publication{Platforms: both[:1], Tags: []string{repository + ":24"}}
	for _, suffix := range []string{"-amd64", "-arm64"} {
		p.Sources = append(p.Sources, registry.Source{Image: repository + ":24" + suffix, From: repository + ":24" + suffix, Optional: true})
	}
	if _, err := client(t, never).Publish(t.Context(), p, false); err != nil {
		t.Fatal(err)
	}
	index, err := read(t, repository+":24")
	if err != nil {
		t.Fatal(err)
	}
	if got := index.Manifests; len(got) != 1 || got[0].Platform.String() != "linux/amd64" {
		t.Errorf("got %v", got)
	}
}

// faults are what can happen to one request.
var faults = map[string]func(w http.ResponseWriter, r *http.Request){
	"500":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

// TestPublishFaults: a fault at any request of publishing to two registries, the
// second of which lacks the images, leaves every tag at what it was or at a
// whole index, and the next run completes it. Each request has one of the faults,
// in turn, or with RUNBAKE_FULL=1 each of them.
func TestPublishFaults(t *testing.T) {
	step := len(faults)
	if os.Getenv("RUNBAKE_FULL") == "1" {
		step = 1
	}
	for i, name := range slices.Sorted(maps.Keys(faults)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			for at := i % step; ; at += step {
				if hit := publishWithFault(t, at, faults[name]); !hit {
					break
				}
				runs++
			}
			if runs < 30/step {
				t.Errorf("only %d requests had a fault", runs)
			}
			t.Logf("%d runs", runs)
		})
	}
}

// publishWithFault publishes with a fault at one request, counted over both
// registries, and reports whether there was such a request.
func publishWithFault(t *testing.T, at int, fault func(http.ResponseWriter, *http.Request)) bool {
	t.Helper()
	a, b := newServer(t), newServer(t)
	here, there := a.host+"/acme/node", b.host+"/mirror/acme/node"
	old := push(t, here, attested(t, map[string]v1.Image{"linux/amd64": image(t, "linux/amd64", "old")}), "24")
	p := registry.Publication{
		Platforms: both, Sources: twoMachines(t, here, ""), Annotations: map[string]string{"a": "b"},
		Tags: []string{here + ":24", here + ":latest", there + ":24", there + ":latest"},
	}
	var hit atomic.Bool
	count := func(before func() int) func(int, http.ResponseWriter, *http.Request) bool {
		return func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n+before() < at || !hit.CompareAndSwap(false, true) {
				return false
			}
			fault(w, r)
			return true
		}
	}
	a.set(count(func() int { return len(b.seen("")) }))
	b.set(count(func() int { return len(a.seen("")) }))
	_, err := client(t, never).Publish(t.Context(), p, false)
	a.set(nil)
	b.set(nil)
	for _, tag := range p.Tags {
		index, readErr := read(t, tag)
		switch {
		case readErr != nil && (err == nil || tag == here+":24"):
			t.Errorf("request %d: %s: %v", at, tag, readErr)
		case readErr == nil && len(index.Manifests) != 4 && (err == nil || tag != here+":24"):
			t.Errorf("request %d: %s has %d manifests", at, tag, len(index.Manifests))
		}
	}
	r, err := client(t, never).Publish(t.Context(), p, false)
	if err != nil {
		t.Fatalf("request %d: the next run: %v", at, err)
	}
	for _, tag := range p.Tags {
		head, err := client(t, never).Head(t.Context(), tag)
		if err != nil || head.Digest != r.Digest || strings.HasSuffix(old, head.Digest) {
			t.Errorf("request %d: %s is %v, %v", at, tag, head, err)
		}
	}
	return hit.Load()
}

// TestPublishRepeats: with as many faults, but asking again, one run is enough.
func TestPublishRepeats(t *testing.T) {
	a, b := newServer(t), newServer(t)
	here, there := a.host+"/acme/node", b.host+"/acme/node"
	p := registry.Publication{Platforms: both, Sources: twoMachines(t, here, ""), Tags: []string{here + ":24", there + ":24"}}
	every := func(n int, w http.ResponseWriter, r *http.Request) bool {
		// Not every third: sending a blob is three requests, and is begun anew when
		// the middle one breaks, which would then be broken each time.
		if n%5 != 1 {
			return false
		}
		faults[[]string{"500", "reset"}[n%2]](w, r)
		return true
	}
	a.set(every)
	b.set(every)
	r, err := client(t, registry.Retry{Attempts: 8, First: 1}).Publish(t.Context(), p, false)
	if err != nil {
		t.Fatal(err)
	}
	a.set(nil)
	b.set(nil)
	for _, tag := range p.Tags {
		if _, err := read(t, tag); err != nil {
			t.Error(err)
		}
	}
	if len(r.Moved) != 2 || errors.Is(err, registry.ErrNotFound) {
		t.Errorf("%v", r)
	}
}

// TestInterrupted: who interrupts is told so, and nothing else.
func TestInterrupted(t *testing.T) {
	s := newServer(t)
	p := publication(s.host+"/acme/node", twoMachines(t, s.host+"/acme/node", ""))
	ctx, cancel := context.WithCancel(t.Context())
	s.set(func(n int, _ http.ResponseWriter, _ *http.Request) bool {
		if n == 5 {
			cancel()
		}
		return false
	})
	_, err := client(t, quick).Publish(ctx, p, false)
	if !errors.Is(err, context.Canceled) || !strings.HasSuffix(err.Error(), ": interrupted") {
		t.Error(err)
	}
	if writes := s.seen("PUT", "POST", "PATCH"); len(writes) > 0 {
		t.Errorf("wrote %q", writes)
	}
}
