package importer_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer"
)

var (
	repositories = flag.Int("repositories", 200, "how many repositories with planted mistakes are imported")
	repoSeed     = flag.Uint64("repository-seed", 1, "seed of the first one")
)

// said is all that a report says, one thing a line.
func said(r *importer.Result) []string {
	var all []string
	for _, d := range r.Diagnostics {
		all = append(all, fmt.Sprintf("%s: %s. %s", diag.Place(*d.Subject), d.Summary, d.Detail))
	}
	return all
}

// TestPlantedMistakes imports repositories of the kind with mistakes, and counts
// what of them is found, what is missed, and what is said without reason.
func TestPlantedMistakes(t *testing.T) {
	type score struct{ planted, found int }
	scores := map[string]*score{}
	falsely := 0
	for n := range *repositories {
		seed := *repoSeed + uint64(n)
		rnd := rand.New(rand.NewPCG(seed, 1))
		r := generate(rnd)
		var may []*regexp.Regexp
		must := map[string][]*regexp.Regexp{}
		for range rnd.IntN(7) {
			m := mistakes[rnd.IntN(len(mistakes))]
			has, also := m.plant(r)
			for _, s := range has {
				must[m.name] = append(must[m.name], regexp.MustCompile(s))
			}
			for _, s := range slices.Concat(has, also) {
				may = append(may, regexp.MustCompile(s))
			}
		}
		fsys, names := r.files()
		result := importer.Import(fsys, names, importer.Options{})
		lines := said(result)
		for name, all := range must {
			if scores[name] == nil {
				scores[name] = &score{}
			}
			for _, re := range all {
				scores[name].planted++
				if slices.ContainsFunc(lines, re.MatchString) {
					scores[name].found++
					continue
				}
				t.Errorf("seed %d: missed: %s: %s", seed, name, re)
			}
		}
		for _, line := range lines {
			if !slices.ContainsFunc(may, func(re *regexp.Regexp) bool { return re.MatchString(line) }) {
				falsely++
				t.Errorf("seed %d: said without reason: %s", seed, line)
			}
		}
		generates(t, seed, fsys, result)
	}
	planted, found := 0, 0
	for _, m := range mistakes {
		if s := scores[m.name]; s != nil {
			planted, found = planted+s.planted, found+s.found
			t.Logf("%-55s %4d of %4d", m.name, s.found, s.planted)
		}
	}
	t.Logf("%d repositories from seed %d: %d mistakes planted, %d found, %d missed, %d said without reason",
		*repositories, *repoSeed, planted, found, planted-found, falsely)
}

// generates fails unless the definitions that an import writes load, and no image
// has a name that nothing was said of.
func generates(t *testing.T, seed uint64, fsys fstest.MapFS, r *importer.Result) {
	t.Helper()
	written := maps.Clone(fsys)
	for _, f := range r.Files {
		written[f.Name] = &fstest.MapFile{Data: f.Text, Mode: 0o644}
	}
	set, diags := definition.Load(written)
	c, more := catalogue.Resolve(set, written)
	for _, d := range slices.Concat(diags, more) {
		if d.Severity == hcl.DiagError && len(r.Files) > 0 {
			t.Errorf("seed %d: written definitions do not load: %s: %s", seed, d.Summary, d.Detail)
		}
	}
	if diags.HasErrors() || more.HasErrors() {
		return
	}
	file := bake.FromCatalogue(c)
	if len(file.Encode()) == 0 {
		t.Errorf("seed %d: nothing is generated", seed)
	}
}
