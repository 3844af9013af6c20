package catalogue

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// Resolve applies defaults, follows references and checks every rule. fsys is
// the repository that the definitions were loaded from: Dockerfiles are read
// to learn what each image is built from.
//
// The diagnostics are sorted by place. With errors among them the catalogue is
// incomplete and only good for completion and the like.
func Resolve(set *definition.Set, fsys fs.FS) (*Catalogue, hcl.Diagnostics) {
	r := &resolver{
		fsys: fsys, files: map[string]fileInfo{},
		dockerfiles: map[string]*dockerfile.File{}, references: map[string]parsedReference{}, lists: map[*definition.List][]string{},
		usedVars: map[string]bool{}, sharedBy: map[string]*shared{},
	}
	c := &Catalogue{Project: r.project(set)}
	for _, group := range byKey(set.Blocks) {
		c.Runtimes = append(c.Runtimes, r.runtime(group))
	}
	slices.SortFunc(c.Runtimes, func(a, b *Runtime) int { return cmp.Compare(a.Key, b.Key) })
	r.index(c)
	r.parseDockerfiles()
	for _, s := range r.scopes {
		r.build(c, s)
	}
	r.followDockerfiles()
	r.followTriggers()
	for _, s := range r.scopes {
		r.images(s)
	}
	r.tellShared()
	for _, rule := range rules {
		rule(r, c)
	}
	for _, s := range r.scopes {
		s.version.Checks = r.checks(s, r.defaults.Checks)
	}
	if set.Project != nil {
		c.Groups = r.groups(c, set.Project.Groups)
		if !set.Partial {
			r.unusedVariables(set.Project.Variables)
		}
	}
	return c, diag.Sort(r.diags)
}

// resolver collects what the steps of Resolve share.
type resolver struct {
	fsys        fs.FS
	files       map[string]fileInfo
	defaults    definition.Project
	projectLint Lint
	// projectBudget is what all images may come to; nil for anything.
	projectBudget *definition.Budget

	projectContract string
	scopes          []*scope
	byID            map[string]*Version
	byRef           map[string]*Version
	dockerfiles     map[string]*dockerfile.File
	references      map[string]parsedReference
	lists           map[*definition.List][]string // platforms, checked and normalised
	vars            map[string]cty.Value          // the project's variables, with their defaults
	usedVars        map[string]bool
	sharedBy        map[string]*shared
	shared          []*shared // in the order in which they were found
	diags           hcl.Diagnostics
}

type parsedReference struct {
	named reference.Named
	err   error
}

func (r *resolver) report(at hcl.Range, summary, detail string) {
	r.diags = append(r.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

func (r *resolver) warn(at hcl.Range, summary, detail string) {
	r.diags = append(r.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// byKey joins the blocks of a key, in the order in which keys appear.
func byKey(blocks []*definition.Block) [][]*definition.Block {
	var groups [][]*definition.Block
	place := map[string]int{}
	for _, b := range blocks {
		i, known := place[b.Key.Value]
		if !known {
			i = len(groups)
			place[b.Key.Value] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], b)
	}
	return groups
}

// runtime joins the blocks of one key and resolves what does not depend on
// other runtimes.
func (r *resolver) runtime(blocks []*definition.Block) *Runtime {
	first := blocks[0]
	partial := slices.ContainsFunc(blocks, func(b *definition.Block) bool { return b.Partial })
	rt := &Runtime{Key: first.Key.Value, Partial: partial}
	goodKey := r.checkKey(first.Key)
	blocks = r.sameSort(blocks)
	rt.Name = r.agreed(blocks, "name", func(b *definition.Block) *definition.String { return b.Name })
	rt.Entrypoint = r.agreed(blocks, "entrypoint", func(b *definition.Block) *definition.String { return b.Entrypoint })
	rt.Fixture = r.agreed(blocks, "fixture", func(b *definition.Block) *definition.String { return b.Fixture })
	rt.Behaviour = r.agreed(blocks, "behaviour", func(b *definition.Block) *definition.String { return b.Behaviour })
	rt.Broken = r.agreed(blocks, "broken", func(b *definition.Block) *definition.String { return b.Broken })
	if rt.Name == "" && !partial {
		r.report(first.Range, fmt.Sprintf("%q has no name", rt.Key), `Give the name that users see, for example name = "Node.js".`)
	}
	rt.Contract = r.contract(blocks)
	rt.Kind = r.kind(blocks, rt.Contract, partial)
	self := runtimeValue(rt)
	start := len(r.scopes)
	for _, b := range blocks {
		if rt.Contract == NoContract {
			r.noFunctions(b)
		} else {
			r.functions(b)
		}
		if b.Entrypoint != nil {
			r.entrypoint(*b.Entrypoint)
		}
		if len(b.Versions) == 0 && !b.Partial {
			r.report(b.Range, fmt.Sprintf("%q has no versions here", rt.Key), `Add a version "<name>" { … } block, or remove the block.`)
		}
		lint := r.lint(b.Lint, r.projectLint)
		r.checkVariants(rt, b)
		for _, given := range b.Versions {
			r.checkVersionName("version", given.Name)
			for _, e := range editions(b, given) {
				v := r.version(rt, self, b, e, goodKey)
				v.Lint = lint
				rt.Versions = append(rt.Versions, v)
			}
		}
	}
	r.aliases(r.scopes[start:])
	slices.SortStableFunc(rt.Versions, func(a, b *Version) int { return compareNatural(a.Name, b.Name) })
	return rt
}

// contracts are those that can be chosen.
func contracts() []string { return []string{FunctionContract, NoContract} }

// contract is what the images of a runtime or base are held to.
func (r *resolver) contract(blocks []*definition.Block) string {
	given := r.agreed(blocks, "contract", func(b *definition.Block) *definition.String { return b.Contract })
	if given == "" {
		return r.projectContract
	}
	for _, b := range blocks {
		if b.Contract != nil && b.Contract.Value == given {
			r.oneOf(*b.Contract, "contract", contracts())
		}
	}
	return given
}

// noFunctions reports functions of images that run none.
func (r *resolver) noFunctions(b *definition.Block) {
	for _, s := range []struct {
		name  string
		given *definition.String
	}{{"fixture", b.Fixture}, {"behaviour", b.Behaviour}, {"broken", b.Broken}} {
		if s.given != nil {
			r.report(s.given.Range, fmt.Sprintf("%q has %s without a contract", b.Key.Value, s.name),
				`Functions are for tests of the contract "function". Remove the attribute, or write contract = "function".`)
		}
	}
}

// functions checks that the functions which prove a runtime exist.
func (r *resolver) functions(b *definition.Block) {
	if b.Fixture != nil {
		r.folder(*b.Fixture, "fixture")
	}
	for name, s := range map[string]*definition.String{"behaviour": b.Behaviour, "broken": b.Broken} {
		if s == nil {
			continue
		}
		if b.Fixture == nil && !b.Partial {
			r.report(s.Range, fmt.Sprintf("%q has %s without a fixture", b.Key.Value, name),
				"Tests start with the fixture. Give the folder of one with the attribute fixture.")
		}
		r.functionFile(*s, name)
	}
}

// functionFile checks that an attribute names the file of a function in a
// folder of its own: the folder is what is built, the file its entry point.
func (r *resolver) functionFile(s definition.String, what string) {
	if !r.inside(s, s.Value, what) {
		return
	}
	name := path.Clean(s.Value)
	info, err := r.stat(name)
	mend := fmt.Sprintf("The attribute %s names the file of a function, from the root of the repository. Its folder is what is built.", what)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.report(s.Range, fmt.Sprintf("File %s does not exist", name), mend)
	case err != nil:
		r.report(s.Range, fmt.Sprintf("Cannot read file %s", name), leavesRepository(err))
	case info.IsDir():
		r.report(s.Range, fmt.Sprintf("%s is a folder", name), mend)
	case path.Dir(name) == ".":
		r.report(s.Range, fmt.Sprintf("%s is in the root of the repository", name), mend)
	}
}

// sameSort reports blocks that are a base where the first one is a runtime, or
// the other way round, and leaves them out.
func (r *resolver) sameSort(blocks []*definition.Block) []*definition.Block {
	first := blocks[0]
	return slices.DeleteFunc(blocks, func(b *definition.Block) bool {
		if b.Base != first.Base {
			r.report(b.Range, fmt.Sprintf("%q is both a runtime and a base", b.Key.Value),
				fmt.Sprintf("It is the other at %s. Give one of them another key.", diag.Place(first.Range)))
		}
		return b.Base != first.Base
	})
}

// agreed returns the value that the blocks of a key give to an attribute of
// the runtime itself; blocks that give it must give the same.
func (r *resolver) agreed(blocks []*definition.Block, name string, get func(*definition.Block) *definition.String) string {
	var given *definition.String
	for _, b := range blocks {
		s := get(b)
		switch {
		case s == nil:
		case given == nil:
			given = s
		case given.Value != s.Value:
			r.report(s.Range, fmt.Sprintf("%q has two values for %s", b.Key.Value, name),
				fmt.Sprintf("It is %q at %s. Give it once, or the same everywhere.", given.Value, diag.Place(given.Range)))
		}
	}
	if given == nil {
		return ""
	}
	return given.Value
}

func (r *resolver) kind(blocks []*definition.Block, contract string, partial bool) Kind {
	if blocks[0].Base {
		return Base
	}
	kinds := []string{string(Interpreted), string(Compiled)}
	kind := r.agreed(blocks, "kind", func(b *definition.Block) *definition.String { return b.Kind })
	switch {
	case kind == "" && partial:
		return ""
	case kind == "" && contract != FunctionContract: // also one that nobody knows, which is told already
		return Interpreted // it is run as it is
	case kind == "":
		r.report(blocks[0].Range, fmt.Sprintf("%q has no kind", blocks[0].Key.Value),
			`Write kind = "interpreted" if the image runs the user's source, kind = "compiled" if it makes an executable of it.`)
		return ""
	case !slices.Contains(kinds, kind):
		for _, b := range blocks {
			if b.Kind != nil && b.Kind.Value == kind {
				r.report(b.Kind.Range, fmt.Sprintf("Unknown kind %q", kind), suggestion(kind, kinds))
			}
		}
		return ""
	}
	return Kind(kind)
}

// suggestion names the nearest of the known values, or all of them.
func suggestion(given string, known []string) string {
	if near := diag.Suggest(given, known); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	quoted := make([]string, len(known))
	for i, k := range known {
		quoted[i] = fmt.Sprintf("%q", k)
	}
	switch len(quoted) {
	case 0:
		return "None is defined."
	case 1:
		return fmt.Sprintf("The only one is %s.", quoted[0])
	}
	last := len(quoted) - 1
	return fmt.Sprintf("It is one of %s and %s.", strings.Join(quoted[:last], ", "), quoted[last])
}
