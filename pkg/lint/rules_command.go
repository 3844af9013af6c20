package lint

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
)

// scriptMissing says why a script is not in its place.
func (s *subject) scriptMissing(name string) []finding {
	target := path.Join(contract.SourceDir, name)
	if s.image.files[target] != nil || s.image.unknownAt(target) {
		return nil
	}
	at := s.image.from
	for _, other := range slices.Sorted(maps.Keys(s.image.files)) {
		if path.Base(other) == name && other != target {
			return []finding{{
				at: at, summary: fmt.Sprintf("%s is copied to %s, not to %s", name, other, contract.SourceDir),
				fix: fmt.Sprintf("COPY it to %s.", contract.SourceDir),
			}}
		}
	}
	if s.has(s.version.Context, name) {
		return []finding{{
			at: at, summary: fmt.Sprintf("%s is not copied to %s", name, contract.SourceDir),
			fix: fmt.Sprintf("COPY --chmod=0755 %s %s/.", name, contract.SourceDir),
		}}
	}
	return []finding{{at: at, summary: fmt.Sprintf("There is no %s", name)}}
}

func buildScript(s *subject) []finding {
	if s.version.Runtime.Kind == catalogue.Base {
		return nil
	}
	return s.scriptMissing("build.sh")
}

func launchScript(s *subject) []finding {
	if !s.version.Launches() {
		return nil
	}
	found := s.scriptMissing("launch.sh")
	if s.version.Runtime.Kind == catalogue.Compiled {
		for i := range found {
			found[i].fix = `Name the base that runs what this image makes, for example run = base.debian["12"]. ` +
				"Or, to have the image run it, COPY a launch.sh to " + contract.SourceDir + "."
		}
	}
	return found
}

func launchScriptUnused(s *subject) []finding {
	name := path.Join(s.version.Context, "launch.sh")
	if s.version.Launches() || !s.has(s.version.Context, "launch.sh") {
		return nil
	}
	return []finding{{
		at:      s.text(name).lines(1, 1),
		summary: fmt.Sprintf("%s is run by another image, and has a launch.sh", s.version.Runtime.Key),
	}}
}

// wanted are the scripts that an image of the kind has.
func (s *subject) wanted() []string {
	switch {
	case s.version.Runtime.Kind == catalogue.Base:
		return []string{"launch.sh"}
	case !s.version.Launches():
		return []string{"build.sh"}
	}
	return []string{"build.sh", "launch.sh"}
}

func (s *subject) scriptsWith(bit execBit, summary string) []finding {
	var found []finding
	for _, name := range s.wanted() {
		if f := s.image.files[path.Join(contract.SourceDir, name)]; f != nil && f.exec == bit {
			found = append(found, finding{at: f.at, summary: fmt.Sprintf(summary, name), origin: f.source})
		}
	}
	return found
}

func executableScripts(s *subject) []finding {
	return s.scriptsWith(notExecutable, "%s is not executable in the image")
}

func scriptMode(s *subject) []finding {
	return s.scriptsWith(byCheckout, "%s is executable only because it is in this checkout")
}

var (
	launchCommand = []string{contract.LaunchScript}
	buildCommand  = []string{"tail", "-f", "/dev/null"}
)

// list is the words of a command, also when it is written for a shell.
func (c *command) list() []string {
	if !c.shell {
		return c.words
	}
	return strings.Fields(strings.TrimPrefix(strings.Join(c.words, " "), "exec "))
}

func (s *subject) wantedCommand() (want, other []string) {
	if !s.version.Launches() {
		return buildCommand, launchCommand
	}
	return launchCommand, buildCommand
}

func startCommand(s *subject) []finding {
	want, other := s.wantedCommand()
	quoted := make([]string, len(want))
	for i, w := range want {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	fix := fmt.Sprintf("CMD [%s].", strings.Join(quoted, ", "))
	cmd := s.image.cmd
	switch {
	case cmd == nil:
		return []finding{{at: s.image.from, summary: "The image has no CMD", fix: fix}}
	case slices.Equal(cmd.list(), want):
		return nil
	case slices.Equal(cmd.list(), other) && s.version.Runtime.Kind != catalogue.Base:
		return []finding{s.otherCommand(cmd, fix)}
	}
	return []finding{{at: cmd.at, summary: fmt.Sprintf("CMD is %s", strings.Join(cmd.list(), " ")), fix: fix}}
}

// otherCommand is a command that fits another definition.
func (s *subject) otherCommand(cmd *command, fix string) finding {
	kind := s.version.Runtime.Kind
	f := finding{at: cmd.at, detail: fmt.Sprintf("%s says kind = %q.", definitionFile(s.version), kind), fix: "Correct one of the two: " + fix}
	switch {
	case kind == catalogue.Interpreted:
		f.summary = "CMD is that of a compiled runtime"
	case s.version.Launches():
		f.summary = "CMD is that of a runtime which another image runs"
		f.detail = fmt.Sprintf("%s names no image with run.", definitionFile(s.version))
	default:
		f.summary = "CMD is that of an interpreted runtime"
	}
	return f
}

func commandForm(s *subject) []finding {
	if cmd := s.image.cmd; cmd != nil && cmd.shell {
		return []finding{{at: cmd.at, summary: "CMD is run by a shell"}}
	}
	return nil
}

func noEntrypoint(s *subject) []finding {
	if e := s.image.entrypoint; e != nil && len(e.words) > 0 {
		return []finding{{at: e.at, summary: "The image has an ENTRYPOINT"}}
	}
	return nil
}

func expose(s *subject) []finding {
	img := s.image
	if !s.version.Launches() {
		return nil
	}
	has := slices.ContainsFunc(img.ports, func(p string) bool {
		return strings.TrimSuffix(p, "/tcp") == strconv.Itoa(contract.Port) || strings.Contains(p, "$")
	})
	switch {
	case has:
		return nil
	case len(img.ports) == 0:
		return []finding{{at: img.from, summary: fmt.Sprintf("The image does not expose port %d", contract.Port)}}
	}
	return []finding{{
		at: img.portsAt, summary: fmt.Sprintf("The image exposes %s, not %d", list(img.ports), contract.Port),
	}}
}
