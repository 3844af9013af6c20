package fact

import "github.com/hashicorp/hcl/v2"

// Bake is one run of bake by a script or a pipeline: files that are read as one, and
// what is set for them.
type Bake struct {
	Folder  string // from the root, that it runs in
	Files   []Text // from the root, in their order; none where bake looks for them in Folder
	Targets []Text // none for the group default
	// Variables are those of its environment, whatever bake files have of that name.
	Variables []Setting
	Set       []Text // --set: <target>.<attribute>=<value>
	Names     []Naming
	Push      bool
	Range     hcl.Range
}

// Setting is a variable that is set where bake runs.
type Setting struct {
	Name, Value string
	Why         string // its value is not known; "" if it is
	Range       hcl.Range
}

// Naming is what a bake file says of a target that is made when it runs, as by
// docker/metadata-action.
type Naming struct {
	Target string
	Tags   []Text
	Labels []Pair
	Range  hcl.Range
}

// move gives everything that was found of a run the places of what its text was made of.
func (b *Bake) move(move func(hcl.Range) hcl.Range) {
	b.Range = move(b.Range)
	for _, list := range [][]Text{b.Files, b.Targets, b.Set} {
		for i := range list {
			list[i].Range = move(list[i].Range)
		}
	}
	for i := range b.Variables {
		b.Variables[i].Range = move(b.Variables[i].Range)
	}
}
