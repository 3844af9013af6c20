package definition

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Check is a check block: what images are asked besides their contract.
type Check struct {
	Name        String
	Command     *List
	Environment *Map
	Exit        *Int
	Stdout      hcl.Expression
	Stderr      hcl.Expression
	Files       *Files
	Serves      *Serves
	Partial     bool      // as for Block
	Range       hcl.Range // the block's header
}

// Files are what files must be, by their paths.
type Files struct {
	Items []File
	Range hcl.Range
}

// File is what one file must be.
type File struct {
	Path    String
	Exists  *Bool
	Mode    *String
	Owner   *String
	Content hcl.Expression
}

// Serves is the answer that a server must give.
type Serves struct {
	Port   *Int
	Path   hcl.Expression
	Status *Int
	Body   hcl.Expression
	Within *String
	Range  hcl.Range
}

// checkBlock is the header of a check, which a project, runtime, base and version
// may have.
func checkBlock() hcl.BlockHeaderSchema {
	return hcl.BlockHeaderSchema{Type: "check", LabelNames: []string{"name"}}
}

// checks decodes the check blocks of a body.
func (d *decoder) checks(content *hcl.BodyContent) []*Check {
	var all []*Check
	for _, b := range d.distinct(content, "check") {
		all = append(all, d.check(String{b.Labels[0], b.LabelRanges[0]}, b))
	}
	return all
}

func (d *decoder) check(name String, block *hcl.Block) *Check {
	before := len(d.diags)
	a := d.content(block.Body, &hcl.BodySchema{
		Attributes: attributes("command", "environment", "exit", "stdout", "stderr", "files", "serves"),
	}, nil).Attributes
	c := &Check{
		Name: name, Command: d.list(a["command"]), Environment: d.object(a["environment"]), Exit: d.int(a["exit"]),
		Stdout: expression(
			a["stdout"],
		), Stderr: expression(a["stderr"]), Files: d.files(a["files"]), Range: block.DefRange,
	}
	if attr := a["serves"]; attr != nil {
		s := d.fields(attr, "port", "path", "status", "body", "within")
		c.Serves = &Serves{
			Port: d.int(
				s["port"],
			), Path: expression(s["path"]), Status: d.int(s["status"]), Body: expression(s["body"]),
			Within: d.string(s["within"]), Range: attr.Expr.Range(),
		}
	}
	c.Partial = d.broken || len(d.diags) > before
	return c
}

func (d *decoder) files(attr *hcl.Attribute) *Files {
	paths := d.object(attr)
	if paths == nil {
		return nil
	}
	files := &Files{Range: paths.Range}
	for _, item := range paths.Items {
		f := d.fields(&hcl.Attribute{Name: item.Key.Value, Expr: item.Value}, "exists", "mode", "owner", "content")
		files.Items = append(files.Items, File{
			Path: item.Key, Exists: d.bool(f["exists"]), Mode: d.string(f["mode"]), Owner: d.string(f["owner"]), Content: expression(f["content"]),
		})
	}
	return files
}

// fields reads an object whose keys are known as if they were the attributes of a
// block.
func (d *decoder) fields(attr *hcl.Attribute, names ...string) hcl.Attributes {
	fields := hcl.Attributes{}
	object := d.object(attr)
	if object == nil {
		return fields
	}
	for _, item := range object.Items {
		if !slices.Contains(names, item.Key.Value) {
			d.report(
				&item.Key.Range,
				fmt.Sprintf("Unknown key %q in %q", item.Key.Value, attr.Name),
				choices(item.Key.Value, names, "keys"),
			)
			continue
		}
		fields[item.Key.Value] = &hcl.Attribute{Name: item.Key.Value, Expr: item.Value}
	}
	return fields
}
