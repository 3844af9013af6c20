package registry_test

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestBefore: what the first tag meant before it is moved is known with its
// size, as far as it is still there; what is gone keeps nothing from being
// published.
func TestBefore(t *testing.T) {
	s := newServer(t)
	repository := s.host + "/acme/node"
	publish := func(text string) (digest string, size int64, before string, was int64) {
		t.Helper()
		r, err := client(t, never).Publish(t.Context(), publication(repository, twoMachines(t, repository, text)), false)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Platforms {
			size += p.Size
		}
		if r.Before != nil {
			before, was = r.Before.Digest, r.Before.Size
		}
		return r.Digest, size, before, was
	}
	first, size, before, _ := publish("short")
	if before != "" {
		t.Errorf("before the first there was %s", before)
	}
	if _, again, before, was := publish("short"); before != first || was != size || again != size {
		t.Errorf("before the same there was %s of %d bytes, want %s of %d", before, was, first, size)
	}
	remove(t, repository+":24-abc") // the tag of a revision never moves
	_, larger, before, was := publish("a longer text")
	if before != first || was != size || larger <= size {
		t.Errorf("before %d bytes there was %s of %d bytes, want %s of %d", larger, before, was, first, size)
	}

	remove(t, repository+":24-abc")
	index, err := read(t, repository+":24")
	if err != nil {
		t.Fatal(err)
	}
	remove(t, repository+"@"+index.Manifests[0].Digest.String())
	if _, _, before, _ := publish("other"); before != "" {
		t.Errorf("before there was %s, of which a half is gone", before)
	}

	remove(t, repository+":24-abc")
	push(t, repository, attested(t, map[string]v1.Image{}), "24")
	if _, _, before, _ := publish("short"); before != "" {
		t.Errorf("before there was %s, which is no image", before)
	}
}

func remove(t *testing.T, image string) {
	t.Helper()
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Delete(ref, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}
