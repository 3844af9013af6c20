package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
)

// head is the place that findings about a whole folder have: the first version
// that its definition has.
func (s *subject) head() hcl.Range {
	head := s.version.Range
	for _, v := range s.version.Runtime.Versions {
		if v.Range.Filename == head.Filename && v.Range.Start.Byte < head.Start.Byte {
			head = v.Range
		}
	}
	return head
}

func folderName(s *subject) []finding {
	name, key := path.Base(s.dir), s.version.Runtime.Key
	var names []string
	for _, v := range s.version.Runtime.Versions {
		if v.Range.Filename == s.version.Range.Filename && !slices.Contains(names, v.Release()) {
			names = append(names, v.Release())
		}
	}
	if name == key || len(names) == 1 && name == key+"-"+names[0] {
		return nil
	}
	want := key
	if len(names) == 1 {
		want = key + ", or " + key + "-" + names[0]
	}
	return []finding{{
		at: s.head(), summary: fmt.Sprintf("The folder %s is not named after %q", name, key),
		fix: fmt.Sprintf("Rename it to %s.", want),
	}}
}

func readme(s *subject) []finding {
	names := s.entries(s.dir)
	if slices.Contains(names, "README.md") {
		return nil
	}
	for _, n := range names {
		if base := strings.ToLower(n); base == "readme" || strings.HasPrefix(base, "readme.") {
			return []finding{{
				at: s.head(), summary: fmt.Sprintf("%s has %s instead of README.md", s.dir, n),
				fix: "Rename it.",
			}}
		}
	}
	return []finding{{at: s.head(), summary: fmt.Sprintf("%s has no README.md", s.dir)}}
}

func strayDockerfile(s *subject) []finding {
	var found []finding
	for _, n := range s.entries(s.version.Context) {
		full := path.Join(s.version.Context, n)
		if !strings.HasPrefix(strings.ToLower(n), "dockerfile") || strings.HasSuffix(n, ".dockerignore") ||
			s.built[full] {
			continue
		}
		found = append(found, finding{at: s.text(full).lines(1, 1), summary: fmt.Sprintf("Nothing builds %s", n)})
	}
	return found
}

// definitionFile is where the definition of a version's runtime is.
func definitionFile(v *catalogue.Version) string {
	return path.Join(path.Dir(v.Range.Filename), definition.RuntimeFile)
}
