package definition

import "github.com/hashicorp/hcl/v2"

// Workflow is the workflow block of a project: how the workflows are that runbake
// writes.
type Workflow struct {
	Runners    *Map
	Branches   *List
	MergeGroup *Bool
	Schedule   *String
	Login      *String
	Site       *Bool
	Range      hcl.Range // the block's header
}

func (d *decoder) workflow(content *hcl.BodyContent) *Workflow {
	b := d.single(content, "workflow", "a project has one workflow block")
	if b == nil {
		return nil
	}
	schema := &hcl.BodySchema{Attributes: attributes("runners", "branches", "merge_group", "schedule", "login", "site")}
	a := d.content(b.Body, schema, map[string]string{"workflows": ProjectFile}).Attributes
	return &Workflow{
		Runners: d.object(a["runners"]), Branches: d.list(a["branches"]), MergeGroup: d.bool(a["merge_group"]),
		Schedule: d.string(a["schedule"]), Login: d.string(a["login"]), Site: d.bool(a["site"]), Range: b.DefRange,
	}
}
