package bakecheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	buildxbake "github.com/docker/buildx/bake"

	"github.com/runbake/runbake/bake"
)

// verifyWhole does all steps on the text as it is: bake reads all of it, and is
// asked for all targets at once.
func verifyWhole(ctx context.Context, src []byte, f *bake.File, all []setting) error {
	if err := cmp.Or(checkFormat(src), checkSchema(src)); err != nil {
		return err
	}
	text := uncut(src)
	if diags := text.parseHead(); diags.HasErrors() {
		return joined(diags)
	}
	errs := make([]error, len(all))
	jobs := make([]func(), len(all))
	for i, s := range all {
		jobs[i] = func() { errs[i] = readWhole(ctx, src, f, s, text.contexts()) }
	}
	inParallel(jobs)
	return errors.Join(errs...)
}

// readWhole has bake read a text under one setting, and compares everything.
// Contexts are the names of targets that its variables give.
func readWhole(ctx context.Context, src []byte, f *bake.File, s setting, contexts []string) error {
	r := &reading{setting: s, builds: f.Builds(s.values)}
	if len(r.builds) == 0 {
		return nil // bake refuses to build nothing
	}
	file := buildxbake.File{Name: bake.FileName, Data: src}
	config, _, err := buildxbake.ParseFiles([]buildxbake.File{file}, builtin(), s.vars)
	if err != nil {
		return r.unreadable(err)
	}
	asked := slices.Sorted(maps.Keys(r.builds))
	targets, _, err := buildxbake.ReadTargets(ctx, []buildxbake.File{file}, slices.Clone(asked), nil,
		builtin(), s.vars, &buildxbake.EntitlementConf{})
	if err != nil {
		return r.unreadable(err)
	}
	errs := []error{compareGroups(f, config.Groups, f.Members(s.values)), complete(r.builds, config.Groups)}
	for _, name := range asked {
		if t, found := targets[name]; found {
			meant := r.builds[name]()
			errs = append(errs, compareTarget(&meant, t))
		} else {
			errs = append(errs, fmt.Errorf("target %s is missing", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) { // with what they need
		if r.builds[name] == nil {
			errs = append(errs, fmt.Errorf("bake builds the target %s, which was not meant", name))
		}
	}
	errs = append(errs, r.unmeant(names(config.Targets), slices.Concat(needed(config.Targets), contexts)))
	return r.differs(errors.Join(append(errs, buildable(targets))...))
}

func names(targets []*buildxbake.Target) []string {
	var all []string
	for _, t := range targets {
		all = append(all, t.Name)
	}
	return all
}

// needed are the names that targets inherit from.
func needed(targets []*buildxbake.Target) []string {
	var all []string
	for _, t := range targets {
		all = append(all, t.Inherits...)
	}
	return all
}
