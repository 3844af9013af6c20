package dockerfile

import (
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/runbake/runbake/pkg/platform"
)

// Stage is a stage that has a name.
type Stage struct {
	Name  string
	Image string // what it is built on, when it is nothing but that image; else ""
	Range hcl.Range
}

// Stages lists the named stages that a build of a stage ("" for the last one)
// reaches, over all the platforms, in the order of the file. BuildKit puts a
// named context in the place of a stage of the same name.
func (f *File) Stages(stage string, args map[string]string, targets []string) []Stage {
	if !slices.ContainsFunc(f.stages, func(s instructions.Stage) bool { return s.Name != "" }) {
		return nil
	}
	if len(targets) == 0 {
		targets = []string{buildPlatform}
	}
	if !f.dependsOnPlatform() {
		targets = targets[:1]
	}
	reached := make([]*Stage, len(f.stages))
	for _, target := range targets {
		w := f.walk(args, target)
		start, ok := w.find(stage)
		if !ok {
			return nil
		}
		w.stage(start, true)
		for i := range f.stages {
			s := &f.stages[i]
			if s.Name == "" || !w.done[i] {
				continue
			}
			image := w.bases[i]
			if w.parents[i] >= 0 || len(w.commands[i]) > 0 || reached[i] != nil && reached[i].Image != image {
				image = ""
			}
			reached[i] = &Stage{Name: s.Name, Image: image, Range: f.place(s.Location)}
		}
	}
	var stages []Stage
	for _, s := range reached {
		if s != nil {
			stages = append(stages, *s)
		}
	}
	return stages
}

// ContextName is the name under which BuildKit looks for an image, or a stage,
// among the named contexts: the familiar form, without :latest. One for a single
// platform, which BuildKit looks for first, has ::linux/arm64 behind it.
func ContextName(name string) string {
	if image, of, found := strings.Cut(name, contextPlatform); found {
		if normal, err := platform.Normal(of); err == nil {
			of = normal
		}
		return ContextName(image) + contextPlatform + of
	}
	if !strings.ContainsAny(name, "/:@") { // names of stages: what would be made of them is the same, and parsing takes time
		return name
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return strings.TrimSuffix(reference.FamiliarString(named), ":latest")
}

// contextPlatform stands between the name of a context and the one platform
// that it is for.
const contextPlatform = "::"

// SplitContext parts the name of a context from the one platform that it is for,
// "" for all.
func SplitContext(name string) (image, of string) {
	image, of, _ = strings.Cut(name, contextPlatform)
	return image, of
}
