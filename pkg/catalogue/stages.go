package catalogue

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// Stage is a stage of a Dockerfile that has a name.
type Stage = dockerfile.Stage

// hidden is the stage that BuildKit would leave out for a context of the name.
// A context that is the image which the stage is, and nothing more, hides
// nothing.
func (v *Version) hidden(context string, image bool) (Stage, bool) {
	context, _ = dockerfile.SplitContext(context)
	for _, s := range v.Stages {
		isImage := image && dockerfile.ContextName(s.Image) == context
		if s.Name == context && !isImage {
			return s, true
		}
	}
	return Stage{}, false
}

// HiddenStages are errors about stages that would be lost to images that are
// pinned: a pin is a named context, and BuildKit takes that in the place of a
// stage of its name. pinned says what is pinned, by the names in full.
func (c *Catalogue) HiddenStages(pinned func(name string) bool) hcl.Diagnostics {
	r := &resolver{}
	for _, v := range c.Versions() {
		for _, b := range v.Bases {
			if b.Syntax || !pinned(b.Name) { // what reads the Dockerfile is pinned by an argument
				continue
			}
			if s, found := v.hidden(b.Context, true); found {
				r.report(s.Range, fmt.Sprintf("Stage %q has the name of an image that is locked", s.Name),
					fmt.Sprintf("%s takes %s by its digest, as a named context, and BuildKit puts that in the place of the stage. Rename the stage, or give the image at %s a tag.",
						v.ID, b.Ref, diag.Place(b.Range)))
			}
		}
	}
	return diag.Sort(r.diags)
}

// stagesKept refuses named contexts, and images of this repository, that would
// take the place of a stage.
func stagesKept(r *resolver, _ *Catalogue) {
	for _, s := range r.scopes {
		v := s.version
		for _, e := range s.contexts {
			if stage, found := v.hidden(dockerfile.ContextName(e.key.Value), false); found {
				r.report(e.key.Range, fmt.Sprintf("Context %q has the name of a stage", e.key.Value),
					fmt.Sprintf("BuildKit would take it in the place of the stage at %s. Rename one of the two.", diag.Place(stage.Range)))
			}
		}
		for _, n := range v.Needs {
			if stage, found := v.hidden(n.Context, true); found {
				r.report(stage.Range, fmt.Sprintf("Stage %q has the name of an image of this repository", stage.Name),
					fmt.Sprintf("%s takes %s from the build of %s, as a named context, and BuildKit puts that in the place of the stage. Rename the stage.",
						v.ID, n.Ref, n.Version.ID))
			}
		}
	}
}
