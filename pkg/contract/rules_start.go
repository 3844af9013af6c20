package contract

func launchRules() []Rule {
	return []Rule{
		{
			ID: "launch-unpacks", Point: 13, Where: InFiles, Strict: Error, Guide: Error,
			What: "launch.sh unpacks /tmp/code.tar.gz into /usr/code",
			Why:  "The function arrives in it.",
			Fix:  "tar -xzf /tmp/code.tar.gz -C /usr/code.",
		},
		{
			ID: "launch-runtime", Point: 13, Where: InFiles, Strict: Error, Guide: Error,
			What: "launch.sh of a base, and of a compiled runtime, starts /usr/code/runtime",
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

func startRules() []Rule {
	return []Rule{
		{
			ID: "launch", Point: 13, Where: Live,
			What: "launch.sh unpacks /tmp/code.tar.gz and starts the server, which answers on port 3000",
			Why:  "It is what the executor runs.",
			Fix:  "Unpack into /usr/code, then exec the server.",
		},
		{
			ID: "command", Point: 7, Where: Both, Strict: Error, Guide: Error,
			What: "CMD is launch.sh, which starts the server, or tail -f /dev/null where another image does",
			Why: "Platforms that do not override the command start the server by it, and build in a " +
				"container that stays.",
			Fix: `CMD ["/usr/local/src/launch.sh"], or CMD ["tail", "-f", "/dev/null"] of a compiled runtime with run.`,
		},
		{
			ID: "command-form", Point: 7, Where: InFiles, Any: true, Strict: Error, Guide: Warning,
			What: "CMD is a list in brackets",
			Why:  "Otherwise a shell is process 1, and the server gets no signals.",
			Fix:  "Write it as a list in brackets.",
		},
		{
			ID: "no-entrypoint", Point: 7, Where: InFiles, Strict: Error, Guide: Error,
			What: "There is no ENTRYPOINT",
			Why:  "The executor gives the command; an entry point would get it as arguments.",
			Fix:  "Remove it, and write CMD.",
		},
		{
			ID: "platform", Point: 23, Where: Live,
			What: "What runs the server is a program for the platform of the image",
			Why: "A base image of one platform is taken for any, and its server runs on the machine that " +
				"builds only.",
			Fix: "Take a base image that has the platform, and no FROM --platform in the last stage.",
		},
		{
			ID: "address", Point: 14, Where: Live,
			What: "The server listens on all addresses",
			Why:  "Requests come from other containers, not from its own loopback.",
			Fix:  "Listen on 0.0.0.0:3000.",
		},
		{
			ID: "expose", Point: 14, Where: InFiles, Strict: Warning, Guide: Off,
			What: "An image that serves says EXPOSE 3000",
			Why:  "Tools and people see the port there.",
			Fix:  "EXPOSE 3000.",
		},
	}
}

func serverRules() []Rule {
	return []Rule{
		{
			ID: "unprivileged", Point: 8, Where: Both, Strict: Error, Guide: Warning,
			What: "The image ends with USER appwrite, and the server runs as appwrite",
			Why:  "User code in a server that is root owns the container.",
			Fix:  "Write USER appwrite behind the last command that needs root.",
		},
		{
			ID: "root-needed", Point: 8, Where: InFiles, Strict: Error, Guide: Error,
			What: "What needs root stands above USER",
			Why:  "It fails as another user.",
			Fix:  "Move it above USER appwrite.",
		},
		{
			ID: "function", Point: 26, Where: Live,
			What: "The fixture answers with its three fields",
			Why:  "It is what the executor's own test asks.",
			Fix:  "Give env and payload of the body to the function, and send what it answers with status 200.",
		},
		{
			ID: "again", Point: 26, Where: Live,
			What: "The same process answers a second request",
			Why:  "A server that a supervisor must restart after each request loses requests.",
			Fix:  "Look into the log for what ended it; send one response only.",
		},
	}
}
