package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
)

// eachScript makes a check of one of scripts.
func eachScript(check func(*subject, *script) []finding) func(*subject) []finding {
	return func(s *subject) []finding {
		var found []finding
		for _, script := range []*script{s.build, s.launch} {
			if script != nil {
				found = append(found, check(s, script)...)
			}
		}
		return found
	}
}

func scriptSyntax(_ *subject, script *script) []finding {
	if p := script.problem; p != nil {
		return []finding{{at: *p.Subject, summary: p.Summary, detail: p.Detail}}
	}
	return nil
}

func scriptShebang(_ *subject, script *script) []finding {
	if script.Interpreter != "" {
		return nil
	}
	return []finding{{at: script.First(), summary: "The script does not start with #!"}}
}

func scriptInterpreter(s *subject, script *script) []finding {
	interpreter := strings.TrimSuffix(script.Shell(), "\r")
	if s.image.family != busybox || interpreter != "bash" || slices.Contains(s.image.installed, "bash") {
		return nil
	}
	return []finding{{
		at: script.First(), summary: "Alpine has no bash",
		fix: "Write it for sh: #!/bin/sh; or apk add bash in the Dockerfile.",
	}}
}

func scriptLineEnds(_ *subject, script *script) []finding {
	at, found := script.WindowsLine()
	if !found {
		return nil
	}
	return []finding{{at: at, summary: "The script has line ends of Windows"}}
}

func scriptBashism(s *subject, script *script) []finding {
	if !slices.Contains([]string{"sh", "ash", "dash"}, script.Shell()) {
		return nil
	}
	var found []finding
	for _, b := range script.Bashisms() {
		found = append(found, bashismFinding(s.image, b, b.Range))
	}
	return found
}

func scriptErrexit(_ *subject, script *script) []finding {
	if script.problem != nil {
		return nil
	}
	yes, late := script.StopsAtErrors()
	switch {
	case yes:
		return nil
	case late != nil:
		return []finding{{at: *late, summary: "set -e stands below the first command"}}
	}
	return []finding{{at: script.First(), summary: "The script goes on after errors"}}
}

var architecture = regexp.MustCompile(`\b(?:x86_64|aarch64|amd64|arm64)\b`)

func scriptArch(s *subject, script *script) []finding {
	if len(s.version.Platforms) < 2 {
		return nil
	}
	for number := range script.text.offsets {
		line := script.text.line(number + 1)
		at := architecture.FindStringIndex(line)
		if at == nil || strings.HasPrefix(strings.TrimSpace(line), "#") || strings.Contains(line, "uname") ||
			caseOf.MatchString(line) {
			continue
		}
		start := script.text.offsets[number]
		return []finding{{
			at:      script.text.part(start+at[0], start+at[1]),
			summary: fmt.Sprintf("The script names the architecture %s", line[at[0]:at[1]]),
			detail:  fmt.Sprintf("The image is built for %s.", list(s.version.Platforms)),
		}}
	}
	return nil
}

// caseOf matches a branch of case, where architectures may well stand.
var caseOf = regexp.MustCompile(`^\s*\(?[\w|*" -]+\)`)

func buildCode(s *subject) []finding {
	if s.build == nil || s.build.problem != nil || s.build.mentions(contract.CodeDir) {
		return nil
	}
	return []finding{{at: s.build.First(), summary: "build.sh does not use " + contract.CodeDir}}
}

func entrypointName(s *subject) []finding {
	if s.build == nil || s.version.Runtime.Kind != catalogue.Compiled || s.build.problem != nil ||
		s.build.Uses("ENTRYPOINT_NAME") {
		return nil
	}
	return []finding{{at: s.build.First(), summary: "build.sh does not use ENTRYPOINT_NAME"}}
}

var resultWord = regexp.MustCompile(`(?:^|/)runtime$`)

func executableResult(s *subject) []finding {
	if s.build == nil || s.version.Runtime.Kind != catalogue.Compiled || s.build.problem != nil {
		return nil
	}
	if s.build.mentions(contract.CodeDir) && slices.ContainsFunc(s.build.words, resultWord.MatchString) {
		return nil
	}
	return []finding{{at: s.build.First(), summary: "build.sh leaves no " + contract.Executable}}
}

func launchUnpacks(s *subject) []finding {
	if s.launch == nil || s.launch.problem != nil || s.launch.mentions(contract.CodeArchive, contract.CodeDir) {
		return nil
	}
	return []finding{{
		at:      s.launch.First(),
		summary: fmt.Sprintf("launch.sh does not unpack %s into %s", contract.CodeArchive, contract.CodeDir),
	}}
}

func launchRuntime(s *subject) []finding {
	if s.launch == nil || s.version.Runtime.Kind == catalogue.Interpreted || s.launch.problem != nil {
		return nil
	}
	if slices.ContainsFunc(s.launch.words, resultWord.MatchString) {
		return nil
	}
	return []finding{{at: s.launch.First(), summary: "launch.sh does not start " + contract.Executable}}
}

// end is how launch.sh ends.
func (s *subject) end() (exec, background bool, at hcl.Range, ok bool) {
	if s.launch == nil || s.launch.problem != nil {
		return false, false, at, false
	}
	exec, background, at = s.launch.Becomes()
	return exec, background, at, true
}

func launchForeground(s *subject) []finding {
	if _, background, at, ok := s.end(); ok && background {
		return []finding{{at: at, summary: "launch.sh leaves the server in the background"}}
	}
	return nil
}

func launchExec(s *subject) []finding {
	if exec, background, at, ok := s.end(); ok && !exec && !background {
		return []finding{{at: at, summary: "launch.sh waits for the server instead of becoming it"}}
	}
	return nil
}
