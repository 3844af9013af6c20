package bakecheck

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	buildxbake "github.com/docker/buildx/bake"

	"github.com/runbake/runbake/bake"
)

// reading is a text read back under one setting.
type reading struct {
	file    *bake.File
	text    *layout
	setting setting
	before  *Proven
	builds  map[string]*bake.Build // what is meant, by target
}

func newReading(f *bake.File, text *layout, s setting, before *Proven) *reading {
	builds := slices.Concat(f.EvaluateAll(s.values), f.EvaluateTests(s.values))
	r := &reading{file: f, text: text, setting: s, before: before, builds: make(map[string]*bake.Build, len(builds))}
	for i := range builds {
		r.builds[builds[i].Name] = &builds[i]
	}
	return r
}

// jobs read the groups, and the targets size at a time.
func (r *reading) jobs(ctx context.Context, size int) []func() error {
	if len(r.builds) == 0 {
		return nil // bake refuses to build nothing
	}
	jobs := []func() error{r.groups}
	names := slices.Sorted(maps.Keys(r.builds))
	if r.text.whole {
		size = max(1, len(names))
	}
	for chunk := range slices.Chunk(names, size) {
		jobs = append(jobs, func() error { return r.chunk(ctx, chunk) })
	}
	return jobs
}

// builtin are the variables that bake sets.
func builtin() map[string]string {
	return map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": localPlatform}
}

// groups compares the members of all groups.
func (r *reading) groups() error {
	config, _, err := buildxbake.ParseFiles([]buildxbake.File{r.text.groupFile()}, builtin(), r.setting.vars)
	if err != nil {
		return r.unreadable(err)
	}
	members := r.file.Members(r.setting.values)
	return r.differs(errors.Join(compareGroups(r.file, config.Groups, members), r.complete(config.Groups)))
}

// complete says that every member of a group is there, and that no target is
// which was not meant and that none needs.
func (r *reading) complete(groups []*buildxbake.Group) error {
	known := map[string]bool{}
	for _, g := range groups {
		known[g.Name] = true
	}
	var errs []error
	for _, g := range groups {
		for _, name := range g.Targets {
			if r.builds[name] == nil && !known[name] {
				errs = append(errs, fmt.Errorf("group %s: its member %s is no target", g.Name, name))
			}
		}
	}
	for _, name := range r.text.unneeded() {
		if r.builds[name] == nil {
			errs = append(errs, fmt.Errorf("the target %s was not meant", name))
		}
	}
	return errors.Join(errs...)
}

// chunk reads some targets, with all that they need.
func (r *reading) chunk(ctx context.Context, names []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	file, all := r.text.chunk(names)
	var meant []*bake.Build
	for _, name := range all {
		meant = append(meant, r.builds[name])
	}
	return r.before.once(r.setting.String(), file.Data, meant, func() error { return r.targets(ctx, file, names) })
}

// targets compares every attribute of some targets.
func (r *reading) targets(ctx context.Context, file buildxbake.File, names []string) error {
	targets, _, err := buildxbake.ReadTargets(ctx, []buildxbake.File{file}, slices.Clone(names), nil,
		builtin(), r.setting.vars, &buildxbake.EntitlementConf{})
	if err != nil {
		return r.unreadable(err)
	}
	var errs []error
	for _, name := range names {
		if t, found := targets[name]; found {
			errs = append(errs, compareTarget(r.builds[name], t))
		} else {
			errs = append(errs, fmt.Errorf("target %s is missing", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) { // with what they need
		if r.builds[name] == nil {
			errs = append(errs, fmt.Errorf("bake builds the target %s, which was not meant", name))
		}
	}
	for _, t := range targets { // they have been compared, and this machine need not have them
		t.Secrets, t.SSH = nil, nil
	}
	if _, err := buildxbake.TargetsToBuildOpt(targets, &buildxbake.Input{}); err != nil {
		errs = append(errs, fmt.Errorf("bake cannot build from the emitted file: %w", err))
	}
	return r.differs(errors.Join(errs...))
}

func (r *reading) unreadable(err error) error {
	return fmt.Errorf("bake cannot read the emitted file %s: %w", r.setting, err)
}

func (r *reading) differs(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bake reads the emitted file differently %s: %w", r.setting, err)
}
