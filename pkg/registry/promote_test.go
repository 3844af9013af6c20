package registry_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	memory "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/runbake/runbake/pkg/registry"
)

// What cosign's third version signs and attests with.
const (
	bundle    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	signature = "https://sigstore.dev/cosign/sign/v1"
)

// refer pushes a manifest that refers to another one, and returns its digest.
func refer(t testing.TB, repository string, subject partial.Describable, artifact, predicate string) string {
	t.Helper()
	desc, err := partial.Descriptor(subject)
	if err != nil {
		t.Fatal(err)
	}
	img := mutate.ConfigMediaType(image(t, "linux/amd64", artifact+predicate), types.MediaType(artifact))
	img = mutate.Annotations(img, map[string]string{"dev.sigstore.bundle.predicateType": predicate}).(v1.Image)
	img = mutate.Subject(img, *desc).(v1.Image)
	return strings.TrimPrefix(push(t, repository, img), repository+"@")
}

// staged pushes an image of two platforms with a signature of each kind, and an
// attestation of one of its platforms.
func staged(t testing.TB, repository string) (index v1.ImageIndex, referrers []string) {
	t.Helper()
	amd64 := image(t, "linux/amd64", "tested")
	index = attested(t, map[string]v1.Image{"linux/amd64": amd64, "linux/arm64": image(t, "linux/arm64", "tested")})
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	push(t, repository, index, "24", "24-abc")
	push(t, repository, image(t, "linux/amd64", "signature"), "sha256-"+digest.Hex+".sig")
	return index, []string{
		refer(t, repository, index, bundle, signature),
		refer(t, repository, amd64, bundle, "https://slsa.dev/provenance/v1"),
	}
}

// listed are the digests of what a registry says refers to a digest.
func listed(t testing.TB, repository string, subject partial.Describable) []string {
	t.Helper()
	digest, err := subject.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(repository + "@" + digest.String())
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Referrers(ref)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range manifest.Manifests {
		all = append(all, d.Digest.String())
	}
	return all
}

// TestPromote: an image that is published elsewhere comes as it is, with what
// belongs to it, and once.
func TestPromote(t *testing.T) {
	for name, options := range map[string][]memory.Option{
		"by tags":       nil,
		"by referrers":  {memory.WithReferrersSupport(true)},
		"signed before": {memory.WithReferrersSupport(true)},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newServer(t, options...), newServer(t, options...)
			here, there := a.host+"/staging/node", b.host+"/acme/node"
			index, referrers := staged(t, here)
			digest, err := index.Digest()
			if err != nil {
				t.Fatal(err)
			}
			tags := []string{there + ":24", there + ":latest", there + ":24-abc"}
			if name == "signed before" {
				push(t, there, attested(t, map[string]v1.Image{"linux/amd64": image(t, "linux/amd64", "old")}), "24")
				push(t, there, image(t, "linux/amd64", "of another"), "sha256-"+digest.Hex+".sig")
			}
			theirs, _ := client(t, never).Head(t.Context(), there+":sha256-"+digest.Hex+".sig")
			p := registry.Publication{Platforms: both, From: here + ":24-abc", Tags: tags, Fixed: tags[2:]}
			b.set(nil)
			if r, err := client(t, never).Publish(t.Context(), p, true); err != nil || r.State != registry.Planned {
				t.Fatalf("%v, %v", r, err)
			}
			if writes := b.seen("PUT", "POST", "PATCH"); len(writes) > 0 {
				t.Errorf("a dry run wrote %q", writes)
			}
			r, err := client(t, never).Publish(t.Context(), p, false)
			if err != nil || r.Digest != digest.String() || r.State != registry.Published {
				t.Fatalf("%v, %v; want %s", r, err, digest)
			}
			for _, tag := range tags {
				if m, err := read(t, tag); err != nil || len(m.Manifests) != 4 {
					t.Errorf("%s: %v, %v", tag, m, err)
				}
			}
			sig, err := client(t, never).Head(t.Context(), there+":sha256-"+digest.Hex+".sig")
			if err != nil || theirs.Digest != "" && sig != theirs {
				t.Errorf("the signature is %v, %v; before %v", sig, err, theirs)
			}
			if got := listed(t, there, index); !slices.Contains(got, referrers[0]) {
				t.Errorf("refers to the index: %q; want %s", got, referrers[0])
			}
			if got := listed(t, there, image(t, "linux/amd64", "tested")); !slices.Contains(got, referrers[1]) {
				t.Errorf("refers to the platform: %q; want %s", got, referrers[1])
			}
			b.set(nil)
			r, err = client(t, never).Publish(t.Context(), p, false)
			if err != nil || r.State != registry.Unchanged || len(b.seen("PUT", "POST", "PATCH")) > 0 {
				t.Errorf("again: %v, %v, %q", r, err, b.seen("PUT", "POST", "PATCH"))
			}

			late := refer(t, here, index, "application/vnd.cncf.notary.signature", "")
			if r, err = client(t, never).Publish(t.Context(), p, false); err != nil || r.State != registry.Published || len(r.Moved) > 0 {
				t.Errorf("signed later: %v, %v", r, err)
			}
			if got := listed(t, there, index); !slices.Contains(got, late) {
				t.Errorf("signed later: %q; want %s", got, late)
			}
		})
	}
}

// TestPromoteRefuses: what is promoted is what the definition says, and takes
// nothing from a tag.
func TestPromoteRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p *registry.Publication, there string)
		want   string
	}{
		"nothing there": {func(p *registry.Publication, _ string) { p.From += "c" }, ":24-abcc: the registry has no such image"},
		"a platform is missing": {
			func(p *registry.Publication, _ string) { p.Platforms = append(slices.Clone(both), "linux/riscv64") },
			":24-abc: it has no image for linux/riscv64",
		},
		"a platform too many": {
			func(p *registry.Publication, _ string) { p.Platforms = both[:1] },
			":24-abc: it has an image for linux/arm64, but the definition lists linux/amd64",
		},
		"a tag with more": {
			func(_ *registry.Publication, there string) {
				push(t, there, carrying(t, "old", append([]string{"linux/s390x"}, both...)), "24")
			},
			":24 would lose linux/s390x; give --force to let it",
		},
		"the tag of a revision": {
			func(p *registry.Publication, there string) {
				push(t, there, image(t, "linux/amd64", "another"), "24-abc")
				p.Tags, p.Fixed = append(p.Tags, there+":24-abc"), []string{there + ":24-abc"}
			},
			"and the tag of a revision never moves",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newServer(t), newServer(t)
			here, there := a.host+"/staging/node", b.host+"/acme/node"
			staged(t, here)
			p := registry.Publication{Platforms: both, From: here + ":24-abc", Tags: []string{there + ":24"}}
			c.change(&p, there)
			b.set(nil)
			_, err := client(t, never).Publish(t.Context(), p, false)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if writes := b.seen("PUT", "POST", "PATCH"); len(writes) > 0 {
				t.Errorf("wrote %q", writes)
			}
		})
	}
}

// TestPromoteFaults: after a fault at any request the next run completes the work,
// and no tag stands for half an image meanwhile.
func TestPromoteFaults(t *testing.T) {
	for _, kind := range []string{"500", "reset"} {
		for _, options := range [][]memory.Option{nil, {memory.WithReferrersSupport(true)}} {
			for at, hit := 0, true; hit; at += 3 {
				hit = promoteWithFault(t, at, kind, options)
			}
		}
	}
}

// promoteWithFault promotes with a fault at one request to the destination, and
// reports whether there was such a request.
func promoteWithFault(t *testing.T, at int, kind string, options []memory.Option) bool {
	t.Helper()
	a, b := newServer(t, options...), newServer(t, options...)
	here, there := a.host+"/staging/node", b.host+"/acme/node"
	index, referrers := staged(t, here)
	p := registry.Publication{Platforms: both, From: here + ":24", Tags: []string{there + ":24", there + ":latest"}}
	var hit atomic.Bool
	b.set(func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n < at || !hit.CompareAndSwap(false, true) {
			return false
		}
		faults[kind](w, r)
		return true
	})
	_, first := client(t, never).Publish(t.Context(), p, false)
	b.set(nil)
	for _, tag := range p.Tags {
		if _, err := read(t, tag); err != nil && first == nil {
			t.Errorf("%s at %d: %s: %v", kind, at, tag, err)
		}
	}
	if _, err := client(t, never).Publish(t.Context(), p, false); err != nil {
		t.Fatalf("%s at %d: the next run: %v", kind, at, err)
	}
	if got := listed(t, there, index); !slices.Contains(got, referrers[0]) {
		t.Errorf("%s at %d: refers to the index: %q", kind, at, got)
	}
	return hit.Load()
}

// TestSignedByReferrer: a signature that refers to its image is one that a tag can
// lose; an attestation of the same form is not.
func TestSignedByReferrer(t *testing.T) {
	for artifact, c := range map[string]struct {
		predicate string
		signed    bool
	}{
		bundle: {signature, true},
		"application/vnd.dev.sigstore.bundle.v0.4+json":        {"https://slsa.dev/provenance/v1", false},
		"application/vnd.cncf.notary.signature":                {"", true},
		"application/vnd.dev.cosign.artifact.sig.v1+json":      {"", true},
		"application/vnd.example.something-else.v1+json":       {"", false},
		"application/vnd.dev.sigstore.bundle.v0.5+json":        {"https://sigstore.dev/cosign/sign/v2", true},
		"application/vnd.dev.cosign.simplesigning.unknown+xml": {"", false},
	} {
		for _, options := range [][]memory.Option{nil, {memory.WithReferrersSupport(true)}} {
			s := newServer(t, options...)
			repository := s.host + "/acme/node"
			index := carrying(t, "", both)
			push(t, repository, index, "24")
			refer(t, repository, index, artifact, c.predicate)
			content, err := client(t, never).Content(t.Context(), repository+":24")
			if err != nil || content.Signed != c.signed {
				t.Errorf("%s: %v, %v; want %v", artifact, content, err, c.signed)
			}
		}
	}
	for status, fails := range map[int]bool{
		http.StatusMethodNotAllowed: false, http.StatusForbidden: false, http.StatusUnauthorized: false, http.StatusNotImplemented: false,
		http.StatusInternalServerError: true, http.StatusTooManyRequests: true,
	} {
		s := newServer(t)
		push(t, s.host+"/acme/node", carrying(t, "", both), "24")
		s.set(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/referrers/") {
				w.WriteHeader(status)
				return true
			}
			return false
		})
		content, err := client(t, never).Content(t.Context(), s.host+"/acme/node:24")
		if (err != nil) != fails || !fails && content.Signed {
			t.Errorf("a registry that answers %d to the question: %v, %v", status, content, err)
		}
	}
}
