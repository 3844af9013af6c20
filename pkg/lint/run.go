package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/shell"
)

// run follows the commands of a RUN, all branches.
func (l *linter) run(img *image, s *dockerfile.Step, cmd *instructions.RunCommand) {
	var calls []shell.Call
	if !cmd.PrependShell && len(cmd.Files) == 0 {
		call := shell.Call{Range: s.Range}
		for _, w := range cmd.CmdLine {
			call.Words = append(call.Words, shell.Word{Text: w, Known: true})
		}
		calls = append(calls, call)
		if len(cmd.CmdLine) == 3 && cmd.CmdLine[1] == "-c" && strings.HasSuffix(cmd.CmdLine[0], "sh") {
			calls = img.shellCalls(s, cmd.CmdLine[2], path.Base(cmd.CmdLine[0]))
		}
	} else {
		text, interpreter := strings.Join(cmd.CmdLine, " "), "sh"
		if len(s.Shell) > 0 {
			interpreter = path.Base(s.Shell[0])
		}
		if fields := strings.Fields(text); len(cmd.Files) > 0 && len(fields) > 0 && strings.HasPrefix(fields[0], "<<") {
			text = cmd.Files[0].Data
			if len(fields) > 1 { // RUN <<EOF bash
				interpreter = path.Base(fields[1])
			}
		}
		calls = img.shellCalls(s, text, interpreter)
	}
	img.architecture(s, strings.Join(cmd.CmdLine, " "))
	workdir := s.Workdir
	for i := range calls {
		img.call(s, &calls[i], &workdir)
	}
}

// architecture notes a RUN that names one although there are several.
func (img *image) architecture(s *dockerfile.Step, text string) {
	at := architecture.FindString(text)
	asks := func(word string) bool { return strings.Contains(text, word) }
	if at == "" || len(img.version.Platforms) < 2 ||
		slices.ContainsFunc([]string{"uname", "TARGET", "dpkg --print-architecture", "apk --print-arch", "case "},
			asks) {
		return
	}
	img.event("run-arch", finding{
		at: s.Range, summary: fmt.Sprintf("RUN names the architecture %s", at),
		detail: fmt.Sprintf("The image is built for %s.", list(img.version.Platforms)),
	})
}

// shellCalls reads the commands of a shell, and notes what is wrong with them.
func (img *image) shellCalls(s *dockerfile.Step, text, interpreter string) []shell.Call {
	if !slices.Contains([]string{"sh", "ash", "dash", "bash"}, interpreter) {
		return nil
	}
	script, problem := shell.Parse(s.Range.Filename, []byte(text))
	if problem != nil {
		img.event("run-syntax", finding{at: s.Range, summary: "RUN cannot be parsed", detail: problem.Detail})
		return nil
	}
	if script.Interpreter != "" {
		interpreter = script.Shell()
	}
	if interpreter != "bash" {
		for _, b := range script.Bashisms() {
			img.event("run-bashism", bashismFinding(img, b, s.Range))
		}
	}
	return script.Calls(s.Lookup)
}

// bashismFinding says what the image's sh does not know.
func bashismFinding(img *image, b shell.Bashism, at hcl.Range) finding {
	f := finding{at: at, summary: fmt.Sprintf("sh does not know %s", b.What), fix: b.Mend}
	switch img.family {
	case busybox:
		f.detail = "The sh of Alpine has no such thing."
		if b.BusyBox {
			f.soft, f.detail = true, "The sh of Alpine knows it; that of Debian does not."
		}
	case debian:
		f.detail = "The sh of Debian is dash."
	default:
		f.detail, f.soft = "Which sh the image has is not known here.", b.BusyBox
	}
	return f
}

// call does what one command does to the image.
func (img *image) call(s *dockerfile.Step, c *shell.Call, workdir *string) {
	words := c.Words
	for len(words) > 0 && slices.Contains([]string{"sudo", "exec", "command", "busybox", "time", "nice"},
		words[0].Text) {
		words = words[1:]
	}
	at := func(name string) string {
		if path.IsAbs(name) {
			return path.Clean(name)
		}
		return path.Join("/", *workdir, name)
	}
	for _, w := range c.Writes {
		img.opaque = append(img.opaque, at(w.Text))
	}
	if len(words) == 0 {
		return
	}
	name, args := path.Base(words[0].Text), words[1:]
	reported := slices.ContainsFunc(img.events["root-needed"], func(f finding) bool { return f.at == s.Range })
	if slices.Contains(rootTools, name) && img.who(s) != "root:root" && !reported {
		img.event("root-needed", finding{
			at:      s.Range,
			summary: fmt.Sprintf("%s runs as %s, and needs root", name, s.User), detail: "USER stands above it.",
		})
	}
	switch name {
	case "cd":
		if len(args) > 0 {
			*workdir = at(args[0].Text)
		}
	case "mkdir":
		_, names := options(args, "m", "mode")
		for _, n := range names {
			img.makeDir(at(n.Text), img.who(s), s.Range)
		}
	case "install":
		img.install(s, args, at)
	case "rm", "rmdir":
		_, names := options(args, "")
		for _, n := range names {
			img.removeDir(at(n.Text))
		}
	case "chown":
		img.chown(s, args, at)
	case "chmod":
		img.chmod(s, args, at)
	case "groupadd", "addgroup", "useradd", "adduser", "usermod", "groupmod":
		img.accounts(s, name, args)
	case "apk", "apt-get", "apt":
		for _, a := range args {
			img.installed = append(img.installed, a.Text)
		}
	case "cp", "mv", "ln", "rsync":
		if _, names := options(args, "t"); len(names) > 0 {
			img.opaque = append(img.opaque, at(names[len(names)-1].Text))
		}
	}
}

// rootTools fail without root.
var rootTools = []string{"chown", "groupadd", "useradd", "addgroup", "adduser", "usermod", "groupmod", "apt-get", "apk"}

// options sorts words into options with their values, and names. Letters in
// short, and the words in long, take a value.
func options(args []shell.Word, short string, long ...string) (map[string]shell.Word, []shell.Word) {
	given := map[string]shell.Word{}
	var names []shell.Word
	for i := 0; i < len(args); i++ {
		a := args[i]
		text := a.Text
		switch {
		case strings.HasPrefix(text, "--") && len(text) > 2:
			name, value, has := strings.Cut(text[2:], "=")
			given[name] = shell.Word{Text: value, Known: a.Known}
			if !has && slices.Contains(long, name) && i+1 < len(args) {
				i++
				given[name] = args[i]
			}
		case strings.HasPrefix(text, "-") && len(text) > 1 && text != "--":
			for j := 1; j < len(text); j++ {
				letter := text[j : j+1]
				given[letter] = shell.Word{Known: true}
				if !strings.Contains(short, letter) {
					continue
				}
				if j+1 < len(text) {
					given[letter] = shell.Word{Text: text[j+1:], Known: a.Known}
				} else if i+1 < len(args) {
					i++
					given[letter] = args[i]
				}
				break
			}
		case text != "--":
			names = append(names, a)
		}
	}
	return given, names
}

// install follows install -d, which makes folders with an owner.
func (img *image) install(s *dockerfile.Step, args []shell.Word, at func(string) string) {
	given, names := options(args, "omgt", "owner", "mode", "group", "target-directory")
	_, short := given["d"]
	_, long := given["directory"]
	if !short && !long {
		if len(names) > 0 {
			img.opaque = append(img.opaque, at(names[len(names)-1].Text))
		}
		return
	}
	value := func(a, b string) string {
		if w, found := given[a]; found {
			return w.Text
		}
		return given[b].Text
	}
	owner := img.who(s)
	if user, group := value("o", "owner"), value("g", "group"); user != "" || group != "" {
		if user == "" {
			user = "root"
		}
		if group == "" {
			group = "root"
		}
		owner = img.ownerName(user+":"+group, false)
	}
	for _, n := range names {
		dir := at(n.Text)
		img.makeDir(dir, owner, s.Range)
		if f := img.own[dir]; f != nil {
			f.owner, f.owned, f.at = owner, true, s.Range
		}
	}
}

// chown gives folders away.
func (img *image) chown(s *dockerfile.Step, args []shell.Word, at func(string) string) {
	given, names := options(args, "", "from", "reference")
	_, short := given["R"]
	_, long := given["recursive"]
	all := short || long
	if len(names) < 2 {
		return
	}
	owner := img.ownerName(names[0].Text, false)
	if !names[0].Known {
		owner = contract.User + ":" + contract.User // taken to be meant
	}
	for _, n := range names[1:] {
		target := at(n.Text)
		for _, dir := range contract.Dirs() {
			f := img.own[dir]
			covered := dir == target || all && within(dir, target)
			if f == nil || !covered {
				continue
			}
			f.owner, f.owned, f.at = owner, true, s.Range
			if all {
				f.late = nil
			}
		}
	}
}

// chmod makes files executable, or takes that away.
func (img *image) chmod(s *dockerfile.Step, args []shell.Word, at func(string) string) {
	var all bool
	var rest []shell.Word
	for _, a := range args { // modes may start with a dash
		if a.Text == "-R" || a.Text == "--recursive" {
			all = true
		} else if !slices.Contains([]string{"-f", "-v", "-c"}, a.Text) {
			rest = append(rest, a)
		}
	}
	if len(rest) < 2 {
		return
	}
	exec, known := modeExecutes(rest[0].Text)
	for _, n := range rest[1:] {
		target, found := at(n.Text), false
		for name, f := range img.files {
			hit, err := path.Match(target, name)
			if covered := hit || name == target || all && within(name, target); err != nil || !covered {
				continue
			}
			found = true
			if known {
				f.exec = map[bool]execBit{true: byDockerfile, false: notExecutable}[exec]
			}
		}
		if !found && strings.HasSuffix(target, ".sh") && n.Known && within(target, contract.SourceDir) &&
			!img.unknownAt(target) {
			img.event("chmod-missing", finding{
				at:      s.Range,
				summary: fmt.Sprintf("chmod of %s, which is not there", target),
			})
		}
	}
}
