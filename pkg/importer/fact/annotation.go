package fact

import (
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// annotation is how buildx takes one: [<level>[,<level>]…:]<key>=<value>, where a level
// may be of one platform.
var annotation = regexp.MustCompile(`^(?:((?:(?:manifest|index|manifest-descriptor|index-descriptor)(?:\[[A-Za-z0-9_/-]+\])?,?)+):)?([^\s=]+)=([\s\S]*)$`)

// Annotate adds an annotation to a build: definitions have theirs on the index and the
// manifests. whole is false where it is said of something else only, ok where it is none.
func (b *Build) Annotate(text string, at hcl.Range) (whole, ok bool) {
	m := annotation.FindStringSubmatch(text)
	if m == nil {
		return false, false
	}
	b.Annotations = append(slices.DeleteFunc(b.Annotations, func(p Pair) bool { return p.Name == m[2] }),
		Pair{Name: m[2], Value: m[3], Range: at})
	return m[1] == "index,manifest" || m[1] == "manifest,index", true
}

// Extra are the annotations that are no labels: labels are annotations as well.
func (b *Build) Extra() []Pair {
	return slices.DeleteFunc(slices.Clone(b.Annotations), func(a Pair) bool {
		return slices.ContainsFunc(b.Labels, func(l Pair) bool { return l.Name == a.Name && l.Value == a.Value })
	})
}
