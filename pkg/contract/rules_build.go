package contract

func scriptRules() []Rule {
	return []Rule{
		{
			ID: "script-syntax", Point: 9, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "Scripts can be parsed",
			Why:  "The shell stops at the place, after having run what is above it.",
			Fix:  "Correct it.",
		},
		{
			ID: "run-syntax", Point: 9, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "Commands of RUN can be parsed",
			Why:  "The build fails there.",
			Fix:  "Correct it.",
		},
		{
			ID: "script-shebang", Point: 6, Where: InFiles, Any: true, Strict: Error, Guide: Warning,
			What: "Scripts start with #!",
			Why:  "The kernel runs no file without; that a shell does is luck.",
			Fix:  "Start the script with #!/bin/sh.",
		},
		{
			ID: "script-interpreter", Point: 6, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "The image has the shell that a script asks for",
			Why:  "It cannot be started otherwise.",
			Fix:  "Write it for sh: #!/bin/sh.",
		},
		{
			ID: "script-line-ends", Point: 6, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "Lines of scripts end as on Linux",
			Why:  "With those of Windows the kernel looks for a shell of another name.",
			Fix:  "Save it with LF, and write *.sh text eol=lf into .gitattributes.",
		},
		{
			ID: "script-bashism", Point: 9, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "A script for sh has nothing that only bash knows",
			Why:  "The command fails, or says no, and what depends on it never happens.",
			Fix:  "Write it for sh, or start the script with #!/bin/bash.",
		},
		{
			ID: "run-bashism", Point: 9, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "Commands of RUN have nothing that only bash knows",
			Why:  "RUN runs /bin/sh.",
			Fix:  `Write it for sh, or SHELL ["/bin/bash", "-c"].`,
		},
		{
			ID: "script-errexit", Point: 12, Where: InFiles, Any: true, Strict: Error, Guide: Warning,
			What: "Scripts stop at the first error",
			Why:  "What fails in build.sh must fail the deployment.",
			Fix:  "Write set -e in front of the first command.",
		},
	}
}

func architectureRules() []Rule {
	return []Rule{
		{
			ID: "script-arch", Point: 23, Where: InFiles, Any: true, Strict: Warning, Guide: Warning,
			What: "Scripts name no architecture",
			Why:  "The image is built for several.",
			Fix:  "Ask the machine (uname -m), or the tool for its default.",
		},
		{
			ID: "run-arch", Point: 23, Where: InFiles, Any: true, Strict: Warning, Guide: Warning,
			What: "Commands of RUN name no architecture",
			Why:  "The image is built for several.",
			Fix:  "Declare ARG TARGETARCH, and use it.",
		},
	}
}

func buildRules() []Rule {
	return []Rule{
		{
			ID: "build-code", Point: 9, Where: InFiles, Strict: Error, Guide: Error,
			What: "build.sh uses /usr/code",
			Why:  "The function is there, and the result must be.",
			Fix:  "Take the function from /usr/code, and leave the result there.",
		},
		{
			ID: "build", Point: 9, Where: Live,
			What: "build.sh builds the function in /usr/code and leaves the result there",
			Why:  "The executor packs /usr/code; what is not in there is not there at launch.",
			Fix:  "Write all that launch.sh needs to /usr/code.",
		},
		{
			ID: "executable", Point: 11, Where: Both, Strict: Error, Guide: Error,
			What: "build.sh of a compiled runtime leaves an executable at /usr/code/runtime",
			Why:  "launch.sh of the run image starts it by that name.",
			Fix:  "Move the executable to /usr/code/runtime, with mode 0755.",
		},
		{
			ID: "built-platform", Point: 23, Where: Live,
			What: "The executable is a program for the platform of the image",
			Why:  "The machine that builds runs its own kind of programs in any image; others do not.",
			Fix:  "Build for the platform of the image: take compilers of that platform, or tell them TARGETARCH.",
		},
		{
			ID: "entrypoint-name", Point: 11, Where: Both, Strict: Error, Guide: Error,
			What: "build.sh builds the file that ENTRYPOINT_NAME names, whatever its name is",
			Why:  "It says which file of the user's is the function; its name is the user's choice.",
			Fix:  "Use $ENTRYPOINT_NAME in build.sh, not a name of your own.",
		},
		{
			ID: "build-failure", Point: 12, Where: Live,
			What: "A function that cannot be built makes build.sh fail, with a message on stderr",
			Why:  "A build that fails in silence is deployed, and fails at the first request.",
			Fix:  "Start build.sh with set -e, and do not hide the exit code of the tools.",
		},
	}
}
