package lint

import (
	"testing"

	"github.com/runbake/runbake/pkg/contract"
)

// TestChecks: every rule that files decide has a check, and every check a rule.
func TestChecks(t *testing.T) {
	elsewhere := map[string]bool{"buildable": true, "silence": true} // see checks
	unused := checks()
	for _, r := range contract.Checked(contract.InFiles) {
		c := unused[r.ID]
		if one := (c.version != nil) != (c.repository != nil); one == elsewhere[r.ID] {
			t.Errorf("%s has no check, or two", r.ID)
		}
		delete(unused, r.ID)
	}
	for id := range unused {
		t.Errorf("the check %s is of no rule", id)
	}
}
