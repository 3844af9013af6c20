package diag

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// Place writes the start of a range as file:line:column, the form that
// editors and terminals make a link of.
func Place(r hcl.Range) string {
	return fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
}
