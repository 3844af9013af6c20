// Package pipeline reads workflows of GitHub Actions and pipelines of GitLab: the
// images that their steps build, for each combination of a matrix. Nothing is run;
// what is known only when it runs is listed with its place.
package pipeline

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// Options are what a pipeline is read with.
type Options struct {
	// Script reads a shell script.
	Script func(fs.FS, *fact.File) *fact.Set
	// GitConfig is the configuration of git, which a worktree and a folder of a repository
	// have elsewhere; nil for .git/config.
	GitConfig []byte
}

// Named reports a file that is called as workflows, actions and pipelines are.
func Named(name string) bool {
	ext := path.Ext(name)
	if ext != ".yml" && ext != ".yaml" {
		return false
	}
	base := strings.TrimSuffix(path.Base(name), ext)
	dir := "/" + path.Dir(name) + "/"
	return strings.HasSuffix(base, ".gitlab-ci") || strings.Contains(dir, "/.github/workflows/") || strings.Contains(dir, "/.gitlab/")
}

// gitlab reports a pipeline of GitLab.
func gitlab(name string) bool { return !strings.Contains("/"+name, "/.github/") }

// reader reads a file of a pipeline: its own, or one that it calls.
type reader struct {
	*state
	*document
	depth   int            // of calls
	outputs map[string]any // of jobs
}

// state is what all files of a pipeline share.
type state struct {
	*fact.Set
	fsys     fs.FS
	options  Options
	source   *fact.Source
	notes    map[string]bool // those that were noted
	whys     []string        // why marks in texts are not known
	namings  []fact.Naming   // of bake files that docker/metadata-action makes
	ignored  map[string]bool
	budget   int // nodes that may be looked at
	readings int
	bytes    int // of scripts
	expanded int // bytes of texts with expressions
	remote   remote
	digests  []*fact.Build // that are pushed by digest, and get their names later
	names    []fact.Text   // that images get besides those of their builds
}

// Read reads one pipeline of a repository.
func Read(fsys fs.FS, f *fact.File, o Options) *fact.Set {
	r := &reader{outputs: map[string]any{}, state: &state{
		Set: &fact.Set{Texts: map[string][]byte{f.Name: f.Text}}, fsys: fsys, options: o, source: &fact.Source{Name: f.Name},
		notes: map[string]bool{}, ignored: map[string]bool{}, budget: maxNodes, remote: origin(fsys, o.GitConfig),
	}}
	r.Sources = []*fact.Source{r.source}
	d, err := parse(f)
	if err != nil {
		r.Fail(fact.RuleNotUnderstood, at(f, err), fmt.Sprintf("%s is no YAML", f.Name),
			fmt.Sprintf("It is left out (%s).", strings.TrimPrefix(err.Error(), "yaml: ")))
		return r.Set
	}
	r.document = d
	if gitlab(f.Name) {
		r.gitlab()
	} else {
		r.github(r.start(), nil)
	}
	r.named()
	if r.readings > maxReadings || r.bytes > maxReadBytes || r.expanded > maxExpanded || r.budget < 0 {
		r.Fail(fact.RuleNotUnderstood, fact.Start(f.Name), "The pipeline does too much",
			"Reading it was given up. Import what it builds by other files.")
	}
	return r.Set
}

var errorLine = regexp.MustCompile(`line (\d+)`)

// at is where YAML says that something is wrong.
func at(f *fact.File, err error) hcl.Range {
	m := errorLine.FindStringSubmatch(err.Error())
	if m == nil {
		return fact.Start(f.Name)
	}
	line, _ := strconv.Atoi(m[1])
	from := 0
	for range line - 1 {
		next := strings.IndexByte(string(f.Text[from:]), '\n')
		if next < 0 {
			break
		}
		from += next + 1
	}
	return f.Span(from, from)
}

// note notes something once, however many combinations say it.
func (r *reader) note(n fact.Note) {
	key := fmt.Sprint(n.Range, n.Text)
	if !r.notes[key] {
		r.notes[key] = true
		r.Note(n)
	}
}

// fail and warn report something once.
func (r *reader) fail(rule string, at hcl.Range, summary, detail string) {
	if key := fmt.Sprint(at, summary); !r.notes[key] {
		r.notes[key] = true
		r.Fail(rule, at, summary, detail)
	}
}

func (r *reader) warn(rule string, at hcl.Range, summary, detail string) {
	if key := fmt.Sprint(at, summary); !r.notes[key] {
		r.notes[key] = true
		r.Warn(rule, at, summary, detail)
	}
}

// A value that is not known stands in texts as a mark, so that a name can be told
// from its tag.
const markStart, markEnd = "rb0unknown", "x0"

var markPattern = regexp.MustCompile(markStart + `([0-9]+)` + markEnd)

// hide makes a mark of a value that is not known.
func (r *reader) hide(why string) string {
	at := slices.Index(r.whys, why)
	if at < 0 && len(r.whys) >= maxWhys {
		at = 0
	}
	if at < 0 {
		at = len(r.whys)
		r.whys = append(r.whys, why)
	}
	return fmt.Sprintf("%s%d%s", markStart, at, markEnd)
}

// why says why a text is not known; "" if it is.
func (r *reader) why(s string) string {
	m := markPattern.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	if i, err := strconv.Atoi(m[1]); err == nil && i < len(r.whys) {
		return r.whys[i]
	}
	return ""
}

// shown is a text for people, without marks.
func (r *reader) shown(s string) string { return markPattern.ReplaceAllString(s, "…") }

// expand is the text of a node with its expressions evaluated.
func (r *reader) expand(n *yaml.Node, s scope) *mapped {
	raw := r.scalar(n)
	m := r.made()
	if !r.expands(raw.Len()) {
		m.Add(r.hide(tooMuch), fact.Mark{From: raw.Source(0)})
		return m
	}
	body := raw.String()
	at := 0 // what is before it has been copied
	for {
		open := strings.Index(body[at:], "${{")
		if open < 0 {
			break
		}
		open += at
		end := open + closing(body[open:])
		if end < open {
			break
		}
		m.Copy(raw.Made, at, open)
		value, why := text(r.evaluate(body[open+3:end], s))
		if why != "" {
			value = r.hide(why)
		}
		if m.Len()+len(value) > maxValue {
			value = r.hide(tooLong)
		}
		m.Add(value, fact.Mark{From: raw.Source(open), Until: raw.Source(end+1) + 1})
		at = end + 2
	}
	m.Copy(raw.Made, at, len(body))
	return m
}

// closing is where the braces of an expression close; -1 if they do not. Those in its
// texts do not count.
func closing(s string) int {
	quoted := false
	for i := range len(s) - 1 {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case !quoted && s[i] == '}' && s[i+1] == '}':
			return i
		}
	}
	return strings.Index(s, "}}") // a quotation mark that nothing closes
}

// object is an object of texts, evaluated.
func (r *reader) object(n *yaml.Node, s scope) map[string]any {
	all := map[string]any{}
	for _, e := range entries(n) {
		value := r.expand(e.value, s).String()
		if why := r.why(value); why != "" && markPattern.ReplaceAllString(value, "") == "" {
			all[e.key] = unknown{why}
			continue
		}
		all[e.key] = value
	}
	return all
}

// remote is where a repository is, by its configuration.
type remote struct {
	host, path string
	found      bool
}

var remoteURL = regexp.MustCompile(`(?m)^\s*url\s*=\s*(?:[a-z+]+://)?(?:[^@/\s]+@)?([A-Za-z0-9.-]+)(?::[0-9]+)?[:/]([^\s]+?)(?:\.git)?/?\s*$`)

// origin reads the address of the remote origin.
func origin(fsys fs.FS, config []byte) remote {
	if config == nil {
		config, _ = fs.ReadFile(fsys, ".git/config") // without one there is no remote
	}
	_, section, found := strings.Cut(string(config), `[remote "origin"]`)
	if !found {
		return remote{}
	}
	section, _, _ = strings.Cut(section, "\n[")
	m := remoteURL.FindStringSubmatch(section)
	if m == nil {
		return remote{}
	}
	return remote{host: m[1], path: m[2], found: true}
}
