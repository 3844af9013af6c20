package cli

import (
	"strings"

	"github.com/runbake/runbake/pkg/contract"
)

// ruleList is the rules that are checked in a place, in lines for help.
func ruleList(where contract.Where) string {
	var ids []string
	for _, r := range contract.Checked(where) {
		ids = append(ids, r.ID)
	}
	return wrapped(ids)
}

// wrapped lists words, indented, in lines of the width of a help page.
func wrapped(words []string) string {
	const width = 80
	var b strings.Builder
	line := " "
	for _, w := range words {
		if len(line)+1+len(w) > width {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + w
	}
	return b.String() + line
}
