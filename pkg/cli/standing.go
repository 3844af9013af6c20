package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/inputs"
	"github.com/runbake/runbake/pkg/registry"
)

// labelComponents is the annotation with what an id was made of, so that it can
// be said what has changed since.
const labelComponents = inputs.Label + ".components"

// action is what a push of one image comes to.
type action string

const (
	actionBuild action = "build"
	actionTag   action = "tag"  // it is there, under other tags
	actionSkip  action = "skip" // it is there
)

// standing is how an image stands in its registry beside what would be built.
type standing struct {
	action  action
	why     []string
	inputs  *inputs.Target // nil when a base image could not be asked for
	digest  string         // of what is there
	missing []string       // tags that another image has, or none
}

// standings compares images with what their registries have. Where that cannot
// be found out they are built. anyway is why all are built whatever there is; ""
// if that is looked at.
func (a *app) standings(ctx context.Context, e *engine.Engine, o builderOptions, file *bake.File, values bake.Values, builds []bake.Build, anyway string) (map[string]*standing, error) {
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
			there, err = a.answers(ctx, e, o, builds)
		}
		return err
	})
	group.Go(func() error {
		bases, missing, err := e.Digests(ctx, basesOf(reach))
		if err != nil {
			return err
		}
		unknown = missing
		targets, err = a.inputsOf(ctx, reach, bases)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := map[string]*standing{}
	for _, b := range reach {
		all[b.Name] = &standing{action: actionBuild, inputs: targets[b.Name]}
		if ref := unresolved(reach, b.Name, unknown); ref != "" {
			all[b.Name].inputs = nil
			all[b.Name].why = []string{fmt.Sprintf("base image %s: %v", ref, unknown[ref])}
		}
	}
	for _, b := range builds {
		switch s := all[b.Name]; {
		case anyway != "":
			s.why = []string{anyway}
		case s.inputs != nil:
			s.compare(there, b.Tags)
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
func (a *app) answers(ctx context.Context, e *engine.Engine, o builderOptions, builds []bake.Build) (map[string]answer, error) {
	client, err := a.builderClient(e, o)
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

// standingsAt is standings for a builder that is not open yet.
func (a *app) standingsAt(ctx context.Context, o builderOptions, file *bake.File, values bake.Values, builds []bake.Build) (_ map[string]*standing, err error) {
	o.engine.Display = "quiet"
	e, err := a.openEngine(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return a.standings(ctx, e, o, file, values, builds, "")
}

// basesOf are the base images of builds that nothing pins.
func basesOf(builds []bake.Build) []string {
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
func (s *standing) compare(answers map[string]answer, tags []string) {
	var there *registry.Annotated
	for _, tag := range tags {
		found, err := answers[tag].found, answers[tag].err
		switch {
		case errors.Is(err, registry.ErrNotFound):
			s.missing = append(s.missing, tag)
		case err != nil:
			s.action, s.why = actionBuild, []string{err.Error()}
			return
		case found.Annotations[inputs.Label] == s.inputs.ID && (s.digest == "" || s.digest == found.Digest):
			s.digest, there = found.Digest, found
		default:
			s.missing, there = append(s.missing, tag), cmp.Or(there, found)
		}
	}
	switch {
	case s.digest == "" && there == nil:
		s.why = []string{"the registry does not have it"}
	case s.digest == "":
		s.why = differences(there, s.inputs)
	case len(s.missing) > 0:
		s.action, s.why = actionTag, []string{"the registry has it under another tag"}
	default:
		s.action, s.why = actionSkip, []string{"nothing has changed"}
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

// overrides write the id of an image, and what it was made of, on it.
func (s *standing) overrides(b bake.Build) []string {
	if s.inputs == nil {
		return nil
	}
	components, err := json.Marshal(s.inputs.Summary())
	if err != nil {
		panic(err) // strings
	}
	where := "manifest"
	if len(b.Platforms) > 1 {
		where = "index"
	}
	return []string{
		fmt.Sprintf("%s.labels.%s=%s", b.Name, inputs.Label, s.inputs.ID),
		fmt.Sprintf("%s.annotations=%s:%s=%s", b.Name, where, inputs.Label, s.inputs.ID),
		fmt.Sprintf("%s.annotations=%s:%s=%s", b.Name, where, labelComponents, components),
	}
}

// perform builds what must be built, and tags what is there.
func (j *buildJob) perform(ctx context.Context, e *engine.Engine) (err error) {
	if j.goal == goalPush {
		anyway := ""
		if j.options.force || j.options.noCache {
			anyway = "it was asked for"
		}
		if j.stands, err = j.app.standings(ctx, e, j.options.builder, j.file, j.values, j.builds, anyway); err != nil {
			return err
		}
		if err := j.keeps(ctx, e); err != nil {
			return err
		}
	}
	if j.goal == goalPush {
		if err := j.refuseMismatched(ctx, e); err != nil {
			return err
		}
	}
	j.results = map[string]engine.Result{}
	if request := j.request(); len(request.Targets) > 0 {
		if j.results, err = e.Build(ctx, request); err != nil {
			return err
		}
	}
	return j.tag(ctx, e, j.results)
}

// refuseMismatched asks BuildKit for the base images of what is to be pushed that
// no lock has, and ends when one is of another platform than it is taken for.
func (j *buildJob) refuseMismatched(ctx context.Context, e *engine.Engine) error {
	var names []string
	for _, b := range j.builds {
		if s := j.stands[b.Name]; s == nil || s.action == actionBuild {
			names = append(names, b.Name)
		}
	}
	wanted := wantedOf(inputs.Reach(j.file.EvaluateAll(j.values), names))
	if len(wanted) == 0 {
		return nil
	}
	found, err := e.Lacking(ctx, wanted)
	if err != nil {
		return err
	}
	var problems []string
	for _, ref := range slices.Sorted(maps.Keys(found)) {
		m := found[ref]
		problems = append(problems, fmt.Sprintf("%s is an image for %s, and would be pushed as one for %s; "+
			"take one that has the platform, or remove it from platforms", ref, m.Is, strings.Join(m.Wanted, ", ")))
	}
	if len(problems) > 0 {
		return &exitError{exitFailed, strings.Join(problems, "\n")}
	}
	return nil
}

// wantedOf are the platforms that builds want of each base image which nothing
// pins.
func wantedOf(builds []bake.Build) map[string][]string {
	wanted := map[string][]string{}
	for _, b := range builds {
		for _, base := range b.Bases {
			if b.Pinned(base) {
				continue // the lock says what it has
			}
			for _, p := range base.Platforms {
				if (base.Cross || slices.Contains(b.Platforms, p)) && !slices.Contains(wanted[base.Ref], p) {
					wanted[base.Ref] = append(wanted[base.Ref], p)
				}
			}
		}
	}
	return wanted
}

// tag moves the tags of images that are there already, and adds these to the
// results.
func (j *buildJob) tag(ctx context.Context, e *engine.Engine, results map[string]engine.Result) error {
	there := slices.DeleteFunc(slices.Clone(j.builds), func(b bake.Build) bool {
		s := j.stands[b.Name]
		return s == nil || s.action == actionBuild
	})
	if len(there) == 0 {
		return nil
	}
	client, err := j.app.builderClient(e, j.options.builder)
	if err != nil {
		return err
	}
	errs := registry.Each(ctx, len(there), func(ctx context.Context, i int) error {
		s := j.stands[there[i].Name]
		return client.Tag(ctx, s.digest, s.missing)
	})
	for i, b := range there {
		results[b.Name] = engine.Result{Err: errs[i], Attempts: 1, Metadata: map[string]string{
			engine.KeyDigest: j.stands[b.Name].digest, engine.KeyImageName: strings.Join(b.Tags, ","),
		}}
	}
	return ctx.Err()
}
