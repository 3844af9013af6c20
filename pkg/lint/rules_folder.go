package lint

import (
	"fmt"
	"path"
	"regexp"
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
		if v.Range.Filename == s.version.Range.Filename {
			names = append(names, v.Name)
		}
	}
	if name == key || len(names) == 1 && name == s.version.ID {
		return nil
	}
	want := key
	if len(names) == 1 {
		want = key + ", or " + s.version.ID
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

// readmeText is the README of the folder, by whatever name.
func (s *subject) readmeText() *text {
	for _, n := range s.entries(s.dir) {
		if strings.EqualFold(n, "README.md") {
			return s.text(path.Join(s.dir, n))
		}
	}
	return nil
}

// readmeTopics are what a README must say something of.
var readmeTopics = []struct {
	what  string
	words *regexp.Regexp
}{
	{"the base image", regexp.MustCompile(`(?i)\bbase image|\bimage\b|\bFROM\b`)},
	{"the HTTP server", regexp.MustCompile(`(?i)\bserver\b`)},
	{"how a function brings dependencies", regexp.MustCompile(`(?i)dependenc|package|librar`)},
}

func readmeContent(s *subject) []finding {
	t := s.readmeText()
	if t == nil || t.data == nil {
		return nil
	}
	var missing []string
	for _, topic := range readmeTopics {
		if !topic.words.Match(t.data) {
			missing = append(missing, topic.what)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []finding{{at: t.lines(1, 1), summary: "The README does not name " + strings.Join(missing, ", nor ")}}
}

var (
	heading       = regexp.MustCompile(`(?m)^#\s+(.*)$`)
	versionNumber = regexp.MustCompile(`\b\d+(?:\.\d+)*\b`)
)

func readmeVersion(s *subject) []finding {
	t := s.readmeText()
	if t == nil {
		return nil
	}
	m := heading.FindSubmatchIndex(t.data)
	if m == nil {
		return nil
	}
	numbers := versionNumber.FindAllString(string(t.data[m[2]:m[3]]), -1)
	var names []string
	for _, v := range s.version.Runtime.Versions {
		if path.Dir(v.Range.Filename) == s.dir {
			names = append(names, v.Name)
		}
	}
	for _, n := range numbers {
		if slices.ContainsFunc(names, func(name string) bool { return name == n || compatible(name, n) }) ||
			strings.Contains(s.version.Runtime.Name, n) {
			return nil
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	return []finding{{
		at: t.part(m[2], m[3]),
		summary: fmt.Sprintf("The README is about version %s; the folder has %s", numbers[0],
			strings.Join(names, ", ")),
	}}
}

// compatible reports whether two versions agree as far as both go: 16 and 16.0,
// 3.10.4 and 3.10.
func compatible(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	n := min(len(x), len(y))
	return slices.Equal(x[:n], y[:n])
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
