package contract

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
			ID: "script-tag", Point: 22, Where: InFiles, Any: true, Strict: Error, Guide: Warning,
			What: "Scripts that build images give them the names that the definitions have",
			Why:  "Somebody pulls, or tests, another image than the one that was built.",
			Fix:  "Correct it, or remove the script: docker buildx bake builds what the definitions say.",
		},
		{
			ID: "unfinished", Point: 0, Where: InFiles, Any: true, Strict: Warning, Guide: Warning,
			What: "Nothing is left to write",
			Why:  "runbake new marks what only a human can write.",
			Fix:  "Write it, and remove the mark.",
		},
		{
			ID: "silence", Point: 0, Where: InFiles, Any: true, Strict: Warning, Guide: Warning,
			What: "A comment that silences a rule silences something",
			Why:  "It would hide what comes later.",
			Fix:  "Remove the comment.",
		},
	}
}
