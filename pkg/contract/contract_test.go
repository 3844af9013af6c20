package contract_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/contract"
)

// TestRules: every row says what, why and how, once, and has severities where files
// decide it. Strict is never milder than guide.
func TestRules(t *testing.T) {
	points := contract.Points()
	seen := map[string]bool{}
	for _, r := range contract.Rules() {
		if seen[r.ID] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(r.ID) {
			t.Errorf("%q is no good name, or there twice", r.ID)
		}
		seen[r.ID] = true
		if r.What == "" || strings.HasSuffix(r.What, ".") || !strings.HasSuffix(r.Why, ".") ||
			!strings.HasSuffix(r.Fix, ".") {
			t.Errorf("%s does not say what, why and how to fix it, in sentences", r.ID)
		}
		if inFiles := r.Where&contract.InFiles != 0; inFiles != (r.Strict != contract.Off) || r.Guide > r.Strict {
			t.Errorf("%s is %s at guide and %s at strict", r.ID, r.Guide, r.Strict)
		}
		if r.Point < 0 || r.Point >= len(points) || r.Point == 0 && r.Where != contract.InFiles {
			t.Errorf("%s is of point %d", r.ID, r.Point)
		}
	}
}

// TestTexts: the numbers and places in texts are those that are checked.
func TestTexts(t *testing.T) {
	known := append(contract.Dirs(), contract.User, contract.UserID, contract.GroupID, contract.LaunchScript,
		contract.CodeArchive, contract.Executable, strconv.Itoa(contract.Port))
	named := regexp.MustCompile(`/(?:usr|tmp)/[\w./]*\w|\b[0-9]{4}\b|\bappw\w*`)
	found := 0
	for _, r := range contract.Rules() {
		for _, name := range named.FindAllString(r.What+" "+r.Why+" "+r.Fix, -1) {
			if found++; !slices.Contains(known, name) && name != "0755" {
				t.Errorf("%s says %s", r.ID, name)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d names found", found)
	}
}

// TestSeverity: severities are written as in definitions.
func TestSeverity(t *testing.T) {
	for s, want := range map[contract.Severity]string{
		contract.Off: "off", contract.Warning: "warning", contract.Error: "error",
	} {
		if s.String() != want {
			t.Errorf("got %q, want %q", s, want)
		}
	}
}
