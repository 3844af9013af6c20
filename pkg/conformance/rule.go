// Package conformance is the live half of the contract: the rules that only a
// running image can break, and what a test of them found. It is data and
// formats; package probe, below it, does the questioning, inside the image.
package conformance

import "slices"

// Rule is one point of the contract that a live test decides.
type Rule struct {
	ID     string
	Number int    // of the contract's list
	What   string // what must be so
	Why    string
	Mend   string
}

// Rules lists the rules in the order in which results are shown: what the
// build image must be, the build, the start, the answers, the end.
func Rules() []Rule {
	return slices.Concat(imageRules(), buildRules(), startRules(), challengeRules(), requestRules(), responseRules(), errorRules(), endRules())
}

func imageRules() []Rule {
	return []Rule{
		{"user", 4, "User appwrite has uid 2001, and group appwrite gid 2000", "Volumes that the executor mounts belong to these numbers.", "Create both in the Dockerfile, with these numbers."},
		{"folders", 5, "/usr/local/src, /usr/code, /usr/workspace and /usr/builtCode exist and belong to appwrite", "The executor unpacks, builds and packs in them as appwrite.", "mkdir -p all four and chown them, after the last COPY into them."},
		{"scripts", 6, "build.sh, and launch.sh where there is one, can be executed", "The executor runs ./build.sh and launch.sh, not a shell with their name.", "COPY --chmod=0755 them."},
		{"build-command", 7, "A build image of a compiled runtime keeps running by its own command", "The executor starts it, then runs the build steps in it.", `CMD ["tail", "-f", "/dev/null"].`},
	}
}

func buildRules() []Rule {
	return []Rule{
		{"build", 9, "build.sh builds the function in /usr/code and leaves the result there", "The executor packs /usr/code; what is not in there is not there at launch.", "Write all that launch.sh needs to /usr/code."},
		{"executable", 11, "A compiled runtime leaves an executable called runtime in /usr/code", "The base's launch.sh starts it by that name.", "Move the result to /usr/code/runtime, with mode 0755."},
		{"built-platform", 23, "The executable is a program for the platform of the image", "The machine that builds runs its own kind of programs in any image; others do not.", "Build for the platform of the image: take compilers of that platform, or tell them TARGETARCH."},
		{"entrypoint-name", 11, "A function whose file has not the default name is built", "ENTRYPOINT_NAME says which file it is; users choose it.", "Use $ENTRYPOINT_NAME in build.sh, not a name of your own."},
		{"build-failure", 12, "A function that cannot be built makes build.sh fail, with a message on stderr", "A build that fails in silence is deployed, and fails at the first request.", "Start build.sh with set -e, and do not hide the exit code of the tools."},
	}
}

func startRules() []Rule {
	return []Rule{
		{"launch", 13, "launch.sh unpacks /tmp/code.tar.gz and starts the server, which answers on port 3000", "It is what the executor runs.", "Unpack into /usr/code, then exec the server."},
		{"command", 7, "The run image's own command starts the server too", "Platforms that do not override the command get the same server.", `CMD ["/usr/local/src/launch.sh"].`},
		{"platform", 23, "What runs the server is a program for the platform of the image", "A base image of one platform is taken for any, and its server runs on the machine that builds only.", "Take a base image that has the platform, and no FROM --platform in the last stage."},
		{"address", 14, "The server listens on all addresses", "Requests come from other containers, not from its own loopback.", "Listen on 0.0.0.0:3000."},
		{"unprivileged", 8, "The server runs as appwrite", "User code in a server that is root owns the container.", "USER appwrite, at the end of the Dockerfile."},
		{"function", 26, "The fixture answers with its three fields", "It is what the executor's own test asks.", "Give env and payload of the body to the function, and send what it answers with status 200."},
		{"again", 26, "The same process answers a second request", "A server that a supervisor must restart after each request loses requests.", "Look into the log for what ended it; send one response only."},
	}
}

func challengeRules() []Rule {
	return []Rule{
		{"challenge-wrong", 15, "A wrong x-internal-challenge gets status 401 and Unauthorized", "Without it anybody in the network runs functions. It keeps strangers out, and is no secret from functions, which can read it in /proc/self/environ.", "Compare it with INTERNAL_RUNTIME_KEY, in constant time."},
		{"challenge-missing", 15, "No x-internal-challenge gets status 401", "The same.", "Treat a missing header as a wrong one."},
		{"challenge-first", 15, "A wrong challenge is refused before the body is read", "A stranger must not reach the parser.", "Check the header first."},
		{"key-unset", 15, "Without INTERNAL_RUNTIME_KEY nobody gets in", "A forgotten variable must not open the door.", "Refuse everything when the variable is unset."},
		{"key-empty", 15, "With an empty INTERNAL_RUNTIME_KEY nobody gets in", "An empty header equals an empty key.", "Refuse everything when the variable is empty."},
		{"methods", 14, "Only POST runs the function; others get status 405", "Crawlers and health checks must not run user code.", "Answer other methods with 405 and the error object."},
	}
}

func requestRules() []Rule {
	return []Rule{
		{"defaults", 16, "env and headers default to {}, payload to an empty string", "The executor leaves out what it has not, and writes no null.", "Apply the defaults before the function is called."},
		{"headers", 16, "request.headers are those of the body, not of HTTP", "The executor's own headers are not the user's.", "Take headers from the JSON body."},
		{"payload", 16, "A payload arrives as it was sent: Unicode, and one of 1 MiB", "Payloads are the users' data.", "Read the whole body, and decode it as UTF-8."},
		{"malformed", 19, "A body that is no JSON object, or has wrong types (null is one), gets status 400", "The caller must learn that it is wrong, and the server must live on.", "Check the body before the function is called."},
		{"oversized", 19, "A body of 32 MiB is refused with status 413 or 400", "Memory is bounded.", "Stop to read at your limit (20 MiB in our servers) and answer 413."},
	}
}

func responseRules() []Rule {
	return []Rule{
		{"json", 17, "response.json answers with application/json", "Clients choose their parser by it.", "Set Content-Type in json()."},
		{"text", 17, "response.send answers with text/plain", "Clients choose by it.", "Set Content-Type in send()."},
		{"status", 17, "A status code that the function gives is the response's", "It is how functions say 404 or 201.", "Take an optional status in send() and json()."},
		{"bodiless", 17, "An answer with status 204 or 304 has no body, and the next answer on the connection is right", "Clients take the bytes of a body for the next answer: a payload can forge it.", "Write neither body nor Content-Length with 204 and 304."},
		{"late", 18, "A function may answer after it has returned, or while others wait", "Asynchronous code is how people write functions.", "Wait for the answer, until timeout."},
		{"dependencies", 10, "A dependency that the function declares is installed, and found at launch", "Functions have dependencies.", "Install into /usr/code in build.sh; point the server there."},
	}
}

func errorRules() []Rule {
	return []Rule{
		{"throws", 18, "A function that throws gets status 500, and a message with what was thrown", "Users debug by it.", "Catch everything around the call; put the error's text in message."},
		{"rejects", 18, "A function that fails late gets status 500, and a message with what was thrown", "The same, for asynchronous code.", "Catch rejected promises and their like."},
		{"timeout", 18, "A function that never answers ends at timeout, with status 500", "A request that hangs holds a connection and a slot.", "Start a timer of timeout seconds with each request."},
		{"missing-file", 18, "A file that does not exist gets status 404", "It tells a wrong deployment from a broken function.", "Check that the file exists before loading it."},
		{"no-function", 18, "A file without a function gets status 404", "The same.", "Check that what was loaded can be called."},
		{"error-object", 19, `Every error is exactly {"code": <int>, "message": <string>}, as JSON, and code is the status`, "The executor reads it.", "Make all errors with one function."},
	}
}

func endRules() []Rule {
	return []Rule{
		{"isolation", 20, "env of one request is not seen by the next", "It holds secrets.", "Keep env in the request, not in the process."},
		{"parallel", 20, "Requests in parallel do not mix", "The same.", "Keep nothing of a request in variables that others see."},
		{"survives", 19, "After all of this the same process answers", "A restarted server has lost what it was doing.", "Let no request end the process."},
		{"stop", 13, "SIGTERM ends it within 10 seconds", "Docker kills it then, and with it the requests that run.", "exec the server in launch.sh, and stop on SIGTERM."},
	}
}
