package lint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/shell"
)

// Fixed is a file as it is mended.
type Fixed struct {
	Path       string
	Content    []byte
	Executable bool // its mode has to say so
	Findings   int  // that are mended
}

// edit replaces a part of a file. Of an executable nothing but the mode changes.
type edit struct {
	file       string
	from, to   int
	text       string
	executable bool
}

// fixer mends a finding in the file that it is in, where there is one sure way.
type fixer func(d *hcl.Diagnostic, src []byte) (edit, bool)

// fixers are those of the rules whose findings a program can mend.
func fixers() map[string]fixer {
	return map[string]fixer{
		"script-shebang":              fixShebang,
		"script-errexit":              fixErrexit,
		"script-line-ends":            fixLineEnds,
		"launch-exec":                 fixExec,
		"command-form":                fixCommandForm,
		"scripts":                     fixMode,
		"script-mode":                 fixMode,
		"owner-order":                 fixOwner,
		"ConsistentInstructionCasing": fixCasing,
		"FromAsCasing":                fixAs,
	}
}

// Fixable lists the rules whose findings a program can mend, where there is one sure
// way.
func Fixable() []string {
	var ids []string
	for _, r := range Rules() {
		if fixers()[r.ID] != nil {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// fix mends what of some findings has one sure way, in files that may be changed.
func fix(diags hcl.Diagnostics, fsys fs.FS, may func(string) bool) []Fixed {
	byFile := map[string][]edit{}
	sources := map[string][]byte{}
	read := func(name string) []byte {
		if src, known := sources[name]; known {
			return src
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil || !may(name) || len(src) > maxText {
			src = nil
		}
		sources[name] = src
		return src
	}
	all := fixers()
	for _, d := range diags {
		mend := all[diag.RuleOf(d).ID]
		if mend == nil || d.Subject == nil {
			continue
		}
		src := read(d.Subject.Filename)
		if src == nil || d.Subject.End.Byte > len(src) {
			continue
		}
		e, ok := mend(d, src)
		if e.file == "" {
			e.file = d.Subject.Filename
		}
		if ok && read(e.file) != nil {
			byFile[e.file] = append(byFile[e.file], e)
		}
	}
	var fixed []Fixed
	for name, edits := range byFile {
		fixed = append(fixed, apply(name, sources[name], edits))
	}
	slices.SortFunc(fixed, func(a, b Fixed) int { return cmp.Compare(a.Path, b.Path) })
	return fixed
}

// maxRounds is how often findings are looked for anew: those of one place are mended
// one at a time.
const maxRounds = 8

// Mend mends what it can of what a check finds, until that is nothing. over is a
// file system with files laid over it.
func Mend(fsys fs.FS, check func(fs.FS) (hcl.Diagnostics, error), over func(fs.FS, []Fixed) fs.FS) ([]Fixed, error) {
	mended := map[string]Fixed{}
	for range maxRounds {
		all := slices.SortedFunc(maps.Values(mended), func(a, b Fixed) int { return cmp.Compare(a.Path, b.Path) })
		now := over(fsys, all)
		diags, err := check(now)
		if err != nil {
			return nil, err
		}
		more := fix(diags, now, func(name string) bool { return regular(fsys, name) })
		if len(more) == 0 {
			return all, nil
		}
		for _, f := range more {
			before := mended[f.Path]
			f.Findings, f.Executable = f.Findings+before.Findings, f.Executable || before.Executable
			mended[f.Path] = f
		}
	}
	return nil, fmt.Errorf("findings come back after %d rounds of mending", maxRounds)
}

// regular reports a file that is no link: what a link leads to is not mended through
// it.
func regular(fsys fs.FS, name string) bool {
	info, err := fs.Lstat(fsys, name)
	return err == nil && info.Mode().IsRegular()
}

// apply makes edits that do not touch one another.
func apply(name string, src []byte, edits []edit) Fixed {
	f := Fixed{Path: name}
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	at, last := 0, -1
	for _, e := range edits {
		if e.executable {
			f.Executable = true
			f.Findings++
			continue
		}
		if e.from < at || e.from == last {
			continue
		}
		f.Content = append(append(f.Content, src[at:e.from]...), e.text...)
		at, last = e.to, e.from
		f.Findings++
	}
	f.Content = append(f.Content, src[at:]...)
	return f
}

// insert is an edit that takes nothing away.
func insert(at int, text string) edit { return edit{from: at, to: at, text: text} }

// lineEnd is how the lines of a file end.
func lineEnd(src []byte) string {
	if bytes.Contains(src, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// parsed is a script that can be read as a whole.
func parsed(d *hcl.Diagnostic, src []byte) (*shell.Script, bool) {
	script, problem := shell.Parse(d.Subject.Filename, src)
	return script, problem == nil
}

// fixShebang names sh where a script has nothing that only bash knows.
func fixShebang(d *hcl.Diagnostic, src []byte) (edit, bool) {
	script, ok := parsed(d, src)
	if !ok || len(script.Bashisms()) > 0 || bytes.HasPrefix(src, []byte("#!")) || bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		return edit{}, false
	}
	return insert(0, "#!/bin/sh"+lineEnd(src)), true
}

// fixErrexit writes set -e above all commands, unless a script says that it goes on
// after errors, or asks what became of a command.
func fixErrexit(d *hcl.Diagnostic, src []byte) (edit, bool) {
	script, ok := parsed(d, src)
	if !ok || script.ToleratesErrors() || bytes.Contains(src, []byte("$?")) {
		return edit{}, false
	}
	if yes, late := script.StopsAtErrors(); yes || late != nil {
		return edit{}, false
	}
	at := 0
	if bytes.HasPrefix(src, []byte("#!")) {
		end := bytes.IndexByte(src, '\n')
		if end < 0 {
			return edit{}, false
		}
		at = end + 1
	}
	return insert(at, "set -e"+lineEnd(src)), true
}

func fixLineEnds(_ *hcl.Diagnostic, src []byte) (edit, bool) {
	return edit{to: len(src), text: strings.ReplaceAll(string(src), "\r\n", "\n")}, true
}

// fixExec writes exec in front of the last command, unless a trap waits for its end.
func fixExec(d *hcl.Diagnostic, src []byte) (edit, bool) {
	script, ok := parsed(d, src)
	if !ok || script.Traps() {
		return edit{}, false
	}
	at, ok := script.ExecPlace()
	return insert(at, "exec "), ok
}

// keyword finds the instruction that a place of a Dockerfile begins with.
var keyword = regexp.MustCompile(`^[ \t]*([A-Za-z]+)`)

// instruction is the text of an instruction and where its keyword is; false where
// the place begins with something else.
func instruction(d *hcl.Diagnostic, src []byte, names ...string) (from, to int, text string, ok bool) {
	text = string(src[d.Subject.Start.Byte:d.Subject.End.Byte])
	m := keyword.FindStringSubmatchIndex(text)
	if len(m) == 0 {
		return 0, 0, "", false
	}
	if len(names) > 0 && !slices.Contains(names, strings.ToUpper(text[m[2]:m[3]])) {
		return 0, 0, "", false
	}
	return d.Subject.Start.Byte + m[2], d.Subject.Start.Byte + m[3], text[m[3]:], true
}

// fixCommandForm writes a command as a list whose words a shell would take as they
// stand.
func fixCommandForm(d *hcl.Diagnostic, src []byte) (edit, bool) {
	_, to, text, ok := instruction(d, src, "CMD")
	if !ok || strings.Contains(text, "\n") {
		return edit{}, false
	}
	words := shell.PlainWords(strings.TrimRight(text, "\r"))
	if len(words) > 1 && words[0] == "exec" {
		words = words[1:]
	}
	if len(words) == 0 || !shell.Program(words[0]) {
		return edit{}, false
	}
	var quoted []string
	for _, w := range words {
		q, err := json.Marshal(w)
		if err != nil {
			return edit{}, false
		}
		quoted = append(quoted, string(q))
	}
	return edit{from: to, to: to + len(strings.TrimRight(text, " \t\r")), text: " [" + strings.Join(quoted, ", ") + "]"}, true
}

// fixMode makes scripts executable: by COPY where it takes nothing else, or else by
// the mode of the file where that is what is wrong.
func fixMode(d *hcl.Diagnostic, src []byte) (edit, bool) {
	_, to, text, ok := instruction(d, src, "COPY", "ADD")
	if !ok || hasFlag(text, "chmod") {
		return edit{}, false
	}
	if copiesScripts(text) {
		return insert(to, " --chmod=0755"), true
	}
	origin, known := hcl.DiagnosticExtra[origin](d)
	if !known || diag.RuleOf(d).ID != "scripts" {
		return edit{}, false
	}
	return edit{file: origin.file, executable: true}, true
}

// hasFlag reports a flag of an instruction.
func hasFlag(text, name string) bool {
	for field := range strings.FieldsSeq(text) {
		if strings.HasPrefix(field, "--"+name+"=") {
			return true
		}
	}
	return false
}

// copiesScripts reports a COPY on one line of nothing but scripts, as words.
func copiesScripts(text string) bool {
	var names []string
	for field := range strings.FieldsSeq(text) {
		if !strings.HasPrefix(field, "--") {
			names = append(names, field)
		}
	}
	if len(names) < 2 || strings.ContainsAny(text, "\"'[\\`<\n") {
		return false
	}
	return !slices.ContainsFunc(names[:len(names)-1], func(n string) bool { return !strings.HasSuffix(n, ".sh") })
}

// fixOwner gives what is copied to the owner of the folder.
func fixOwner(d *hcl.Diagnostic, src []byte) (edit, bool) {
	_, to, text, ok := instruction(d, src, "COPY", "ADD")
	const owner = contract.User + ":" + contract.User
	fields := strings.Fields(text)
	if !ok || hasFlag(text, "chown") || !strings.HasSuffix(d.Summary, " to "+owner) || len(fields) < 2 {
		return edit{}, false
	}
	dest := strings.Trim(fields[len(fields)-1], `"],`)
	own := func(dir string) bool { return within(path.Clean(dest), dir) }
	if path.IsAbs(dest) && !slices.ContainsFunc(contract.Dirs(), own) { // folders of others would be given away
		return edit{}, false
	}
	return insert(to, " --chown="+owner), true
}

var (
	wantedCase = regexp.MustCompile(`\((uppercase|lowercase)\)$`)
	asKeyword  = regexp.MustCompile(`(?i)[ \t]+(as)[ \t]+\S+[ \t\r]*$`)
)

// fixCasing writes an instruction as most are written.
func fixCasing(d *hcl.Diagnostic, src []byte) (edit, bool) {
	from, to, _, ok := instruction(d, src)
	want := wantedCase.FindStringSubmatch(d.Summary)
	if !ok || want == nil {
		return edit{}, false
	}
	text := strings.ToUpper(string(src[from:to]))
	if want[1] == "lowercase" {
		text = strings.ToLower(text)
	}
	return edit{from: from, to: to, text: text}, true
}

// fixAs writes "as" in the case of its FROM.
func fixAs(d *hcl.Diagnostic, src []byte) (edit, bool) {
	from, to, text, ok := instruction(d, src, "FROM")
	m := asKeyword.FindStringSubmatchIndex(text)
	if !ok || m == nil || strings.Contains(text, "\n") {
		return edit{}, false
	}
	as := "AS"
	switch name := string(src[from:to]); {
	case name == strings.ToLower(name):
		as = "as"
	case name != strings.ToUpper(name):
		return edit{}, false
	}
	return edit{from: to + m[2], to: to + m[3], text: as}, true
}

// origin is the Extra of a finding about a file that is elsewhere than its place.
type origin struct {
	diag.Rule
	file string
}

var _ hcl.DiagnosticExtraUnwrapper = origin{}

// UnwrapDiagnosticExtra implements [hcl.DiagnosticExtraUnwrapper].
func (o origin) UnwrapDiagnosticExtra() any { return o.Rule }
