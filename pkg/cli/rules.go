package cli

import (
	"strings"

	"github.com/runbake/runbake/pkg/contract"
)

// ruleList is the rules that are checked in a place, in lines for help.
func ruleList(where contract.Where) string {
	const width = 80
	var b strings.Builder
	line := " "
	for _, r := range contract.Checked(where) {
		if len(line)+1+len(r.ID) > width {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + r.ID
	}
	return b.String() + line
}
