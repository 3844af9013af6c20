package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/catalogue"
)

func scriptRules() []Rule {
	return []Rule{
		{
			"script-syntax", 9, Error, Error,
			"Scripts can be parsed", "The shell stops at the place, after having run what is above it.",
			"Correct it.", eachScript(scriptSyntax), nil,
		},
		{
			"run-syntax", 9, Error, Error,
			"Commands of RUN can be parsed", "The build fails there.",
			"Correct it.", event("run-syntax"), nil,
		},
		{
			"script-shebang", 6, Warning, Error,
			"Scripts start with #!", "The kernel runs no file without; that a shell does is luck.",
			"Start the script with #!/bin/sh.", eachScript(scriptShebang), nil,
		},
		{
			"script-interpreter", 6, Error, Error,
			"The image has the shell that a script asks for", "It cannot be started otherwise.",
			"Write it for sh: #!/bin/sh.", eachScript(scriptInterpreter), nil,
		},
		{
			"script-line-ends", 6, Error, Error,
			"Lines of scripts end as on Linux", "With those of Windows the kernel looks for a shell of another name.",
			"Save it with LF, and write *.sh text eol=lf into .gitattributes.", eachScript(scriptLineEnds), nil,
		},
		{
			"script-bashism", 9, Error, Error,
			"A script for sh has nothing that only bash knows", "The command fails, or says no, and what depends on it never happens.",
			"Write it for sh, or start the script with #!/bin/bash.", eachScript(scriptBashism), nil,
		},
		{
			"run-bashism", 9, Error, Error,
			"Commands of RUN have nothing that only bash knows", "RUN runs /bin/sh.",
			"Write it for sh, or SHELL [\"/bin/bash\", \"-c\"].", event("run-bashism"), nil,
		},
		{
			"script-errexit", 12, Warning, Error,
			"Scripts stop at the first error", "What fails in build.sh must fail the deployment.",
			"Write set -e in front of the first command.", eachScript(scriptErrexit), nil,
		},
		{
			"script-arch", 23, Warning, Warning,
			"Scripts name no architecture", "The image is built for several.",
			"Ask the machine (uname -m), or the tool for its default.", eachScript(scriptArch), nil,
		},
		{
			"run-arch", 23, Warning, Warning,
			"Commands of RUN name no architecture", "The image is built for several.",
			"Declare ARG TARGETARCH, and use it.", event("run-arch"), nil,
		},
	}
}

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
	return []finding{{at: script.First(), summary: "Alpine has no bash", mend: "Write it for sh: #!/bin/sh; or apk add bash in the Dockerfile."}}
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
		if at == nil || strings.HasPrefix(strings.TrimSpace(line), "#") || strings.Contains(line, "uname") || caseOf.MatchString(line) {
			continue
		}
		start := script.text.offsets[number]
		return []finding{{
			at: script.text.part(start+at[0], start+at[1]), summary: fmt.Sprintf("The script names the architecture %s", line[at[0]:at[1]]),
			detail: fmt.Sprintf("The image is built for %s.", list(s.version.Platforms)),
		}}
	}
	return nil
}

// caseOf matches a branch of case, where architectures may well stand.
var caseOf = regexp.MustCompile(`^\s*\(?[\w|*" -]+\)`)

func buildScriptRules() []Rule {
	return []Rule{
		{
			"build-code", 9, Error, Error,
			"build.sh uses /usr/code", "The function is there, and the result must be.",
			"Take the function from /usr/code, and leave the result there.", buildCode, nil,
		},
		{
			"entrypoint-name", 11, Error, Error,
			"build.sh of a compiled runtime uses ENTRYPOINT_NAME", "It says which file of the user's is compiled; its name is the user's choice.",
			"Use $ENTRYPOINT_NAME, not a name of your own.", entrypointName, nil,
		},
		{
			"executable", 11, Error, Error,
			"build.sh of a compiled runtime leaves /usr/code/runtime", "launch.sh of the run image starts it by that name.",
			"Move the executable to /usr/code/runtime.", executableResult, nil,
		},
	}
}

func buildCode(s *subject) []finding {
	if s.build == nil || s.build.problem != nil || s.build.mentions(code) {
		return nil
	}
	return []finding{{at: s.build.First(), summary: "build.sh does not use /usr/code"}}
}

func entrypointName(s *subject) []finding {
	if s.build == nil || s.version.Runtime.Kind != catalogue.Compiled || s.build.problem != nil || s.build.Uses("ENTRYPOINT_NAME") {
		return nil
	}
	return []finding{{at: s.build.First(), summary: "build.sh does not use ENTRYPOINT_NAME"}}
}

var resultWord = regexp.MustCompile(`(?:^|/)runtime$`)

func executableResult(s *subject) []finding {
	if s.build == nil || s.version.Runtime.Kind != catalogue.Compiled || s.build.problem != nil {
		return nil
	}
	if s.build.mentions(code) && slices.ContainsFunc(s.build.words, resultWord.MatchString) {
		return nil
	}
	return []finding{{at: s.build.First(), summary: "build.sh leaves no /usr/code/runtime"}}
}

func launchScriptRules() []Rule {
	return []Rule{
		{
			"launch-unpacks", 13, Error, Error,
			"launch.sh unpacks /tmp/code.tar.gz into /usr/code", "The function arrives in it.",
			"tar -xzf /tmp/code.tar.gz -C /usr/code.", launchUnpacks, nil,
		},
		{
			"launch-runtime", 13, Error, Error,
			"launch.sh of a base starts /usr/code/runtime", "It is what compiled runtimes leave.",
			"exec /usr/code/runtime.", launchRuntime, nil,
		},
		{
			"launch-foreground", 13, Warning, Error,
			"launch.sh starts the server in the foreground", "The container ends with its script.",
			"Leave the & out.", launchForeground, nil,
		},
		{
			"launch-exec", 13, Off, Error,
			"launch.sh becomes the server, with exec", "A shell that waits takes no signals: Docker must kill it, and with it the requests that run.",
			"Write exec in front of the command.", launchExec, nil,
		},
	}
}

func launchUnpacks(s *subject) []finding {
	if s.launch == nil || s.launch.problem != nil || s.launch.mentions(codeTar, code) {
		return nil
	}
	return []finding{{at: s.launch.First(), summary: "launch.sh does not unpack /tmp/code.tar.gz into /usr/code"}}
}

func launchRuntime(s *subject) []finding {
	if s.launch == nil || s.version.Runtime.Kind != catalogue.Base || s.launch.problem != nil {
		return nil
	}
	if slices.ContainsFunc(s.launch.words, resultWord.MatchString) {
		return nil
	}
	return []finding{{at: s.launch.First(), summary: "launch.sh does not start /usr/code/runtime"}}
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
