package bakecheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/runbake/runbake/bake"
)

// check compares a text with a file, part by part, under some settings.
type check struct {
	file     *bake.File
	text     *layout
	schema   *schema
	decoder  *decoder
	readings []*reading
	before   *Proven
	shared   []byte // text that decides what every target says
}

// part is what was found in a part of the text.
type part struct {
	names    map[string]span // of its targets, with their places
	parents  []string        // names that they inherit from
	schema   bool            // holds what does not belong there, or does not twice
	format   error
	readings []error // by setting
	fatal    error   // errUncut, errWhole or the end of the context
}

func newCheck(src []byte, f *bake.File, text *layout, before *Proven, all []setting) (*check, error) {
	c := &check{file: f, text: text, schema: newSchema(), before: before}
	if diags := text.parseHead(); diags.HasErrors() {
		return nil, misspelt(src)
	}
	if diags := append(c.schema.check(text.head), c.schema.duplicates(text.head)...); diags.HasErrors() {
		return nil, misspelt(src)
	}
	if readsBlocks(text.head) {
		return nil, errWhole
	}
	var err error
	if c.decoder, err = newDecoder(); err != nil {
		return nil, err
	}
	if before != nil {
		c.shared = text.shared()
	}
	c.readings = make([]*reading, len(all))
	jobs := make([]func(), len(all))
	for i, s := range all {
		jobs[i] = func() { c.readings[i] = newReading(f, text.head, s) }
	}
	inParallel(jobs)
	return c, nil
}

// misspelt is the error about a text that is no HCL or holds what does not belong
// there. What is no canonical text either is easier to find by that. A text of
// which nothing but a part is wrong has been cut in the middle of a block.
func misspelt(src []byte) error {
	return cmp.Or(checkFormat(src), checkSchema(src), errUncut)
}

// run compares all parts and groups, and then what is about all of them.
func (c *check) run(ctx context.Context) error {
	parts, groups := make([]part, 1+len(c.text.parts)), make([]error, len(c.readings))
	jobs := []func(){func() { parts[0] = c.head(ctx) }}
	for i, at := range c.text.parts {
		jobs = append(jobs, func() { parts[i+1] = c.part(ctx, at) })
	}
	for i, r := range c.readings {
		jobs = append(jobs, func() { groups[i] = r.groups(c) })
	}
	inParallel(jobs)
	all, err := c.together(parts)
	if err != nil {
		return err
	}
	errs := make([]error, 0, len(parts)+len(c.readings))
	for _, p := range parts {
		errs = append(errs, p.format)
	}
	for i, r := range c.readings {
		if len(r.builds) == 0 {
			continue // bake refuses to build nothing
		}
		if r.err != nil {
			errs = append(errs, r.unreadable(r.err))
			continue
		}
		found := []error{groups[i], r.targets(all, c.text)}
		for _, p := range parts {
			found = append(found, p.readings[i])
		}
		errs = append(errs, r.differs(errors.Join(found...)))
	}
	return errors.Join(errs...)
}

// together joins the names of parts, unless some of them cannot be told alone. Its
// errors are about the text, not about what it says.
func (c *check) together(parts []part) (*part, error) {
	all := &part{names: map[string]span{}}
	twice := false
	for _, p := range parts {
		if p.fatal != nil {
			return nil, p.fatal
		}
		all.schema = all.schema || p.schema
		all.parents = append(all.parents, p.parents...)
		for name, at := range p.names {
			if _, has := all.names[name]; has {
				twice = true
			}
			all.names[name] = at
		}
	}
	for _, b := range c.text.head.Blocks {
		if _, has := all.names[b.Labels[0]]; has && b.Type == "group" {
			twice = true
		}
	}
	if all.schema || twice {
		return nil, misspelt(c.text.src)
	}
	if !maps.Equal(all.names, c.text.blocks) { // lines of a heredoc were taken for a block
		return nil, errUncut
	}
	return all, nil
}

// head compares what comes before the parts.
func (c *check) head(ctx context.Context) part {
	var targets []*hclsyntax.Block
	for _, b := range c.text.head.Blocks {
		if b.Type == "target" {
			targets = append(targets, b)
		}
	}
	p := c.blocks(ctx, targets, nil)
	p.format = c.format(0, c.text.end.Byte)
	return p
}

// part compares one part.
func (c *check) part(ctx context.Context, at span) part {
	body, err := c.text.parsePart(at)
	if err != nil {
		return part{fatal: err}
	}
	if len(c.schema.check(body)) > 0 {
		return part{schema: true, readings: make([]error, len(c.readings))}
	}
	p := c.blocks(ctx, body.Blocks, c.text.bytes(at))
	p.format = c.format(at.from.Byte, at.to)
	return p
}

func (c *check) format(from, to int) error {
	return c.before.once("format", c.text.src[from:to], nil, func() error { return checkPart(c.text.src, from, to) })
}

// blocks compares some targets under all settings. Without text, nothing of that
// is remembered.
func (c *check) blocks(ctx context.Context, blocks []*hclsyntax.Block, text []byte) part {
	p := part{names: make(map[string]span, len(blocks)), readings: make([]error, len(c.readings))}
	for _, b := range blocks {
		if readsBlocks(b.Body) {
			return part{fatal: errWhole}
		}
		more, err := inherited(b.Body)
		if err != nil {
			return part{fatal: err}
		}
		p.parents = append(p.parents, more...)
		if _, has := p.names[b.Labels[0]]; has {
			p.schema = true
		}
		p.names[b.Labels[0]] = place(b)
	}
	parents, above, err := c.text.parents(p.parents)
	if err != nil {
		return part{fatal: err}
	}
	for i, r := range c.readings {
		if p.fatal = ctx.Err(); p.fatal != nil {
			return p
		}
		meant := r.meant(blocks)
		compare := func() error { return r.compare(c.decoder, blocks, parents, meant) }
		if c.before == nil || text == nil {
			p.readings[i] = compare()
			continue
		}
		all := slices.Concat(c.shared, []byte{0}, above, text)
		p.readings[i] = c.before.once(r.setting.String(), all, meant, compare)
	}
	return p
}

// reading is a text read back under one setting.
type reading struct {
	setting setting
	builds  map[string]func() bake.Build // what is meant, by target
	members map[string][]string          // likewise, by group
	scope   *hcl.EvalContext
	err     error // of the scope
}

func newReading(f *bake.File, head *hclsyntax.Body, s setting) *reading {
	r := &reading{setting: s, builds: f.Builds(s.values), members: f.Members(s.values)}
	r.scope, r.err = scope(head, s.vars)
	return r
}

// meant is what blocks are to say, without those that nobody builds.
func (r *reading) meant(blocks []*hclsyntax.Block) map[string]*bake.Build {
	all := make(map[string]*bake.Build, len(blocks))
	for _, b := range blocks {
		if build := r.builds[b.Labels[0]]; build != nil {
			meant := build()
			all[b.Labels[0]] = &meant
		}
	}
	return all
}

// compare compares every attribute of some targets. Parents are the blocks that
// these inherit from.
func (r *reading) compare(d *decoder, blocks, parents []*hclsyntax.Block, meant map[string]*bake.Build) error {
	if r.err != nil {
		return nil //nolint:nilerr // run says it, once
	}
	above := make([]*buildxbake.Target, 0, len(parents))
	for _, b := range parents {
		t, err := d.Target(b, r.scope)
		if err != nil {
			return unread(err)
		}
		above = append(above, t)
	}
	var errs []error
	found := make(map[string]*buildxbake.Target, len(blocks))
	for _, b := range blocks {
		own, err := d.Target(b, r.scope)
		if err != nil {
			errs = append(errs, unread(err))
			continue
		}
		if meant[own.Name] == nil {
			continue // and nobody may ask for it, which complete says
		}
		config := buildxbake.Config{Targets: append([]*buildxbake.Target{own}, above...)}
		t, err := config.ResolveTarget(own.Name, nil, &buildxbake.EntitlementConf{})
		if err != nil {
			errs = append(errs, unread(err))
			continue
		}
		errs = append(errs, compareTarget(meant[own.Name], t))
		found[own.Name] = t
	}
	return errors.Join(append(errs, buildable(found))...)
}

// buildable says whether bake makes build options of targets.
func buildable(targets map[string]*buildxbake.Target) error {
	for _, t := range targets { // they have been compared, and this machine need not have them
		t.Secrets, t.SSH = nil, nil
	}
	if _, err := buildxbake.TargetsToBuildOpt(targets, &buildxbake.Input{}); err != nil {
		return fmt.Errorf("bake cannot build from the emitted file: %w", err)
	}
	return nil
}

// groups compares the members of all groups.
func (r *reading) groups(c *check) error {
	if r.err != nil {
		return nil //nolint:nilerr // run says it, once
	}
	var groups []*buildxbake.Group
	for _, b := range c.text.head.Blocks {
		if b.Type != "group" {
			continue
		}
		g, err := c.decoder.Group(b, r.scope)
		if err != nil {
			return unread(err)
		}
		groups = append(groups, g)
	}
	return errors.Join(compareGroups(c.file, groups, r.members), complete(r.builds, groups))
}

// targets compares which targets there are with those that are meant.
func (r *reading) targets(all *part, text *layout) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(r.builds)) {
		if _, has := all.names[name]; !has {
			errs = append(errs, fmt.Errorf("target %s is missing", name))
		}
	}
	errs = append(errs, r.unmeant(slices.Sorted(maps.Keys(all.names)), slices.Concat(all.parents, text.contexts())))
	return errors.Join(append(errs, links(r.builds))...)
}

// unmeant says which targets are there that nobody meant, and none needs.
func (r *reading) unmeant(names, needed []string) error {
	allowed := make(map[string]bool, len(needed))
	for _, name := range needed {
		allowed[name] = true
	}
	var errs []error
	for _, name := range names {
		if r.builds[name] == nil && !allowed[name] {
			errs = append(errs, fmt.Errorf("the target %s was not meant", name))
		}
	}
	return errors.Join(errs...)
}

// complete says that every member of a group is there.
func complete(builds map[string]func() bake.Build, groups []*buildxbake.Group) error {
	known := map[string]bool{}
	for _, g := range groups {
		known[g.Name] = true
	}
	var errs []error
	for _, g := range groups {
		for _, name := range g.Targets {
			if builds[name] == nil && !known[name] {
				errs = append(errs, fmt.Errorf("group %s: its member %s is no target", g.Name, name))
			}
		}
	}
	return errors.Join(errs...)
}

// unread is what bake says of a block.
func unread(err error) error { return fmt.Errorf("bake cannot read it: %w", err) }

func (r *reading) unreadable(err error) error {
	return fmt.Errorf("bake cannot read the emitted file %s: %w", r.setting, err)
}

func (r *reading) differs(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bake reads the emitted file differently %s: %w", r.setting, err)
}
