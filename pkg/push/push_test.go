package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/inputs"
	"github.com/runbake/runbake/pkg/registry"
)

// stand is a registry of a test: what its tags stand for, and what was asked of
// it.
type stand struct {
	tags  map[string]*registry.Annotated
	err   error
	moved []string // digest and tag
	kept  []string // tags that were asked whether they lose something
}

func (s *stand) Annotations(_ context.Context, image string) (*registry.Annotated, error) {
	if s.err != nil {
		return nil, s.err
	}
	if found := s.tags[image]; found != nil {
		return found, nil
	}
	return nil, registry.ErrNotFound
}

func (*stand) Content(context.Context, string) (*registry.Content, error) {
	return &registry.Content{Platforms: []string{"linux/amd64"}}, nil
}

func (s *stand) Keeps(_ context.Context, tags []string, after *registry.Content) error {
	s.kept = append(s.kept, fmt.Sprint(tags, after.Platforms))
	return nil
}

func (s *stand) Tag(_ context.Context, digest string, tags []string) error {
	s.moved = append(s.moved, digest+" "+strings.Join(tags, " "))
	return nil
}

func (*stand) Size(context.Context, string) (int64, error) { return 7, nil }

// image is what a registry has under a tag: of an id, made of arguments.
func image(digest, id, components string) *registry.Annotated {
	return &registry.Annotated{Digest: digest, Annotations: map[string]string{inputs.Label: id, labelComponents: components}}
}

// file has one image with two tags, on an image of others.
func file() *bake.File {
	return &bake.File{Registry: "r.example", Cache: catalogue.Cache{Type: "none"}, Targets: []bake.Target{{
		Name: "node-22", ID: "node-22", Image: "node", Tags: []string{"22", "lts"}, Platforms: []string{"linux/amd64"},
		Bases: []catalogue.Image{{Ref: "node:22"}},
	}}}
}

// world asks a registry, knows the base image unless err says otherwise, and takes
// the image for made of an argument.
func world(s *stand, err error) World {
	unknown := map[string]error{}
	if err != nil {
		unknown["node:22"] = err
	}
	return World{
		Registry: func() (Registry, error) { return s, nil },
		Digests: func(_ context.Context, refs []string) (map[string]string, map[string]error, error) {
			return map[string]string{refs[0]: "sha256:base"}, unknown, nil
		},
		Inputs: func(_ context.Context, builds []bake.Build, _ map[string]string) (map[string]*inputs.Target, error) {
			return map[string]*inputs.Target{builds[0].Name: {ID: "now", Components: []inputs.Component{
				{Kind: inputs.KindArgument, Name: "NPM", Value: "11", Digest: "sha256:11"},
			}}}, nil
		},
	}
}

// TestDecide: what a push comes to, for what the registry says of the two tags.
func TestDecide(t *testing.T) {
	const one, two = "r.example/node:22", "r.example/node:lts"
	same, other := image("sha256:1", "now", ""), image("sha256:2", "before", `[{"kind":"argument","name":"NPM","value":"10","digest":"sha256:10"}]`)
	for _, c := range []struct {
		name    string
		tags    map[string]*registry.Annotated
		err     error // of the registry
		base    error
		digest  bool
		anyway  string
		action  Action
		why     string
		missing []string
		kept    string
		moved   string
	}{
		{name: "it has nothing", action: Build, why: "the registry does not have it", missing: []string{one, two}, kept: "[r.example/node:22 r.example/node:lts] [linux/amd64]"},
		{name: "it has both", tags: map[string]*registry.Annotated{one: same, two: same}, action: Skip, why: "nothing has changed", moved: "sha256:1 "},
		{name: "it lacks a tag", tags: map[string]*registry.Annotated{one: same}, action: Tag, why: "the registry has it under another tag", missing: []string{two}, kept: "[r.example/node:lts] [linux/amd64]", moved: "sha256:1 r.example/node:lts"},
		{name: "a tag is of another", tags: map[string]*registry.Annotated{one: other, two: same}, action: Tag, why: "the registry has it under another tag", missing: []string{one}, kept: "[r.example/node:22] [linux/amd64]", moved: "sha256:1 r.example/node:22"},
		{name: "it has another", tags: map[string]*registry.Annotated{one: other, two: other}, action: Build, why: "argument NPM changed from 10 to 11", missing: []string{one, two}, kept: "[r.example/node:22 r.example/node:lts] [linux/amd64]"},
		{name: "it has one of somebody else", tags: map[string]*registry.Annotated{one: image("sha256:3", "", "")}, action: Build, why: "what the registry has does not say what it was made of", missing: []string{one, two}, kept: "[r.example/node:22 r.example/node:lts] [linux/amd64]"},
		{name: "it has one that says nothing of its inputs", tags: map[string]*registry.Annotated{one: image("sha256:3", "before", "?")}, action: Build, why: "its inputs have changed", missing: []string{one, two}, kept: "[r.example/node:22 r.example/node:lts] [linux/amd64]"},
		{name: "it does not answer", err: errors.New("it is down"), action: Build, why: "it is down", kept: "[r.example/node:22 r.example/node:lts] [linux/amd64]"},
		{name: "the base is unknown", tags: map[string]*registry.Annotated{one: same, two: same}, base: errors.New("it is gone"), action: Build, why: "base image node:22: it is gone", kept: "[r.example/node:22 r.example/node:lts] [linux/amd64]"},
		{name: "forced", tags: map[string]*registry.Annotated{one: same, two: same}, anyway: "it was asked for", action: Build, why: "it was asked for", kept: "[r.example/node:22 r.example/node:lts] [linux/amd64]"},
		{name: "by digest", tags: map[string]*registry.Annotated{one: same, two: same}, digest: true, action: Build, why: "it gets no tag that could be compared", kept: "[r.example/node] [linux/amd64]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &stand{tags: c.tags, err: c.err}
			f := file()
			values := f.Defaults()
			values.ByDigest = c.digest
			builds := f.Evaluate(values)
			w := world(s, c.base)
			decisions, err := w.Decide(t.Context(), f, values, builds, c.anyway)
			if err != nil {
				t.Fatal(err)
			}
			d := decisions["node-22"]
			if d.Action != c.action || strings.Join(d.Why, "; ") != c.why || !slices.Equal(d.Missing, c.missing) {
				t.Errorf("got %s since %q, without %q; want %s since %q, without %q", d.Action, d.Why, d.Missing, c.action, c.why, c.missing)
			}
			if decisions.Builds("node-22") != (c.action == Build) {
				t.Error("what is built is another question than what is decided")
			}
			if overrides := d.Overrides(builds[0]); (len(overrides) == 0) != (c.base != nil) {
				t.Errorf("written on it: %q", overrides)
			}
			if err := w.Keep(t.Context(), builds, decisions); err != nil || strings.Join(s.kept, "\n") != c.kept {
				t.Errorf("kept %q, %v; want %q", s.kept, err, c.kept)
			}
			if _, err := w.Tag(t.Context(), builds, decisions); err != nil || strings.Join(s.moved, "\n") != c.moved {
				t.Errorf("moved %q, %v; want %q", s.moved, err, c.moved)
			}
		})
	}
}

// TestDecideUnable: what keeps it from asking at all ends the push.
func TestDecideUnable(t *testing.T) {
	f := file()
	broken := errors.New("no certificate")
	w := world(&stand{}, nil)
	w.Registry = func() (Registry, error) { return nil, broken }
	if _, err := w.Decide(t.Context(), f, f.Defaults(), f.Evaluate(f.Defaults()), ""); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestPushed: what a tag stands for when an image is pushed, beside what it stands
// for now.
func TestPushed(t *testing.T) {
	both := []string{"linux/amd64", "linux/arm64"}
	all := []string{registry.Provenance, registry.SBOM}
	before := &registry.Content{Digest: "sha256:0", Platforms: both, Attestations: map[string][]string{
		both[0]: all,
		both[1]: all,
	}}
	sbom, none, provenance := bake.Attributes{"type": "sbom"}, bake.Attributes{
		"type":     "provenance",
		"disabled": "true",
	}, bake.Attributes{"type": "provenance", "mode": "max"}
	for _, c := range []struct {
		platforms []string
		attest    []bake.Attributes
		want      []string
	}{
		{both, []bake.Attributes{sbom, provenance}, nil},
		{both[:1], []bake.Attributes{sbom, provenance}, []string{"linux/arm64"}},
		{both, []bake.Attributes{sbom, none}, []string{"the provenance of linux/amd64 and linux/arm64"}},
		{both[1:], []bake.Attributes{none}, []string{
			"linux/amd64", "the provenance of linux/arm64",
			"the SBOM of linux/arm64",
		}},
	} {
		build := bake.Build{Target: &bake.Target{}, Platforms: c.platforms, Attest: c.attest}
		if got := registry.Losses(before, pushed(build)); !slices.Equal(got, c.want) {
			t.Errorf("%s with %v: it loses %q, want %q", c.platforms, c.attest, got, c.want)
		}
	}
}
