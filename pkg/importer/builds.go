package importer

import (
	"path"

	"github.com/hashicorp/hcl/v2"
)

// script is what one script does with images, in its order. Nothing was run to
// learn it: variables, loops, functions and branches are evaluated, both ways of
// a branch are read.
type script struct {
	Name   string
	events []event
}

// event is something that a script does with images: a build, or one of the
// others.
type event struct {
	build  *build
	push   *excerpt
	target *excerpt  // of a tag, or of images joined to one
	from   []excerpt // what is tagged, or joined
	at     hcl.Range
}

// build is one docker build of a script.
type build struct {
	Script     string    // the script that was asked for, which may read others
	Tags       []excerpt // as written
	Platforms  []excerpt // normalised; none if the machine's
	Context    excerpt   // from the root of the repository
	Dockerfile *excerpt  // from the root; nil for the context's
	Target     *excerpt
	Args       []pair
	Labels     []pair
	Contexts   []pair // folders from the root
	Push       bool
	Title      *excerpt // what the script said before
	Range      hcl.Range

	arms []arm
}

// dockerfileOf is the Dockerfile of a build, from the root.
func (b *build) dockerfileOf() string {
	if b.Dockerfile != nil {
		return b.Dockerfile.Value
	}
	return path.Join(b.Context.Value, "Dockerfile")
}

// arm is one way through an if or a case: builds in different arms of one
// command do not happen together.
type arm struct {
	node any
	way  int
}
