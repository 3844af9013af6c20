package epoch

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// Output adds to an output what makes BuildKit rewrite times that are later, as
// far as the output has times, and unless it says so itself. The time is given
// here, and not as a build argument: that would be part of what BuildKit's cache
// compares, and a commit would build steps again that it did not change.
func Output(output string, time int64) string {
	attributes := bake.ParseAttributes(output)
	add := func(key, value string) {
		if attributes[key] == "" {
			output += "," + key + "=" + value
		}
	}
	switch attributes["type"] {
	case "image", "registry", "oci", "docker":
		add("rewrite-timestamp", "true")
		fallthrough
	case "local", "tar":
		add("source-date-epoch", strconv.FormatInt(time, 10))
	}
	return output
}

// Arguments set the build argument, as bake's --set does, where a Dockerfile asks
// for it, so that its steps can use it. The Dockerfiles of the folder have been
// read before, and without errors.
func (t Times) Arguments(fsys fs.FS, builds []bake.Build) []string {
	if t == nil {
		return nil
	}
	var overrides []string
	for _, b := range builds {
		if _, given := b.Args[Variable]; !given && declares(fsys, b) {
			overrides = append(overrides, fmt.Sprintf("%s.args.%s=%d", b.Name, Variable, t[b.Origin()]))
		}
	}
	return overrides
}

// declares reports whether the Dockerfile of a build asks for the time.
func declares(fsys fs.FS, b bake.Build) bool {
	name := b.DockerfilePath()
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return false
	}
	file, diags := dockerfile.Parse(name, text)
	return !diags.HasErrors() && slices.ContainsFunc(file.Args(), func(a dockerfile.Arg) bool { return a.Name == Variable })
}
