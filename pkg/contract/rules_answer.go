package contract

func challengeRules() []Rule {
	return []Rule{
		{
			ID: "challenge-wrong", Point: 15, Where: Live,
			What: "A wrong x-internal-challenge gets status 401 and Unauthorized",
			Why: "Without it anybody in the network runs functions. It keeps strangers out, and is no secret from " +
				"functions, which can read it in /proc/self/environ.",
			Fix: "Compare it with INTERNAL_RUNTIME_KEY, in constant time.",
		},
		{
			ID: "challenge-missing", Point: 15, Where: Live,
			What: "No x-internal-challenge gets status 401",
			Why:  "The same.",
			Fix:  "Treat a missing header as a wrong one.",
		},
		{
			ID: "challenge-first", Point: 15, Where: Live,
			What: "A wrong challenge is refused before the body is read",
			Why:  "A stranger must not reach the parser.",
			Fix:  "Check the header first.",
		},
		{
			ID: "key-unset", Point: 15, Where: Live,
			What: "Without INTERNAL_RUNTIME_KEY nobody gets in",
			Why:  "A forgotten variable must not open the door.",
			Fix:  "Refuse everything when the variable is unset.",
		},
		{
			ID: "key-empty", Point: 15, Where: Live,
			What: "With an empty INTERNAL_RUNTIME_KEY nobody gets in",
			Why:  "An empty header equals an empty key.",
			Fix:  "Refuse everything when the variable is empty.",
		},
		{
			ID: "methods", Point: 14, Where: Live,
			What: "Only POST runs the function; others get status 405",
			Why:  "Crawlers and health checks must not run user code.",
			Fix:  "Answer other methods with 405 and the error object.",
		},
	}
}

func requestRules() []Rule {
	return []Rule{
		{
			ID: "defaults", Point: 16, Where: Live,
			What: "env and headers default to {}, payload to an empty string",
			Why:  "The executor leaves out what it has not, and writes no null.",
			Fix:  "Apply the defaults before the function is called.",
		},
		{
			ID: "headers", Point: 16, Where: Live,
			What: "request.headers are those of the body, not of HTTP",
			Why:  "The executor's own headers are not the user's.",
			Fix:  "Take headers from the JSON body.",
		},
		{
			ID: "payload", Point: 16, Where: Live,
			What: "A payload arrives as it was sent: Unicode, and one of 1 MiB",
			Why:  "Payloads are the users' data.",
			Fix:  "Read the whole body, and decode it as UTF-8.",
		},
		{
			ID: "malformed", Point: 19, Where: Live,
			What: "A body that is no JSON object, or has wrong types (null is one), gets status 400",
			Why:  "The caller must learn that it is wrong, and the server must live on.",
			Fix:  "Check the body before the function is called.",
		},
		{
			ID: "oversized", Point: 19, Where: Live,
			What: "A body of 32 MiB is refused with status 413 or 400",
			Why:  "Memory is bounded.",
			Fix:  "Stop to read at your limit (20 MiB in our servers) and answer 413.",
		},
	}
}

func responseRules() []Rule {
	return []Rule{
		{
			ID: "json", Point: 17, Where: Live,
			What: "response.json answers with application/json",
			Why:  "Clients choose their parser by it.",
			Fix:  "Set Content-Type in json().",
		},
		{
			ID: "text", Point: 17, Where: Live,
			What: "response.send answers with text/plain",
			Why:  "Clients choose by it.",
			Fix:  "Set Content-Type in send().",
		},
		{
			ID: "status", Point: 17, Where: Live,
			What: "A status code that the function gives is the response's",
			Why:  "It is how functions say 404 or 201.",
			Fix:  "Take an optional status in send() and json().",
		},
		{
			ID: "bodiless", Point: 17, Where: Live,
			What: "An answer with status 204 or 304 has no body, and the next answer on the connection is right",
			Why:  "Clients take the bytes of a body for the next answer: a payload can forge it.",
			Fix:  "Write neither body nor Content-Length with 204 and 304.",
		},
		{
			ID: "late", Point: 18, Where: Live,
			What: "A function may answer after it has returned, or while others wait",
			Why:  "Asynchronous code is how people write functions.",
			Fix:  "Wait for the answer, until timeout.",
		},
		{
			ID: "dependencies", Point: 10, Where: Live,
			What: "A dependency that the function declares is installed, and found at launch",
			Why:  "Functions have dependencies.",
			Fix:  "Install into /usr/code in build.sh; point the server there.",
		},
	}
}

func errorRules() []Rule {
	return []Rule{
		{
			ID: "throws", Point: 18, Where: Live,
			What: "A function that throws gets status 500, and a message with what was thrown",
			Why:  "Users debug by it.",
			Fix:  "Catch everything around the call; put the error's text in message.",
		},
		{
			ID: "rejects", Point: 18, Where: Live,
			What: "A function that fails late gets status 500, and a message with what was thrown",
			Why:  "The same, for asynchronous code.",
			Fix:  "Catch rejected promises and their like.",
		},
		{
			ID: "timeout", Point: 18, Where: Live,
			What: "A function that never answers ends at timeout, with status 500",
			Why:  "A request that hangs holds a connection and a slot.",
			Fix:  "Start a timer of timeout seconds with each request.",
		},
		{
			ID: "missing-file", Point: 18, Where: Live,
			What: "A file that does not exist gets status 404",
			Why:  "It tells a wrong deployment from a broken function.",
			Fix:  "Check that the file exists before loading it.",
		},
		{
			ID: "no-function", Point: 18, Where: Live,
			What: "A file without a function gets status 404",
			Why:  "The same.",
			Fix:  "Check that what was loaded can be called.",
		},
		{
			ID: "error-object", Point: 19, Where: Live,
			What: `Every error is exactly {"code": <int>, "message": <string>}, as JSON, and code is the status`,
			Why:  "The executor reads it.",
			Fix:  "Make all errors with one function.",
		},
	}
}

func endRules() []Rule {
	return []Rule{
		{
			ID: "isolation", Point: 20, Where: Live,
			What: "env of one request is not seen by the next",
			Why:  "It holds secrets.",
			Fix:  "Keep env in the request, not in the process.",
		},
		{
			ID: "parallel", Point: 20, Where: Live,
			What: "Requests in parallel do not mix",
			Why:  "The same.",
			Fix:  "Keep nothing of a request in variables that others see.",
		},
		{
			ID: "survives", Point: 19, Where: Live,
			What: "After all of this the same process answers",
			Why:  "A restarted server has lost what it was doing.",
			Fix:  "Let no request end the process.",
		},
		{
			ID: "stop", Point: 13, Where: Live,
			What: "SIGTERM ends it within 10 seconds",
			Why:  "Docker kills it then, and with it the requests that run.",
			Fix:  "exec the server in launch.sh, and stop on SIGTERM.",
		},
	}
}
