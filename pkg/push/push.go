// Package push decides what a push comes to: which images are built, which only
// get tags, which are there already, and why; and it refuses what would take
// something from a tag.
package push

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/inputs"
	"github.com/runbake/runbake/pkg/registry"
)

// labelComponents is the annotation with what an id was made of, so that it can
// be said what has changed since.
const labelComponents = inputs.Label + ".components"

// Action is what a push of one image comes to.
type Action string

// All actions.
const (
	Build Action = "build"
	Tag   Action = "tag"  // it is there, under other tags
	Skip  Action = "skip" // it is there
)

// Decision is what a push of one image comes to, and why.
type Decision struct {
	Action  Action
	Why     []string
	Inputs  *inputs.Target // nil when a base image could not be asked for
	Digest  string         // of what is there
	Missing []string       // tags that another image has, or none
}

// Decisions are those of images, and of what they are built on, by target.
type Decisions map[string]*Decision

// Builds reports whether a target is built: it is unless something else was
// decided.
func (d Decisions) Builds(target string) bool { return d[target] == nil || d[target].Action == Build }

// Registry is what a registry is asked; [registry.Client] is one.
type Registry interface {
	Annotations(ctx context.Context, image string) (*registry.Annotated, error)
	Content(ctx context.Context, image string) (*registry.Content, error)
	Keeps(ctx context.Context, tags []string, after *registry.Content) error
	Tag(ctx context.Context, digest string, tags []string) error
	Size(ctx context.Context, image string) (int64, error)
}

// World is who is asked for what is there.
type World struct {
	// Registry is called for each round of questions: what one client was told, it
	// does not ask again.
	Registry func() (Registry, error)
	// Digests are those of base images, and what could not be found out.
	Digests func(ctx context.Context, refs []string) (map[string]string, map[string]error, error)
	// Inputs are what goes into builds, given the digests of base images.
	Inputs func(ctx context.Context, builds []bake.Build, bases map[string]string) (map[string]*inputs.Target, error)
}

// Decide compares images with what their registries have. Where that cannot be
// found out they are built. anyway is why all are built whatever there is; "" if
// that is looked at.
func (w World) Decide(ctx context.Context, file *bake.File, values bake.Values, builds []bake.Build, anyway string) (Decisions, error) {
	names := make([]string, len(builds))
	for i, b := range builds {
		names[i] = b.Name
	}
	if values.ByDigest && anyway == "" {
		anyway = "it gets no tag that could be compared"
	}
	reach := inputs.Reach(file.EvaluateAll(values), names)
	var there map[string]answer
	var targets map[string]*inputs.Target
	var unknown map[string]error
	// Both wait for a registry most of the time.
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if anyway == "" {
			there, err = w.answers(ctx, builds)
		}
		return err
	})
	group.Go(func() error {
		bases, missing, err := w.Digests(ctx, unpinned(reach))
		if err != nil {
			return err
		}
		unknown = missing
		targets, err = w.Inputs(ctx, reach, bases)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := Decisions{}
	for _, b := range reach {
		all[b.Name] = &Decision{Action: Build, Inputs: targets[b.Name]}
		if ref := unresolved(reach, b.Name, unknown); ref != "" {
			all[b.Name].Inputs = nil
			all[b.Name].Why = []string{fmt.Sprintf("base image %s: %v", ref, unknown[ref])}
		}
	}
	for _, b := range builds {
		switch d := all[b.Name]; {
		case anyway != "":
			d.Why = []string{anyway}
		case d.Inputs != nil:
			d.compare(there, b.Tags)
		}
	}
	return all, nil
}

// answer is what a registry says of a tag.
type answer struct {
	found *registry.Annotated
	err   error
}

// answers asks for all tags of images.
func (w World) answers(ctx context.Context, builds []bake.Build) (map[string]answer, error) {
	client, err := w.Registry()
	if err != nil {
		return nil, err
	}
	var tags []string
	for _, b := range builds {
		tags = append(tags, b.Tags...)
	}
	found := make([]*registry.Annotated, len(tags))
	errs := registry.Each(ctx, len(tags), func(ctx context.Context, i int) (err error) {
		found[i], err = client.Annotations(ctx, tags[i])
		return err
	})
	all := make(map[string]answer, len(tags))
	for i, tag := range tags {
		all[tag] = answer{found[i], errs[i]}
	}
	return all, ctx.Err()
}

// unpinned are the base images of builds that nothing pins.
func unpinned(builds []bake.Build) []string {
	refs := map[string]bool{}
	for _, b := range builds {
		for _, base := range b.Bases {
			if !b.Pinned(base) {
				refs[base.Ref] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(refs))
}

// unresolved is a base image that is not known, of a build or of one that it is
// built on; "" if all are.
func unresolved(builds []bake.Build, name string, unknown map[string]error) string {
	for _, b := range inputs.Reach(builds, []string{name}) {
		for _, base := range b.Bases {
			if unknown[base.Ref] != nil && !b.Pinned(base) {
				return base.Ref
			}
		}
	}
	return ""
}

// compare looks at what the registry says of all tags of an image.
func (d *Decision) compare(answers map[string]answer, tags []string) {
	var there *registry.Annotated
	for _, tag := range tags {
		found, err := answers[tag].found, answers[tag].err
		switch {
		case errors.Is(err, registry.ErrNotFound):
			d.Missing = append(d.Missing, tag)
		case err != nil:
			d.Action, d.Why = Build, []string{err.Error()}
			return
		case found.Annotations[inputs.Label] == d.Inputs.ID && (d.Digest == "" || d.Digest == found.Digest):
			d.Digest, there = found.Digest, found
		default:
			d.Missing, there = append(d.Missing, tag), cmp.Or(there, found)
		}
	}
	switch {
	case d.Digest == "" && there == nil:
		d.Why = []string{"the registry does not have it"}
	case d.Digest == "":
		d.Why = differences(there, d.Inputs)
	case len(d.Missing) > 0:
		d.Action, d.Why = Tag, []string{"the registry has it under another tag"}
	default:
		d.Action, d.Why = Skip, []string{"nothing has changed"}
	}
}

// differences says what has changed since an image was pushed.
func differences(there *registry.Annotated, now *inputs.Target) []string {
	if there.Annotations[inputs.Label] == "" {
		return []string{"what the registry has does not say what it was made of"}
	}
	var before []inputs.Component
	if err := json.Unmarshal([]byte(there.Annotations[labelComponents]), &before); err != nil {
		return []string{"its inputs have changed"}
	}
	return inputs.Compare(before, now.Summary())
}

// Overrides write the id of an image, and what it was made of, on it, as bake's
// --set does.
func (d *Decision) Overrides(b bake.Build) []string {
	if d == nil || d.Inputs == nil {
		return nil
	}
	components, err := json.Marshal(d.Inputs.Summary())
	if err != nil {
		panic(err) // strings
	}
	where := "manifest"
	if len(b.Platforms) > 1 {
		where = "index"
	}
	return []string{
		fmt.Sprintf("%s.labels.%s=%s", b.Name, inputs.Label, d.Inputs.ID),
		fmt.Sprintf("%s.annotations=%s:%s=%s", b.Name, where, inputs.Label, d.Inputs.ID),
		fmt.Sprintf("%s.annotations=%s:%s=%s", b.Name, where, labelComponents, components),
	}
}
