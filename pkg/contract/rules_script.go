package contract

func scriptRules() []Rule {
	return []Rule{
		{
			ID: "script-syntax", Point: 9, Where: InFiles, Strict: Error, Guide: Error,
			What: "Scripts can be parsed",
			Why:  "The shell stops at the place, after having run what is above it.",
			Fix:  "Correct it.",
		},
		{
			ID: "run-syntax", Point: 9, Where: InFiles, Strict: Error, Guide: Error,
			What: "Commands of RUN can be parsed",
			Why:  "The build fails there.",
			Fix:  "Correct it.",
		},
		{
			ID: "script-shebang", Point: 6, Where: InFiles, Strict: Error, Guide: Warning,
			What: "Scripts start with #!",
			Why:  "The kernel runs no file without; that a shell does is luck.",
			Fix:  "Start the script with #!/bin/sh.",
		},
		{
			ID: "script-interpreter", Point: 6, Where: InFiles, Strict: Error, Guide: Error,
			What: "The image has the shell that a script asks for",
			Why:  "It cannot be started otherwise.",
			Fix:  "Write it for sh: #!/bin/sh.",
		},
		{
			ID: "script-line-ends", Point: 6, Where: InFiles, Strict: Error, Guide: Error,
			What: "Lines of scripts end as on Linux",
			Why:  "With those of Windows the kernel looks for a shell of another name.",
			Fix:  "Save it with LF, and write *.sh text eol=lf into .gitattributes.",
		},
		{
			ID: "script-bashism", Point: 9, Where: InFiles, Strict: Error, Guide: Error,
			What: "A script for sh has nothing that only bash knows",
			Why:  "The command fails, or says no, and what depends on it never happens.",
			Fix:  "Write it for sh, or start the script with #!/bin/bash.",
		},
		{
			ID: "run-bashism", Point: 9, Where: InFiles, Strict: Error, Guide: Error,
			What: "Commands of RUN have nothing that only bash knows",
			Why:  "RUN runs /bin/sh.",
			Fix:  `Write it for sh, or SHELL ["/bin/bash", "-c"].`,
		},
		{
			ID: "script-errexit", Point: 12, Where: InFiles, Strict: Error, Guide: Warning,
			What: "Scripts stop at the first error",
			Why:  "What fails in build.sh must fail the deployment.",
			Fix:  "Write set -e in front of the first command.",
		},
		{
			ID: "script-arch", Point: 23, Where: InFiles, Strict: Warning, Guide: Warning,
			What: "Scripts name no architecture",
			Why:  "The image is built for several.",
			Fix:  "Ask the machine (uname -m), or the tool for its default.",
		},
		{
			ID: "run-arch", Point: 23, Where: InFiles, Strict: Warning, Guide: Warning,
			What: "Commands of RUN name no architecture",
			Why:  "The image is built for several.",
			Fix:  "Declare ARG TARGETARCH, and use it.",
		},
	}
}

func buildScriptRules() []Rule {
	return []Rule{
		{
			ID: "build-code", Point: 9, Where: InFiles, Strict: Error, Guide: Error,
			What: "build.sh uses /usr/code",
			Why:  "The function is there, and the result must be.",
			Fix:  "Take the function from /usr/code, and leave the result there.",
		},
		{
			ID: "entrypoint-name", Point: 11, Where: InFiles, Strict: Error, Guide: Error,
			What: "build.sh of a compiled runtime uses ENTRYPOINT_NAME",
			Why:  "It says which file of the user's is compiled; its name is the user's choice.",
			Fix:  "Use $ENTRYPOINT_NAME, not a name of your own.",
		},
		{
			ID: "executable", Point: 11, Where: InFiles, Strict: Error, Guide: Error,
			What: "build.sh of a compiled runtime leaves /usr/code/runtime",
			Why:  "launch.sh of the run image starts it by that name.",
			Fix:  "Move the executable to /usr/code/runtime.",
		},
	}
}

func launchScriptRules() []Rule {
	return []Rule{
		{
			ID: "launch-unpacks", Point: 13, Where: InFiles, Strict: Error, Guide: Error,
			What: "launch.sh unpacks /tmp/code.tar.gz into /usr/code",
			Why:  "The function arrives in it.",
			Fix:  "tar -xzf /tmp/code.tar.gz -C /usr/code.",
		},
		{
			ID: "launch-runtime", Point: 13, Where: InFiles, Strict: Error, Guide: Error,
			What: "launch.sh of a base starts /usr/code/runtime",
			Why:  "It is what compiled runtimes leave.",
			Fix:  "exec /usr/code/runtime.",
		},
		{
			ID: "launch-foreground", Point: 13, Where: InFiles, Strict: Error, Guide: Warning,
			What: "launch.sh starts the server in the foreground",
			Why:  "The container ends with its script.",
			Fix:  "Leave the & out.",
		},
		{
			ID: "launch-exec", Point: 13, Where: InFiles, Strict: Error, Guide: Off,
			What: "launch.sh becomes the server, with exec",
			Why:  "A shell that waits takes no signals: Docker must kill it, and with it the requests that run.",
			Fix:  "Write exec in front of the command.",
		},
	}
}

func otherRules() []Rule {
	return []Rule{
		{
			ID: "fixture", Point: 24, Where: InFiles, Strict: Error, Guide: Warning,
			What: "A runtime has a fixture and an entrypoint",
			Why:  "It is what proves it, see runbake test.",
			Fix:  `Write fixture = "tests/fixtures/<language>" and entrypoint = "<file>" into the definition.`,
		},
		{
			ID: "fixture-entrypoint", Point: 24, Where: InFiles, Strict: Error, Guide: Error,
			What: "The fixture has the file that entrypoint names",
			Why:  "The executor asks for it by that name.",
			Fix:  "Rename the file, or correct entrypoint.",
		},
		{
			ID: "script-tag", Point: 22, Where: InFiles, Strict: Error, Guide: Warning,
			What: "Scripts that build images give them the names that the definitions have",
			Why:  "Somebody pulls, or tests, another image than the one that was built.",
			Fix:  "Correct it, or remove the script: docker buildx bake builds what the definitions say.",
		},
		{
			ID: "unfinished", Point: 0, Where: InFiles, Strict: Warning, Guide: Warning,
			What: "Nothing is left to write",
			Why:  "runbake new marks what only a human can write.",
			Fix:  "Write it, and remove the mark.",
		},
		{
			ID: "silence", Point: 0, Where: InFiles, Strict: Warning, Guide: Warning,
			What: "A comment that silences a rule silences something",
			Why:  "It would hide what comes later.",
			Fix:  "Remove the comment.",
		},
	}
}
