package planner

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// kinds finds out which runtimes are compiled, and what runs them.
func (p *planner) kinds() {
	if p.services = p.areServices(); p.services {
		for _, v := range slices.Clone(p.versions) {
			if !v.base {
				p.leftOut(v)
			}
		}
		p.note(fact.Note{
			Range: p.versions[0].build.Range,
			Text:  "the images are no runtimes: no Dockerfile has anything of functions, such as launch.sh or /usr/code",
		})
		return
	}
	whose := map[string]*version{}
	for _, v := range slices.Clone(p.versions) {
		if v.base {
			continue
		}
		p.leftOut(v)
		at, why := p.kind(v)
		kind := "interpreted"
		if v.compiled {
			kind = "compiled"
		}
		p.note(fact.Note{Range: at, Text: fmt.Sprintf("%s is %s: %s", v.id(), kind, why)})
		if first := whose[v.key]; first == nil {
			whose[v.key] = v
		} else if first.compiled != v.compiled {
			p.Fail(fact.RuleContradiction, at, fmt.Sprintf("%s is %s, and %s is not", v.id(), kind, first.id()),
				fmt.Sprintf("All versions of a runtime are of one kind. %s is imported as %s is; look at both.", v.id(),
					first.id()), first.build.Range)
			v.compiled = first.compiled
		}
		if v.compiled {
			p.runs(v)
		}
	}
	p.interpret()
}

// areServices reports images of which none has anything of a runtime: no source
// registers or tests any, all their Dockerfiles can be read, and none of these has
// the folders or the start of functions, or waits until it is run.
func (p *planner) areServices() bool {
	ofFunctions := append(contract.Dirs(), path.Base(contract.LaunchScript))
	if p.registry != nil && len(p.registry.Versions()) > 0 || len(p.table) > 0 {
		return false
	}
	for _, v := range p.versions {
		if v.build.Remote {
			continue // nobody looks there
		}
		text, err := fs.ReadFile(p.fsys, v.build.DockerfilePath())
		has := func(s string) bool { return bytes.Contains(text, []byte(s)) }
		if _, idle := p.command(v); err != nil || idle || slices.ContainsFunc(ofFunctions, has) {
			return false
		}
	}
	return len(p.versions) > 0
}

// command is what an image starts, and whether that only waits.
func (p *planner) command(v *version) (command []string, idle bool) {
	if d := p.dockerfile(v.build.DockerfilePath()); d != nil {
		stage := ""
		if v.build.Target != nil {
			stage = v.build.Target.Value
		}
		_, command = d.Start(stage, pairs(v.build.Args))
	}
	return command, len(command) > 0 && path.Base(command[0]) == "tail"
}

// kind decides for one version, and says from what.
func (p *planner) kind(v *version) (hcl.Range, string) {
	name := v.build.DockerfilePath()
	command, idle := p.command(v)
	if r := v.registered; r != nil {
		v.compiled = r.OwnRun()
		switch {
		case v.compiled:
			return r.Run.Range, fmt.Sprintf("its functions run in %s", r.Run.Value)
		case idle:
			p.Warn(fact.RuleRegisteredImage, r.Run.Range,
				fmt.Sprintf("%s is registered to run its functions itself", v.id()),
				fmt.Sprintf("But its image starts %q, as compiled runtimes do, see %s. It is imported as interpreted.",
					strings.Join(command, " "), name), fact.Start(name))
		}
		if r.Upstream.Value != "" {
			return r.Range, "the registry class has one image for it"
		}
		return r.Range, "its functions run in the image that builds them"
	}
	v.compiled = idle
	switch {
	case idle:
		return fact.Start(name), fmt.Sprintf("its image starts %q", strings.Join(command, " "))
	case len(command) > 0:
		return fact.Start(name), fmt.Sprintf("its image starts %q", strings.Join(command, " "))
	}
	if v.build.Remote {
		return v.build.Context.Range, "nothing says otherwise"
	}
	return fact.Start(name), "nothing says otherwise"
}

// runs finds the base that runs what a version makes.
func (p *planner) runs(v *version) {
	if v.registered == nil || !v.registered.OwnRun() {
		if other := p.runOfSiblings(v); other != nil {
			if v.run = p.baseOf(other.Run); v.run != nil {
				p.note(fact.Note{
					Range: other.Run.Range,
					Text:  fmt.Sprintf("%s is run by %s: so is %s %s", v.id(), v.run.id(), v.key, other.Version.Value),
				})
				return
			}
		}
		var bases []*version
		for _, o := range p.versions {
			if o.base {
				bases = append(bases, o)
			}
		}
		if len(bases) == 1 {
			v.run = bases[0]
			p.note(fact.Note{
				Range: bases[0].build.Range,
				Text:  fmt.Sprintf("%s is run by %s: it is the only base", v.id(), v.run.id()),
			})
			return
		}
		return
	}
	run := v.registered.Run
	n, err := parseName(run)
	if err != nil {
		p.Fail(fact.RuleNotUnderstood, run.Range, fmt.Sprintf("Invalid image name %q", fact.Shorten(run.Value)),
			fmt.Sprintf("Write name:tag in lower case (%v).", err))
		return
	}
	for _, o := range p.versions {
		switch {
		case !o.image.has(n.id()):
		case !o.base:
			p.Fail(fact.RuleInexpressible, run.Range,
				fmt.Sprintf("%s is run by %s, which is a runtime", v.id(), o.id()),
				"In definitions a base runs what compiled runtimes make. Write run into its definition.", o.build.Range)
			return
		default:
			v.run = o
			return
		}
	}
	if v.run = p.found(n, run); v.run == nil {
		p.Fail(fact.RuleNotBuilt, run.Range, fmt.Sprintf("%s runs %s, and is not built", run.Value, v.id()),
			"No script builds it, and no folder has its name. Write a definition of that base, and run into that of "+
				"the runtime.")
	}
}

// baseOf is the base with the name of a run image; nil if there is none.
func (p *planner) baseOf(run fact.Text) *version {
	n, err := parseName(run)
	at := slices.IndexFunc(p.versions, func(o *version) bool { return err == nil && o.base && o.image.has(n.id()) })
	if at < 0 {
		return nil
	}
	return p.versions[at]
}

// found makes a version of the folder of a base that is registered and not
// built: ubuntu-20.04 for appwrite-ubuntu:20.04.
func (p *planner) found(n name, run fact.Text) *version {
	entries, _ := fs.ReadDir(p.fsys, definition.RuntimesDir)
	for _, e := range entries {
		key, baseVersion := split(e.Name())
		dir := path.Join(definition.RuntimesDir, e.Name())
		if baseVersion != n.tag || n.repo != key && !strings.HasSuffix(n.repo, "-"+key) ||
			!p.isFile(path.Join(dir, "Dockerfile")) {
			continue
		}
		b := &fact.Build{
			Script: run.Range.Filename, Tags: []fact.Text{run},
			Context: fact.Text{Value: dir, Range: fact.Start(path.Join(dir, "Dockerfile"))}, Range: run.Range,
		}
		v := &version{
			image: &image{names: []name{n}, builds: []*fact.Build{b}, main: b}, build: b,
			key: key, name: baseVersion, base: true, dir: dir, repo: n.repo, tags: []string{n.tag},
		}
		p.versions = append(p.versions, v)
		p.Warn(fact.RuleNotBuilt, run.Range, fmt.Sprintf("%s runs functions, and is not built", run.Value),
			fmt.Sprintf("No script builds it, but the folder %s is there. It is imported as a base.", dir),
			fact.Start(path.Join(dir, "Dockerfile")))
		return v
	}
	return nil
}

var titlePattern = regexp.MustCompile(`^(?:(?i:building|build|pushing|push|publishing)\s+)?(?:(?i:the|image)\s+)*` +
	`(\S.*?)[\s:@-]+v?([0-9][A-Za-z0-9._-]*?)[\s.…:!]*$`)

// title takes a message apart: Dart 2.12...
func title(t *fact.Text) (name, version string, ok bool) {
	if t == nil {
		return "", "", false
	}
	m := titlePattern.FindStringSubmatch(t.Value)
	if m == nil {
		return "", "", false
	}
	return m[1], strings.TrimRight(m[2], "."), true
}

// displays finds the names that users see.
func (p *planner) displays() {
	given := map[string]fact.Text{}
	for _, v := range p.versions {
		if v.registered != nil && given[v.key].Value == "" {
			given[v.key] = v.registered.Runtime.Name
		}
	}
	for _, v := range p.versions {
		for _, b := range v.image.builds {
			if name, version, ok := title(b.Title); ok && given[v.key].Value == "" && name != v.repo &&
				sameVersionText(version, v.name) {
				given[v.key] = fact.Text{Value: name, Range: b.Title.Range}
				p.note(fact.Note{
					Range: b.Title.Range,
					Text:  fmt.Sprintf("%s is called %q: a script says so", v.key, name),
				})
			}
		}
	}
	for _, v := range p.versions {
		if given[v.key].Value == "" {
			given[v.key] = fact.Text{Value: strings.ToUpper(v.key[:1]) + v.key[1:], Range: v.build.Range}
			p.note(fact.Note{
				Range: v.build.Range,
				Text:  fmt.Sprintf("%s is called %q: nothing says otherwise", v.key, given[v.key].Value),
			})
		}
		v.display = given[v.key].Value
	}
}

// common is the value that most versions have.
func common[T comparable](versions []*version, get func(*version) T) T {
	count := map[T]int{}
	var order []T
	for _, v := range versions {
		t := get(v)
		if count[t] == 0 {
			order = append(order, t)
		}
		count[t]++
	}
	var zero T
	if len(order) == 0 {
		return zero
	}
	return slices.MaxFunc(order, func(a, b T) int { return cmp.Compare(count[a], count[b]) })
}
