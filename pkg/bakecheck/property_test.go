package bakecheck_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	buildxbake "github.com/docker/buildx/bake"
	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
)

var (
	catalogues = flag.Int("catalogues", 0, "how many random catalogues TestRandomCatalogues makes; 0 for 40, or 2,000 with RUNBAKE_FULL=1")
	seed       = flag.Uint64("seed", 1, "what they are made from")
)

// TestRandomCatalogues: whatever the definitions say, the text, the model and
// bake's own reading of the text say the same, for the values of the variables
// that anybody may give.
func TestRandomCatalogues(t *testing.T) {
	n := *catalogues
	switch {
	case n > 0:
	case os.Getenv("RUNBAKE_FULL") == "1":
		n = 2000
	default:
		n = 40
	}
	t.Logf("%d catalogues, -seed %d", n, *seed)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			r := &random{Rand: rand.New(rand.NewPCG(*seed, uint64(i)))} //nolint:gosec // it is to be the same each time
			fsys := r.repository()
			if err := agree(t, r, fsys); err != nil {
				return fmt.Errorf("catalogue %d of -seed %d: %w\n%s", i, *seed, err, sources(fsys))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func agree(t *testing.T, r *random, fsys fstest.MapFS) error {
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	if diags = append(diags, more...); diags.HasErrors() {
		return fmt.Errorf("ordinary definitions are refused: %w", diags)
	}
	f := bake.FromCatalogue(c)
	src := f.Encode()
	if err := bakecheck.Verify(t.Context(), src, f, nil); err != nil {
		return err
	}
	v := r.value(f)
	err := errors.Join(bakecheck.VerifyWith(t.Context(), src, f, v), sameGroups(src, f, v))
	if refused := f.CheckTags(v); refused != nil {
		told := err != nil && (strings.Contains(err.Error(), "an image would get a tag") || strings.Contains(err.Error(), "would have the same names"))
		if !told {
			return fmt.Errorf("with %+v: bake takes what the model does not: %w; %w", v, refused, err)
		}
		v.TagSuffix, v.Revision, v.Registry = "", "", "registry.example"
		err = bakecheck.VerifyWith(t.Context(), src, f, v)
	}
	if err != nil {
		return fmt.Errorf("with %+v: %w", v, err)
	}
	return errors.Join(unique(f, v), oneByOne(f, v))
}

// oneByOne compares the builds of a file, each asked for, with all of them at once.
func oneByOne(f *bake.File, v bake.Values) error {
	all, single := slices.Concat(f.EvaluateAll(v), f.EvaluateTests(v)), f.Builds(v)
	for _, b := range all {
		if build := single[b.Name]; build == nil || !reflect.DeepEqual(build(), b) {
			return fmt.Errorf("%s alone is not what it is among all", b.Name)
		}
	}
	if len(all) != len(single) {
		return fmt.Errorf("%d builds alone, %d together", len(single), len(all))
	}
	return nil
}

// unique finds references that two images, or an image and a cache, have.
func unique(f *bake.File, v bake.Values) error {
	owners := map[string]string{}
	claim := func(ref, owner string) error {
		if other := owners[ref]; other != "" {
			return fmt.Errorf("%s is of %s and %s", ref, other, owner)
		}
		owners[ref] = owner
		return nil
	}
	var errs []error
	for _, b := range f.Evaluate(v) {
		for _, tag := range b.Tags {
			if !v.ByDigest || v.Local {
				errs = append(errs, claim(tag, b.Name))
			}
		}
		for _, cache := range b.CacheTo {
			errs = append(errs, claim(cmp.Or(cache["ref"], cache["dest"], cache["scope"]), "the cache of "+b.Name))
		}
	}
	return errors.Join(errs...)
}

// value sets every variable to something.
func (r *random) value(f *bake.File) bake.Values {
	var image string
	if len(f.Targets) > 0 {
		image = f.Targets[r.IntN(len(f.Targets))].Image // a cache in the repository of an image
	}
	v := bake.Values{
		Registry: one(r, "", "docker.io", "localhost:5000/x"), TagSuffix: one(r, "", "-rc", ".1", "_x", "0", "-1"), Revision: one(r, "", "0123abc", "-", "r.1", "1"),
		Local: r.chance(20), ByDigest: r.chance(20), Cache: one(r, "none", "registry", "gha", "local"), CacheRef: one(r, "", "localhost:5000/cache", "localhost:5000/x/"+image),
		Probe: one(r, "", "docker-image://probe", "./folder"),
	}
	if len(f.Variables) > 0 && r.chance(70) {
		v.Variables = map[string]string{"CHANNEL": one(r, "edge", "stable", "123", "0")}
	}
	if platforms := f.Platforms(); len(platforms) > 0 && (v.Local || r.chance(50)) {
		v.Platform = one(r, platforms...)
	}
	return v
}

// sameGroups compares the members of all groups. VerifyWith cannot compare
// those of default: bake makes a group of that name of what it is asked for.
func sameGroups(src []byte, f *bake.File, v bake.Values) error {
	builtin := map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": "linux/amd64"}
	vars := map[string]string{"PLATFORM": v.Platform}
	read, _, err := buildxbake.ParseFiles([]buildxbake.File{{Name: bake.FileName, Data: src}}, builtin, vars)
	if err != nil {
		return err
	}
	want := f.Members(v)
	if len(read.Groups) != len(want) {
		return fmt.Errorf("%d groups were meant, bake reads %d", len(want), len(read.Groups))
	}
	for _, g := range read.Groups {
		if !slices.Equal(g.Targets, want[g.Name]) {
			return fmt.Errorf("group %s: want %v, got %v", g.Name, want[g.Name], g.Targets)
		}
	}
	return nil
}

// sources shows the definitions of a repository.
func sources(fsys fstest.MapFS) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fsys)) {
		if text, err := fs.ReadFile(fsys, name); err == nil && strings.HasSuffix(name, ".hcl") {
			fmt.Fprintf(&b, "-- %s --\n%s", name, text)
		}
	}
	return b.String()
}
