package catalogue

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/check"
	"github.com/runbake/runbake/pkg/definition"
)

var (
	checkName       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]*$`)
	environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	fileMode        = regexp.MustCompile(`^[0-7]{3,4}$`)
	fileOwner       = regexp.MustCompile(`^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?$`)
)

// Limits of what a server is given to answer.
const (
	defaultWithin = time.Minute
	maxWithin     = 10 * time.Minute
)

// checks resolves what the image of a version is asked: what the project asks of
// all images, its runtime or base of all versions, the version itself, and its
// variant. The last one of a name counts.
func (r *resolver) checks(s *scope, project []*definition.Check) []check.Check {
	var given []*definition.Check
	for _, c := range slices.Concat(project, s.checks) {
		if at := slices.IndexFunc(given, func(g *definition.Check) bool { return g.Name.Value == c.Name.Value }); at >= 0 {
			given[at] = c
			continue
		}
		given = append(given, c)
	}
	all := make([]check.Check, 0, len(given))
	for _, g := range given {
		all = append(all, r.check(s, g))
	}
	return all
}

func (r *resolver) check(s *scope, g *definition.Check) check.Check {
	c := check.Check{Name: g.Name.Value, Stdout: r.pattern(s, g.Stdout), Stderr: r.pattern(s, g.Stderr)}
	if !checkName.MatchString(c.Name) {
		r.report(g.Name.Range, fmt.Sprintf("Invalid name %q of a check", c.Name),
			"It has letters, digits, spaces, dots, dashes and underscores, and starts with a letter or digit.")
	}
	if g.Command != nil {
		c.Command = r.command(s, g.Command)
	}
	if g.Environment != nil {
		c.Environment = r.environment(s, g.Environment)
	}
	if g.Exit != nil {
		c.Exit = g.Exit.Value
		r.within(*g.Exit, "exit code", 0, 255)
	}
	if g.Files != nil {
		c.Files = r.checkedFiles(s, g.Files)
	}
	if g.Serves != nil {
		c.Serves = r.serves(s, g)
		if g.Command == nil {
			c.Command = r.started(s, g)
		}
	}
	r.sensible(g)
	return c
}

// sensible reports what of a check would never be looked at.
func (r *resolver) sensible(g *definition.Check) {
	if g.Command == nil && g.Files == nil && g.Serves == nil && !g.Partial {
		r.report(g.Range, fmt.Sprintf("Check %q asks nothing", g.Name.Value),
			`Give it a command, files, or serves, for example command = ["node", "--version"].`)
		return
	}
	of := map[string]*hcl.Range{}
	for name, expr := range map[string]hcl.Expression{"stdout": g.Stdout, "stderr": g.Stderr} {
		if expr != nil {
			of[name] = expr.Range().Ptr()
		}
	}
	if g.Exit != nil {
		of["exit"] = &g.Exit.Range
	}
	if g.Environment != nil && g.Command == nil && g.Serves == nil {
		of["environment"] = &g.Environment.Range
	}
	for name, at := range of {
		switch {
		case g.Serves != nil:
			r.report(*at, fmt.Sprintf("A server has no %s", name),
				"It is asked while it runs. Ask of a command that ends in a check of its own.")
		case g.Command == nil && !g.Partial:
			r.report(*at, fmt.Sprintf("%s without a command", name),
				`Give the command that it is about, for example command = ["node", "--version"].`)
		}
	}
}

// pattern evaluates a regular expression; "" for none.
func (r *resolver) pattern(s *scope, expr hcl.Expression) string {
	if expr == nil {
		return ""
	}
	text, ok := r.text(s, expr)
	if !ok {
		return ""
	}
	if err := check.Pattern(text); err != nil {
		r.report(
			expr.Range(),
			fmt.Sprintf("Invalid pattern %q", text),
			fmt.Sprintf(
				`It is a regular expression of RE2 that matches some texts and not others, for example "^v22\\."; "^$" is nothing (%v).`,
				err,
			),
		)
	}
	return text
}

func (r *resolver) command(s *scope, list *definition.List) []string {
	var words []string
	for _, e := range r.words(s, list) {
		r.noNUL(e)
		words = append(words, e.value)
	}
	if len(list.Items) == 0 || len(words) > 0 && words[0] == "" {
		r.report(list.Range, "No command", `List a program and its arguments, for example ["node", "--version"].`)
	}
	return words
}

func (r *resolver) environment(s *scope, given *definition.Map) map[string]string {
	entries := r.merged(s, given)
	for _, e := range entries {
		r.noNUL(e)
		if !environmentName.MatchString(e.key.Value) {
			r.report(e.key.Range, fmt.Sprintf("Invalid variable %q", e.key.Value),
				"Its name has letters, digits and underscores, and does not start with a digit.")
		}
	}
	return toMap(entries)
}

// noNUL refuses what no program can be given.
func (r *resolver) noNUL(e entry) {
	if strings.Contains(e.value, "\x00") {
		r.report(e.at, "A word of a command has a NUL byte", "No program can be given it. Remove it.")
	}
}

func (r *resolver) within(n definition.Int, what string, least, most int) {
	if n.Value < least || n.Value > most {
		r.report(n.Range, fmt.Sprintf("Invalid %s %d", what, n.Value), fmt.Sprintf("It is from %d to %d.", least, most))
	}
}

func (r *resolver) checkedFiles(s *scope, given *definition.Files) []check.File {
	var all []check.File
	for _, g := range given.Items {
		f := check.File{
			Path:    g.Path.Value,
			Absent:  g.Exists != nil && !g.Exists.Value,
			Content: r.pattern(s, g.Content),
		}
		if !path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || strings.Contains(f.Path, "\x00") {
			r.report(g.Path.Range, fmt.Sprintf("Invalid path %q", f.Path),
				`Write it from the root of the image, for example "/usr/bin/node".`)
		}
		if g.Mode != nil {
			f.Mode = g.Mode.Value
			if !fileMode.MatchString(f.Mode) {
				r.report(
					g.Mode.Range,
					fmt.Sprintf("Invalid mode %q", f.Mode),
					`Write three or four octal digits, for example "0755".`,
				)
			}
		}
		if g.Owner != nil {
			f.Owner = g.Owner.Value
			if !fileOwner.MatchString(f.Owner) {
				r.report(g.Owner.Range, fmt.Sprintf("Invalid owner %q", f.Owner),
					`Write a user, or a user and a group, by name or number: "root", "1000:1000".`)
			}
		}
		if f.Absent && (g.Mode != nil || g.Owner != nil || g.Content != nil) {
			r.report(g.Path.Range, fmt.Sprintf("%s is not to exist, and to be something", f.Path),
				"Remove exists = false, or the other attributes.")
		}
		all = append(all, f)
	}
	if len(all) == 0 {
		r.report(given.Range, "No files",
			`Name at least one, for example { "/usr/bin/node" = { mode = "0755" } }.`)
	}
	return all
}

func (r *resolver) serves(s *scope, of *definition.Check) *check.Serves {
	g := of.Serves
	serves := &check.Serves{Path: "/", Status: 200, Within: defaultWithin, Body: r.pattern(s, g.Body)}
	if g.Port != nil {
		serves.Port = g.Port.Value
		r.within(*g.Port, "port", 1, 65535)
	} else if !of.Partial {
		r.report(g.Range, fmt.Sprintf("The server of check %q has no port", of.Name.Value),
			"Give the one that it listens on, for example port = 8080.")
	}
	if g.Path != nil {
		if text, ok := r.text(s, g.Path); ok {
			serves.Path = text
			if !strings.HasPrefix(text, "/") ||
				strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' }) {
				r.report(
					g.Path.Range(),
					fmt.Sprintf("Invalid path %q", text),
					`It starts with a slash and has no spaces, for example "/health?full=1".`,
				)
			}
		}
	}
	if g.Status != nil {
		serves.Status = g.Status.Value
		r.within(*g.Status, "status", 200, 599)
	}
	if g.Within != nil {
		d, err := time.ParseDuration(g.Within.Value)
		if err != nil || d <= 0 || d > maxWithin {
			r.report(
				g.Within.Range,
				fmt.Sprintf("Invalid time %q", g.Within.Value),
				fmt.Sprintf(`Write for example "30s" or "2m", %v at most.`, maxWithin),
			)
			return serves
		}
		serves.Within = d
	}
	return serves
}

// started is what an image starts with.
func (r *resolver) started(s *scope, g *definition.Check) []string {
	command := s.version.Start()
	known := s.version.Remote() || s.file != nil && !s.diags.HasErrors()
	if len(command) == 0 && known && !s.partial {
		r.report(
			g.Serves.Range,
			fmt.Sprintf("What %s starts with is not known", s.version.ID),
			"Neither its Dockerfile nor that of an image of this repository that it is built on has ENTRYPOINT or CMD. Give the check a command.",
		)
	}
	return command
}
