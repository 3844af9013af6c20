package cli

import (
	"fmt"
	"io/fs"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
)

const neighbourMend = "Remove it, or name the file: docker buildx bake -f " + bake.FileName + ". What runbake writes and builds names it."

// neighbourSummary says what a file does that lies beside the emitted one.
func neighbourSummary(n bakecheck.Neighbour) string {
	if n.Changes == "" {
		return fmt.Sprintf("bake reads %s together with %s, where no file is named; today it changes nothing", n.Name, bake.FileName)
	}
	return fmt.Sprintf("bake reads %s together with %s, where no file is named: %s", n.Name, bake.FileName, n.Changes)
}

// checkNeighbours adds a warning for each file that plain bake would merge with
// the emitted one.
func (r *repository) checkNeighbours(fsys fs.FS) error {
	if r.diags.HasErrors() {
		return nil // what is emitted is not known
	}
	found, err := bakecheck.Neighbours(fsys, r.file())
	for _, n := range found {
		r.diags = append(r.diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: neighbourSummary(n), Detail: neighbourMend,
			Subject: &hcl.Range{Filename: n.Name, Start: hcl.InitialPos, End: hcl.InitialPos},
		})
	}
	return err
}
