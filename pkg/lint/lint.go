// Package lint checks what of the contract the files of a repository decide: its
// Dockerfiles, scripts and folders.
package lint

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/buildcheck"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// Check checks versions of a catalogue against the contract; fsys is the
// repository that it was made from. What could not be resolved is not checked.
// The diagnostics are sorted by place, and name their rules.
func Check(ctx context.Context, c *catalogue.Catalogue, versions []*catalogue.Version, fsys fs.FS,
	checkout Checkout,
) hcl.Diagnostics {
	l := newLinter(c, fsys)
	l.checkout = checkout
	l.checkNames(versions)
	for i := range l.rules {
		rule := &l.rules[i]
		if find := l.checks[rule.ID].repository; find != nil {
			for _, f := range find(l) {
				_ = l.add(rule, c.Project.Lint, f)
			}
		}
	}
	for _, v := range versions {
		if ctx.Err() != nil {
			break
		}
		l.version(ctx, v)
	}
	l.silence()
	l.inherit()
	return diag.Sort(l.diags)
}

// Checkout is what git keeps of a repository elsewhere than in its files.
type Checkout struct {
	Submodules []string // folders, from the root of the repository
	LFS        bool     // files may be pointers of Git LFS
	Sparse     bool     // files may be left out
}

// linter is one run.
type linter struct {
	checkout  Checkout
	catalogue *catalogue.Catalogue
	fsys      fs.FS
	rules     []contract.Rule
	checks    map[string]check
	known     []diag.Rule // all rules, BuildKit's too
	images    map[*catalogue.Version]*image
	files     map[string]*dockerfile.File
	texts     map[string]*text
	lfs       map[string]bool // files that are pointers
	taken     map[*catalogue.Version][]dockerfile.Source
	folders   map[string]*folder
	listings  map[string][]string
	scripts   map[string]*script
	marks     map[string][]finding
	built     map[string]bool // Dockerfiles that anything builds
	checked   map[string]bool // Dockerfiles that BuildKit's checks have seen
	linted    map[string]bool // Dockerfiles whose versions were checked
	found     []foundIn
	diags     hcl.Diagnostics
}

// foundIn is what a rule has found in a version.
type foundIn struct {
	rule    string
	version *catalogue.Version
	diag    *hcl.Diagnostic // nil for none
}

func newLinter(c *catalogue.Catalogue, fsys fs.FS) *linter {
	built := map[string]bool{c.Project.Test.Dockerfile: true}
	for _, v := range c.Versions() {
		built[v.DockerfilePath()] = true
	}
	return &linter{
		catalogue: c, fsys: fsys, rules: contract.Checked(contract.InFiles), checks: checks(), known: Rules(),
		images: map[*catalogue.Version]*image{}, files: map[string]*dockerfile.File{}, texts: map[string]*text{},
		lfs: map[string]bool{}, taken: map[*catalogue.Version][]dockerfile.Source{},
		folders: map[string]*folder{}, listings: map[string][]string{}, scripts: map[string]*script{},
		marks: map[string][]finding{}, built: built, checked: map[string]bool{}, linted: map[string]bool{},
	}
}

// subject is one version under the rules.
type subject struct {
	*linter
	version *catalogue.Version
	image   *image
	build   *script // nil when there is none
	launch  *script
	dir     string // of the definition
}

func (l *linter) version(ctx context.Context, v *catalogue.Version) {
	if v.Lint.Level == catalogue.Off && len(v.Lint.Rules) == 0 {
		return // also of what its comments silence
	}
	img := l.image(v)
	if img == nil || v.Runtime.Kind == "" {
		return
	}
	l.linted[img.file.Name] = true
	s := &subject{linter: l, version: v, image: img, dir: path.Dir(v.Range.Filename)}
	if v.Runtime.Kind != catalogue.Base {
		s.build = l.script(img, "build.sh")
	}
	if v.Launches() {
		s.launch = l.script(img, "launch.sh")
	}
	for i := range l.rules {
		rule := &l.rules[i]
		find, asked := l.checks[rule.ID].version, rule.Any || v.Runtime.Contract != catalogue.NoContract
		if find == nil || !asked || severityOf(rule.ID, ruleSeverity(rule, v.Lint.Level), v.Lint) == contract.Off {
			continue
		}
		for _, f := range find(s) {
			l.found = append(l.found, foundIn{rule.ID, v, l.add(rule, v.Lint, f)})
		}
	}
	l.buildKitChecks(ctx, v, img)
}

// inherit takes away what an image has from an image of this repository that it
// is built on, if it is told of that one: it is mended there.
func (l *linter) inherit() {
	type key struct {
		rule, summary string
		version       *catalogue.Version
	}
	told := map[key]bool{}
	l.found = slices.DeleteFunc(l.found, func(f foundIn) bool { return !slices.Contains(l.diags, f.diag) })
	for _, f := range l.found {
		told[key{f.rule, f.diag.Summary, f.version}] = true
	}
	inherited := map[*hcl.Diagnostic]bool{}
	for _, f := range l.found {
		for _, n := range f.version.Needs {
			if n.Root && n.Version != f.version && told[key{f.rule, f.diag.Summary, n.Version}] {
				inherited[f.diag] = true
			}
		}
	}
	l.diags = slices.DeleteFunc(l.diags, func(d *hcl.Diagnostic) bool { return inherited[d] })
}

// severityOf is what a rule's findings are where lint holds.
func severityOf(id string, normal contract.Severity, lint catalogue.Lint) contract.Severity {
	for _, r := range slices.Backward(lint.Rules) {
		if r.ID == id {
			return parseSeverity(r.Severity)
		}
	}
	return normal
}

// add reports a finding; nil if the rule is off.
func (l *linter) add(rule *contract.Rule, lint catalogue.Lint, f finding) *hcl.Diagnostic {
	normal := ruleSeverity(rule, lint.Level)
	if f.soft {
		normal = min(normal, contract.Warning)
	}
	severity := severityOf(rule.ID, normal, lint)
	fix := f.fix
	if fix == "" {
		fix = rule.Fix
	}
	d := l.report(severity, describe(rule), f.at, f.summary, strings.TrimSpace(f.detail+" "+fix))
	if d != nil && f.origin != "" {
		d.Extra = origin{describe(rule), f.origin}
	}
	return d
}

func (l *linter) report(severity contract.Severity, rule diag.Rule, at hcl.Range,
	summary, detail string,
) *hcl.Diagnostic {
	if severity == contract.Off {
		return nil
	}
	d := &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr(), Extra: rule}
	if severity == contract.Error {
		d.Severity = hcl.DiagError
	}
	l.diags = append(l.diags, d)
	return d
}

// checkNames reports rule blocks for rules that do not exist.
func (l *linter) checkNames(versions []*catalogue.Version) {
	known := l.names()
	lints := []catalogue.Lint{l.catalogue.Project.Lint}
	for _, v := range versions {
		lints = append(lints, v.Lint)
	}
	for _, lint := range lints {
		for _, r := range lint.Rules {
			if !slices.Contains(known, r.ID) {
				l.diags = append(l.diags, unknownRule(r.ID, r.Range, known))
			}
		}
	}
}

func unknownRule(id string, at hcl.Range, known []string) *hcl.Diagnostic {
	detail := "The rules are listed at " + contract.Page + "."
	if near := diag.Suggest(id, known); near != "" {
		detail = fmt.Sprintf("Did you mean %q?", near)
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: fmt.Sprintf("There is no rule %q", id), Detail: detail,
		Subject: at.Ptr(),
	}
}

// rule is one rule of the contract.
func (l *linter) rule(id string) *contract.Rule {
	return &l.rules[slices.IndexFunc(l.rules, func(r contract.Rule) bool { return r.ID == id })]
}

// names are the ids of all rules, BuildKit's too.
func (l *linter) names() []string {
	var names []string
	for _, r := range l.known {
		names = append(names, r.ID)
	}
	slices.Sort(names)
	return names
}

// buildKitChecks runs BuildKit's own checks, once for a Dockerfile, stage and level.
func (l *linter) buildKitChecks(ctx context.Context, v *catalogue.Version, img *image) {
	key := img.file.Name + "\x00" + v.Stage + "\x00" + v.Lint.Level
	if l.checked[key] {
		return
	}
	l.checked[key] = true
	findings, failure := buildcheck.Check(ctx, l.text(img.file.Name).data,
		buildcheck.Options{Stage: v.Stage, Args: v.Args, Platform: img.platform})
	for _, f := range findings {
		_ = l.report(severityOf(f.Rule, atLevel(contract.Warning, v.Lint.Level), v.Lint), diag.Rule{ID: f.Rule, URL: f.URL},
			l.text(img.file.Name).lines(f.First, f.Last), sentence(f.Detail), f.Description+".")
	}
	if failure != nil {
		_ = l.add(l.rule("buildable"), v.Lint, finding{
			at:      l.text(img.file.Name).lines(failure.First, failure.Last),
			summary: "BuildKit cannot build this Dockerfile",
			detail:  fmt.Sprintf("It says: %s.", strings.TrimRight(strings.TrimSpace(failure.Detail), ".")),
		})
	}
	for _, f := range l.ignoredSources(v, img) {
		normal := contract.Error // the build fails
		if f.soft {
			normal = contract.Warning
		}
		rule := l.known[slices.IndexFunc(l.known, func(r diag.Rule) bool { return r.ID == "CopyIgnoredFile" })]
		_ = l.report(severityOf(rule.ID, atLevel(normal, v.Lint.Level), v.Lint), rule, f.at, f.summary, f.detail)
	}
}

// sentence starts with a capital letter.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
