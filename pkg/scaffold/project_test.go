package scaffold_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/scaffold"
)

// TestNewProject: what a repository starts with loads without a word, and is known
// again until somebody adds to it.
func TestNewProject(t *testing.T) {
	for name, o := range map[string]scaffold.ProjectOptions{
		"no registry": {}, "registry": {Registry: "ghcr.io/acme"},
		"services": {Registry: "ghcr.io/acme", Services: []string{"github", "gitlab"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := scaffold.NewProject(o, fstest.MapFS{})
			if err != nil {
				t.Fatal(err)
			}
			if sources, diags := c.Check(fstest.MapFS{}); len(diags) > 0 || len(c.Files) != 2 {
				t.Errorf("%v of %s", diags, sources)
			}
			if asked := len(c.Next) > 0; asked != (o.Registry == "") {
				t.Errorf("left to do: %q", c.Next)
			}
			fsys := over(c, nil)
			again, untouched := scaffold.Untouched(fsys)
			if !untouched || again.Registry != o.Registry || !slices.Equal(again.Services, o.Services) {
				t.Errorf("it is not known again: %+v, %t", again, untouched)
			}
			set, _ := definition.Load(fsys)
			if p, _ := catalogue.Resolve(set, fsys); len(o.Services) > 0 && !slices.Equal(p.Project.Workflows, o.Services) {
				t.Errorf("workflows %q", p.Project.Workflows)
			}
			fsys[definition.ProjectFile].Data = append(fsys[definition.ProjectFile].Data, "# more\n"...)
			if _, untouched := scaffold.Untouched(fsys); untouched {
				t.Error("what somebody added to is taken for new")
			}
		})
	}
}

func over(c *scaffold.Change, fsys fstest.MapFS) fstest.MapFS {
	if fsys == nil {
		fsys = fstest.MapFS{}
	}
	for _, f := range c.Files {
		fsys[f.Path] = &fstest.MapFile{Data: f.Content, Mode: f.Mode}
	}
	return fsys
}

// TestNewProjectAttributes: a .gitattributes that is there stays as it is, and
// nothing of it is ever lost.
func TestNewProjectAttributes(t *testing.T) {
	for _, c := range []struct {
		have  string
		force bool
		want  string
		next  bool
	}{
		{"*.png binary\n", false, "*.png binary\n", true},
		{"*.png binary\n", true, "* text=auto eol=lf\n*.png binary\n", false},
		{"* text=auto eol=lf\n*.png binary\n", false, "* text=auto eol=lf\n*.png binary\n", false},
		{"* text=auto eol=lf\n", true, "* text=auto eol=lf\n", false},
		{"*.sh text eol=lf\n", false, "*.sh text eol=lf\n", true},
	} {
		fsys := fstest.MapFS{".gitattributes": {Data: []byte(c.have)}}
		change, err := scaffold.NewProject(scaffold.ProjectOptions{Registry: "ghcr.io/acme", Force: c.force}, fsys)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(over(change, fsys)[".gitattributes"].Data); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.have, got, c.want)
		}
		if said := strings.Contains(strings.Join(change.Next, "\n"), ".gitattributes"); said != c.next {
			t.Errorf("%q: left to do: %q", c.have, change.Next)
		}
	}
}

// TestComplete: services are added to the project of an import, and nothing else.
func TestComplete(t *testing.T) {
	const project = "project {\n  registry = \"ghcr.io/acme\"\n}\n"
	if got := string(scaffold.ProjectOptions{}.Complete([]byte(project))); got != project {
		t.Errorf("got %s", got)
	}
	want := "project {\n  registry  = \"ghcr.io/acme\"\n  workflows = [\"gitlab\"]\n}\n"
	if got := string(scaffold.ProjectOptions{Services: []string{"gitlab"}}.Complete([]byte(project))); got != want {
		t.Errorf("got %s", got)
	}
}
