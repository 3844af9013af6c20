package pipeline

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// bakeAction notes the bake files that a step builds.
func (r *reader) bakeAction(st *step) {
	dir := or(st.value("workdir"), ".")
	if source := st.value("source"); source != "" && source != "." {
		dir = strings.TrimPrefix(source, "{{defaultContext}}:")
	}
	r.bakeFiles(st.list("files", true), dir, r.place(st.node))
	for _, set := range st.list("set", false) {
		key, _, _ := strings.Cut(set.Value, "=")
		if _, attr, is := strings.Cut(key, "."); is && !slices.Contains([]string{"cache-from", "cache-to", "output", "attest", "no-cache", "pull"}, attr) {
			r.warn(fact.RuleIgnored, set.Range, fmt.Sprintf("%s is set when it is built", r.shown(key)),
				"The definition has what the bake file says.")
		}
	}
}

// usualBakeFiles are those that bake takes without being told, in its order.
var usualBakeFiles = []string{
	"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", "docker-bake.json", "docker-bake.hcl",
	"docker-bake.override.json", "docker-bake.override.hcl",
}

// bakeFiles notes bake files that are built in a folder: the usual ones, where none
// are named.
func (r *reader) bakeFiles(files []fact.Text, dir string, at hcl.Range) {
	if len(files) == 0 {
		for _, name := range usualBakeFiles {
			if info, err := r.stat(path.Join(dir, name)); err == nil && !info.IsDir() {
				files = append(files, fact.Text{Value: name, Range: at})
			}
		}
		if len(files) == 0 {
			r.fail(fact.RuleNotUnderstood, at, "There is no bake file to build", "Neither docker-bake.hcl nor a compose file is there.")
		}
	}
	for _, f := range files {
		name := path.Join(dir, f.Value)
		if own, is := strings.CutPrefix(f.Value, "cwd://"); is {
			name = path.Clean(own)
		}
		if why := dynamic(r, f.Value+dir); why != "" || name == "." {
			r.warn(fact.RuleInexpressible, f.Range, "A bake file is made when it runs",
				"What it says of names and labels is not imported. Definitions have tags of their own.")
			continue
		}
		if info, err := r.stat(name); err != nil || info.IsDir() {
			r.note(fact.Note{Range: f.Range, Kind: fact.LeftOut, Text: fmt.Sprintf("the bake file %s: it is not in the repository", name)})
			continue
		}
		if !slices.Contains(r.bake, name) {
			r.bake = append(r.bake, name)
		}
	}
}
