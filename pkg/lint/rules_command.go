package lint

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
)

func scriptPlaceRules() []Rule {
	return []Rule{
		{
			"build-script", 1, Error, Error,
			"A runtime has build.sh in /usr/local/src", "The executor runs it there when a function is deployed.",
			"Write build.sh beside the Dockerfile, and COPY it to /usr/local/src.", buildScript, nil,
		},
		{
			"launch-script", 1, Error, Error,
			"An interpreted runtime, and a base, has launch.sh in /usr/local/src", "The executor starts the server with it.",
			"Write launch.sh beside the Dockerfile, and COPY it to /usr/local/src.", launchScript, nil,
		},
		{
			"launch-script-unused", 1, Warning, Error,
			"A compiled runtime has no launch.sh", "That of its run image is what runs; a second one misleads.",
			"Remove it, here and in the Dockerfile.", launchScriptUnused, nil,
		},
		{
			"scripts", 6, Error, Error,
			"build.sh and launch.sh are executable in the image", "The executor runs the files, not a shell with their names.",
			"COPY --chmod=0755 them, or RUN chmod +x.", executableScripts, nil,
		},
		{
			"script-mode", 6, Warning, Warning,
			"The Dockerfile makes them executable", "Some checkouts and archives lose the mode of a file.",
			"COPY --chmod=0755 them.", scriptMode, nil,
		},
		{
			"chmod-missing", 6, Error, Error,
			"chmod names files that are there", "The build fails otherwise.",
			"Remove it, or copy the file first.", event("chmod-missing"), nil,
		},
	}
}

// scriptMissing says why a script is not in its place.
func (s *subject) scriptMissing(name string) []finding {
	target := path.Join(sources, name)
	if s.image.files[target] != nil || s.image.unknownAt(target) {
		return nil
	}
	at := s.image.from
	for _, other := range slices.Sorted(maps.Keys(s.image.files)) {
		if path.Base(other) == name && other != target {
			return []finding{{at: at, summary: fmt.Sprintf("%s is copied to %s, not to %s", name, other, sources), mend: fmt.Sprintf("COPY it to %s.", sources)}}
		}
	}
	if s.has(s.version.Context, name) {
		return []finding{{at: at, summary: fmt.Sprintf("%s is not copied to %s", name, sources), mend: fmt.Sprintf("COPY --chmod=0755 %s %s/.", name, sources)}}
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
	if s.version.Runtime.Kind == catalogue.Compiled {
		return nil
	}
	return s.scriptMissing("launch.sh")
}

func launchScriptUnused(s *subject) []finding {
	name := path.Join(s.version.Context, "launch.sh")
	if s.version.Runtime.Kind != catalogue.Compiled || !s.has(s.version.Context, "launch.sh") {
		return nil
	}
	return []finding{{at: s.text(name).lines(1, 1), summary: fmt.Sprintf("%s is compiled, and has a launch.sh", s.version.Runtime.Key)}}
}

// wanted are the scripts that an image of the kind has.
func (s *subject) wanted() []string {
	switch s.version.Runtime.Kind {
	case catalogue.Base:
		return []string{"launch.sh"}
	case catalogue.Compiled:
		return []string{"build.sh"}
	}
	return []string{"build.sh", "launch.sh"}
}

func (s *subject) scriptsWith(bit execBit, summary string) []finding {
	var found []finding
	for _, name := range s.wanted() {
		if f := s.image.files[path.Join(sources, name)]; f != nil && f.exec == bit {
			found = append(found, finding{at: f.at, summary: fmt.Sprintf(summary, name)})
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

func commandRules() []Rule {
	return []Rule{
		{
			"command", 7, Error, Error,
			"CMD is launch.sh, or of a compiled runtime tail -f /dev/null", "Platforms that do not override the command start the server by it, and build in a container that stays.",
			`CMD ["/usr/local/src/launch.sh"], or CMD ["tail", "-f", "/dev/null"] if it is compiled.`, startCommand, nil,
		},
		{
			"command-form", 7, Warning, Error,
			"CMD is a list in brackets", "Otherwise a shell is process 1, and the server gets no signals.",
			"Write it as a list in brackets.", commandForm, nil,
		},
		{
			"no-entrypoint", 7, Error, Error,
			"There is no ENTRYPOINT", "The executor gives the command; an entry point would get it as arguments.",
			"Remove it, and write CMD.", noEntrypoint, nil,
		},
		{
			"expose", 14, Off, Warning,
			"An image that serves says EXPOSE 3000", "Tools and people see the port there.",
			"EXPOSE 3000.", expose, nil,
		},
	}
}

var (
	launchCommand = []string{path.Join(sources, "launch.sh")}
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
	if s.version.Runtime.Kind == catalogue.Compiled {
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
	mend := fmt.Sprintf("CMD [%s].", strings.Join(quoted, ", "))
	cmd := s.image.cmd
	switch {
	case cmd == nil:
		return []finding{{at: s.image.from, summary: "The image has no CMD", mend: mend}}
	case slices.Equal(cmd.list(), want):
		return nil
	case slices.Equal(cmd.list(), other) && s.version.Runtime.Kind != catalogue.Base:
		kinds := map[catalogue.Kind]string{catalogue.Interpreted: "a compiled", catalogue.Compiled: "an interpreted"}
		kind := s.version.Runtime.Kind
		return []finding{{
			at: cmd.at, summary: fmt.Sprintf("CMD is that of %s runtime", kinds[kind]),
			detail: fmt.Sprintf("%s says kind = %q.", definitionFile(s.version), kind), mend: "Correct one of the two: " + mend,
		}}
	}
	return []finding{{at: cmd.at, summary: fmt.Sprintf("CMD is %s", strings.Join(cmd.list(), " ")), mend: mend}}
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
	if s.version.Runtime.Kind == catalogue.Compiled {
		return nil
	}
	has := slices.ContainsFunc(img.ports, func(p string) bool { return strings.TrimSuffix(p, "/tcp") == port || strings.Contains(p, "$") })
	switch {
	case has:
		return nil
	case len(img.ports) == 0:
		return []finding{{at: img.from, summary: "The image does not expose port 3000"}}
	}
	return []finding{{at: img.portsAt, summary: fmt.Sprintf("The image exposes %s, not 3000", list(img.ports))}}
}
