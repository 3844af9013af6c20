package cli

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/contract"
)

// TestRuleList: help names every rule of the table once, in lines that fit.
func TestRuleList(t *testing.T) {
	for command, where := range map[string]contract.Where{"lint": contract.InFiles, "test": contract.Live} {
		root := newRoot(Env{}, io.Discard)
		cmd, _, err := root.Find([]string{command})
		if err != nil {
			t.Fatal(err)
		}
		text := ruleList(where)
		if !strings.Contains(cmd.Long, text) {
			t.Errorf("%s --help does not have the rules:\n%s", command, cmd.Long)
		}
		var want []string
		for _, r := range contract.Checked(where) {
			want = append(want, r.ID)
		}
		if got := strings.Fields(text); !slices.Equal(got, want) {
			t.Errorf("%s --help has the rules %v, want %v", command, got, want)
		}
		for line := range strings.Lines(text) {
			if len(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s --help has a long line: %s", command, line)
			}
		}
	}
}
