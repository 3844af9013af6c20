package contract

func folderRules() []Rule {
	return []Rule{
		{
			ID: "folder-name", Point: 1, Where: InFiles, Strict: Error, Guide: Warning,
			What: "A runtime is in runtimes/<key>, or a version of it in runtimes/<key>-<version>",
			Why:  "People and scripts find it by that name.",
			Fix:  "Rename the folder.",
		},
		{
			ID: "readme", Point: 1, Where: InFiles, Strict: Error, Guide: Warning,
			What: "The folder has a README.md",
			Why:  "Users look there for what a function may do.",
			Fix:  "Write README.md: the base image, the HTTP server, how functions bring dependencies.",
		},
		{
			ID: "stray-dockerfile", Point: 1, Where: InFiles, Any: true, Strict: Warning, Guide: Warning,
			What: "The folder has no second Dockerfile that nothing builds",
			Why:  "A copy that is not built is out of date soon, and looks as if it were the one.",
			Fix:  "Remove it, or name it with the attribute dockerfile.",
		},
	}
}

func baseRules() []Rule {
	return []Rule{
		{
			ID: "buildable", Point: 3, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "BuildKit can read the Dockerfile and plan the build",
			Why:  "It would fail there.",
			Fix:  "Correct that line.",
		},
		{
			ID: "base-pinned", Point: 3, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "FROM names a version of its image",
			Why:  "Another image is behind the tag latest tomorrow, and nothing in the repository has changed.",
			Fix:  "Write a tag with a version.",
		},
		{
			ID: "copy-pinned", Point: 3, Where: InFiles, Any: true, Strict: Error, Guide: Warning,
			What: "Images that COPY and RUN take files from have a version",
			Why:  "The same as for FROM.",
			Fix:  "Write a tag with a version.",
		},
		{
			ID: "copy-source", Point: 3, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "COPY, ADD and RUN --mount name files that there are",
			Why:  "BuildKit cannot build it.",
			Fix:  "Correct the path, or add the file.",
		},
		{
			ID: "ignore-file", Point: 3, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "Each line of .dockerignore is a pattern",
			Why:  "BuildKit cannot build it.",
			Fix:  "Close the bracket, or write a backslash in front of it.",
		},
		{
			ID: "checked-out", Point: 3, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "What the image takes is checked out: submodules, and files of Git LFS",
			Why: "It would hold an empty folder, or a pointer of some lines instead of the file, and the " +
				"build says nothing.",
			Fix: "Run git submodule update --init --recursive, or git lfs pull.",
		},
		{
			ID: "base-official", Point: 3, Where: InFiles, Strict: Warning, Guide: Warning,
			What: "The base is the official image, where there is one",
			Why:  "It is kept up to date, for all platforms.",
			Fix:  "Use the official image.",
		},
		{
			ID: "base-version", Point: 3, Where: InFiles, Strict: Error, Guide: Warning,
			What: "The version of the base image is that of the runtime",
			Why:  "Users get another language than the one that they have chosen.",
			Fix:  "Correct the tag, or the name of the version.",
		},
	}
}

func userRules() []Rule {
	return []Rule{
		{
			ID: "user", Point: 4, Where: Both, Strict: Error, Guide: Error,
			What: "User appwrite has uid 2001 and group appwrite, which has gid 2000",
			Why:  "Volumes that the executor mounts belong to these numbers.",
			Fix: "Write groupadd -g 2000 appwrite && useradd -m -u 2001 -g appwrite appwrite; on Alpine " +
				"addgroup -S -g 2000 appwrite && adduser -S -D -u 2001 -G appwrite appwrite.",
		},
		{
			ID: "user-dialect", Point: 4, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "User and group are made with the commands that the image has",
			Why:  "Debian has groupadd and useradd, Alpine BusyBox's addgroup and adduser.",
			Fix:  "Use the commands of the base image.",
		},
	}
}

func ownerRules() []Rule {
	return []Rule{
		{
			ID: "folders", Point: 5, Where: Both, Strict: Error, Guide: Error,
			What: "/usr/local/src, /usr/code, /usr/workspace and /usr/builtCode exist and belong to appwrite",
			Why:  "The executor unpacks, builds and packs in them as appwrite.",
			Fix: "RUN mkdir -p /usr/local/src /usr/code /usr/workspace /usr/builtCode, and chown them " +
				"after the last COPY into them.",
		},
		{
			ID: "base-folders", Point: 5, Where: InFiles, Strict: Error, Guide: Off,
			What: "A base has /usr/builtCode too",
			Why:  "So that every image takes the same mounts.",
			Fix:  "RUN mkdir -p /usr/builtCode.",
		},
		{
			ID: "folder-owner", Point: 5, Where: InFiles, Strict: Error, Guide: Error,
			What: "They belong to appwrite:appwrite",
			Why:  "The executor works in them as appwrite.",
			Fix:  "RUN chown -R appwrite:appwrite /usr/local/src /usr/code /usr/workspace /usr/builtCode.",
		},
		{
			ID: "owner-order", Point: 5, Where: InFiles, Strict: Error, Guide: Error,
			What: "Files are copied before their folder is given to appwrite",
			Why:  "COPY makes files that belong to root.",
			Fix:  "Move chown below the last COPY, or write COPY --chown=appwrite:appwrite.",
		},
		{
			ID: "workdir", Point: 5, Where: InFiles, Strict: Error, Guide: Error,
			What: "WORKDIR is /usr/local/src",
			Why:  "build.sh and launch.sh expect to be started there.",
			Fix:  "WORKDIR /usr/local/src.",
		},
	}
}

func scriptPlaceRules() []Rule {
	return []Rule{
		{
			ID: "build-script", Point: 1, Where: InFiles, Strict: Error, Guide: Error,
			What: "A runtime has build.sh in /usr/local/src",
			Why:  "The executor runs it there when a function is deployed.",
			Fix:  "Write build.sh beside the Dockerfile, and COPY it to /usr/local/src.",
		},
		{
			ID: "launch-script", Point: 1, Where: InFiles, Strict: Error, Guide: Error,
			What: "An image that runs functions has launch.sh in /usr/local/src",
			Why:  "The executor starts the server with it.",
			Fix:  "Write launch.sh beside the Dockerfile, and COPY it to /usr/local/src.",
		},
		{
			ID: "launch-script-unused", Point: 1, Where: InFiles, Strict: Error, Guide: Warning,
			What: "A runtime that another image runs has no launch.sh",
			Why:  "That of its run image is what runs; a second one misleads.",
			Fix:  "Remove it, here and in the Dockerfile.",
		},
		{
			ID: "scripts", Point: 6, Where: Both, Strict: Error, Guide: Error,
			What: "build.sh, and launch.sh where there is one, are executable in the image",
			Why:  "The executor runs ./build.sh and launch.sh, not a shell with their name.",
			Fix:  "COPY --chmod=0755 them, or RUN chmod +x.",
		},
		{
			ID: "script-mode", Point: 6, Where: InFiles, Strict: Warning, Guide: Warning,
			What: "The Dockerfile makes them executable",
			Why:  "Some checkouts and archives lose the mode of a file.",
			Fix:  "COPY --chmod=0755 them.",
		},
		{
			ID: "chmod-missing", Point: 6, Where: InFiles, Any: true, Strict: Error, Guide: Error,
			What: "chmod names files that are there",
			Why:  "The build fails otherwise.",
			Fix:  "Remove it, or copy the file first.",
		},
		{
			ID: "build-command", Point: 7, Where: Live,
			What: "A build image whose result another image runs keeps running by its own command",
			Why:  "The executor starts it, then runs the build steps in it.",
			Fix:  `CMD ["tail", "-f", "/dev/null"].`,
		},
	}
}
