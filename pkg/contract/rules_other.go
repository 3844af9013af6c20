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
