package planner

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// proof is the function that proves the versions of one runtime.
type proof struct {
	fixture, entrypoint string
	of                  *fact.Test
}

// tests compares the table of tests with what is built, and gives runtimes their
// fixtures and entry points.
func (p *planner) tests() {
	if len(p.table) == 0 {
		return
	}
	tested := map[string]bool{}
	proofs := map[string][]proof{}
	for _, e := range p.table {
		v := p.tested(e)
		if v == nil {
			continue
		}
		tested[v.id()] = true
		if fixture, ok := p.fixture(e); ok {
			proofs[v.key] = append(proofs[v.key], proof{fixture, p.entrypoint(e, fixture), e})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(proofs)) {
		p.agree(key, proofs[key])
	}
	for _, v := range p.versions {
		if !v.base && !tested[v.id()] {
			p.Warn(fact.RuleTest, v.build.Range, fmt.Sprintf("%s has no test", v.id()),
				"No entry of the table of tests is of it.")
		}
	}
}

// tested is the version that an entry tests; nil if it never runs.
func (p *planner) tested(e *fact.Test) *version {
	id := e.Runtime.Value
	if e.Again != nil {
		p.Warn(fact.RuleTest, e.Range, fmt.Sprintf("Test %q never runs", e.Key.Value),
			fmt.Sprintf("Another has the same key, and PHP keeps the last: see %s.", diag.Place(e.Again.Range)),
			e.Again.Range)
		return nil
	}
	if id == "" {
		id = e.Key.Value
		p.Warn(fact.RuleTest, e.Range, fmt.Sprintf("Test %q names no runtime", e.Key.Value),
			fmt.Sprintf("It is taken for one of %s.", id))
	}
	var found *version
	var ids []string
	for _, v := range p.versions {
		if v.base {
			continue
		}
		ids = append(ids, v.id())
		if v.id() == id {
			found = v
		}
	}
	at := cmp.Or(e.Runtime, e.Key).Range
	switch {
	case found == nil:
		detail := "No image of that name is built. The test is left out."
		if near := diag.Suggest(id, ids); near != "" {
			detail = fmt.Sprintf("No image of that name is built. Did you mean %s? The test is left out.", near)
		}
		p.Warn(fact.RuleTest, at, fmt.Sprintf("Test %q never runs: there is no %s", e.Key.Value, id), detail)
		return nil
	case p.registry != nil && found.registered == nil:
		p.Warn(fact.RuleTest, at, fmt.Sprintf("Test %q never runs: %s is not registered", e.Key.Value, id),
			fmt.Sprintf("%s has no such version. The definition has it, and its test.", p.registry.Name),
			fact.Start(p.registry.Name))
	}
	if e.Key.Value != id {
		p.Warn(fact.RuleTest, e.Range, fmt.Sprintf("Test %q is of %s", e.Key.Value, id),
			"Tests are called as what they test. In definitions they have no name of their own.", at)
	}
	if want := strings.ReplaceAll(id, ".", "-") + ".tar.gz"; e.Archive.Value != "" && e.Archive.Value != want {
		p.Warn(fact.RuleTest, e.Archive.Range, fmt.Sprintf("The archive of %s is called %s", id, e.Archive.Value),
			fmt.Sprintf("Others are called as their version: %s. In definitions it has no name.", want))
	}
	return found
}

// fixture finds the folder of a function: dart for /tests/resources/dart.tar.gz,
// of which the start is mostly not known.
func (p *planner) fixture(e *fact.Test) (string, bool) {
	name := e.Code.Value[strings.LastIndex(e.Code.Value, fact.Hole)+1:]
	rel := strings.Trim(path.Clean("/"+name), "/")
	for _, ext := range []string{".tar.gz", ".tgz", ".tar", ".zip"} {
		rel = strings.TrimSuffix(rel, ext)
	}
	var found, near []string
	for _, dir := range p.folders() {
		if !strings.HasPrefix(dir, "runtimes/") && (dir == rel || strings.HasSuffix(dir, "/"+rel)) {
			found = append(found, dir)
		}
		if strings.HasPrefix(dir, "test") {
			near = append(near, path.Base(dir))
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		beside := func(dir string) int {
			if p.isFile(path.Join(path.Dir(dir), path.Base(name))) || strings.Contains(dir, "test") {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(beside(a), beside(b)), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	if len(found) > 0 && rel != "" {
		return found[0], true
	}
	detail := "The definition has no fixture. Unpack its archive into a folder, and give that with the " +
		"attribute fixture."
	if s := diag.Suggest(path.Base(rel), near); s != "" {
		detail = fmt.Sprintf("Did you mean %s? The definition has no fixture.", s)
	}
	p.Warn(fact.RuleTest, e.Code.Range, fmt.Sprintf("Test %q has no folder with its function", e.Key.Value),
		fmt.Sprintf("There is none called %s. %s", path.Base(rel), detail))
	return "", false
}

// entrypoint is that of an entry, or the only file that it can be; "" for none.
func (p *planner) entrypoint(e *fact.Test, fixture string) string {
	name := e.Entrypoint.Value
	if name == "" || catalogue.CheckEntrypoint(name).HasErrors() {
		p.Warn(fact.RuleTest, cmp.Or(e.Entrypoint, e.Key).Range, fmt.Sprintf("Test %q has no entry point", e.Key.Value),
			"The definition has none. Give the file of the function with the attribute entrypoint.")
		return ""
	}
	if p.isFile(path.Join(fixture, name)) {
		return name
	}
	var files []string
	entries, _ := fs.ReadDir(p.fsys, fixture)
	for _, f := range entries {
		same := path.Ext(f.Name()) == path.Ext(name)
		if f.Type().IsRegular() && same && !catalogue.CheckEntrypoint(f.Name()).HasErrors() {
			files = append(files, f.Name())
		}
	}
	detail := "The definition has no entry point: give it with the attribute entrypoint."
	only := ""
	if len(files) == 1 {
		only = files[0]
		detail = fmt.Sprintf("The definition has %s, the only file there of its kind.", only)
	}
	p.Warn(fact.RuleTest, e.Entrypoint.Range, fmt.Sprintf("%s is not in %s", name, fixture), detail)
	return only
}

// agree gives all versions of a runtime the function that most of them have.
func (p *planner) agree(key string, proofs []proof) {
	count := map[[2]string]int{}
	best := proofs[0]
	id := func(p proof) [2]string { return [2]string{p.fixture, p.entrypoint} }
	for _, r := range proofs {
		count[id(r)] += 2
	}
	for _, r := range proofs {
		if path.Base(r.fixture) == key { // of two that are as many, the one that is called so
			count[id(r)]++
		}
		if count[id(r)] > count[id(best)] {
			best = r
		}
	}
	for _, r := range proofs {
		switch {
		case r.fixture != best.fixture:
			p.Warn(fact.RuleTest, r.of.Code.Range,
				fmt.Sprintf("Test %q has the function in %s", r.of.Key.Value, r.fixture),
				fmt.Sprintf("Other versions of %s have that in %s, see %s. The definition has the latter.", key,
					best.fixture, diag.Place(best.of.Range)), best.of.Range)
		case r.entrypoint != best.entrypoint && r.entrypoint != "":
			p.Warn(fact.RuleTest, r.of.Entrypoint.Range,
				fmt.Sprintf("Test %q has the entry point %s", r.of.Key.Value, r.entrypoint),
				fmt.Sprintf("Other versions of %s have %s, see %s. The definition has the latter.", key,
					cmp.Or(best.entrypoint, "none"), diag.Place(best.of.Range)), best.of.Range)
		}
	}
	for _, v := range p.versions {
		if v.key == key && !v.base {
			v.fixture, v.entrypoint = best.fixture, best.entrypoint
		}
	}
}
