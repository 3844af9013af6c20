package build_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/build"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/epoch"
	"github.com/runbake/runbake/pkg/inputs"
	"github.com/runbake/runbake/pkg/push"
	"github.com/runbake/runbake/pkg/registry"
)

// file has a base, an image that is built on it, and a deprecated one for one
// platform.
func file() *bake.File {
	both := []string{"linux/amd64", "linux/arm64"}
	return &bake.File{Registry: "r.example", Cache: catalogue.Cache{Type: "none"}, Targets: []bake.Target{
		{Name: "debian-12", ID: "debian-12", Image: "debian", Tags: []string{"12"}, Platforms: both, Bases: []catalogue.Image{
			{Ref: "debian:12", Platforms: both},
		}},
		{
			Name: "go-1_26", ID: "go-1.26", Image: "go", Tags: []string{"1.26"}, Platforms: both,
			Needs: []string{"debian-12"}, Contexts: map[string]string{"base": "target:debian-12"},
		},
		{Name: "php-8_0", ID: "php-8.0", Image: "php", Tags: []string{"8.0"}, Platforms: both[:1], Deprecated: "2025-01-01"},
	}}
}

// versions are those of the targets.
func versions(targets ...string) []*catalogue.Version {
	var all []*catalogue.Version
	for _, name := range targets {
		all = append(all, &catalogue.Version{Target: name})
	}
	return all
}

func environment(set map[string]string) bake.Lookup {
	return func(name string) (string, bool) {
		value, found := set[name]
		return value, found
	}
}

func plan(t *testing.T, o build.Options, targets ...string) *build.Plan {
	t.Helper()
	p, err := build.New(file(), versions(targets...), true, o, environment(nil), "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPlatforms: a push is of all platforms unless told, and all else of that of
// the machine.
func TestPlatforms(t *testing.T) {
	for _, c := range []struct {
		options  build.Options
		platform string // PLATFORM of the environment
		want     string
	}{
		{build.Options{}, "", "linux/amd64"},
		{build.Options{Push: true}, "", ""},
		{build.Options{Push: true}, "linux/arm64", "linux/arm64"},
		{build.Options{Push: true, Platform: "linux/arm64"}, "", "linux/arm64"},
		{build.Options{Platform: "all"}, "linux/arm64", ""},
	} {
		set := map[string]string{}
		if c.platform != "" {
			set["PLATFORM"] = c.platform
		}
		p, err := build.New(file(), versions("go-1_26"), true, c.options, environment(set), "linux/amd64")
		if err != nil || p.Values.Platform != c.want {
			t.Errorf("%+v with PLATFORM=%q: %v, want %q", c.options, c.platform, err, c.want)
		}
	}
	for asked, want := range map[string]string{"all": "", "arm64": "linux/arm64"} {
		if got, err := build.Platform(file(), asked); got != want || err != nil {
			t.Errorf("--platform=%s: %q, %v", asked, got, err)
		}
	}
	const refused = "--platform=linux/s390x: it is all, or one of linux/amd64, linux/arm64"
	if _, err := build.Platform(file(), "linux/s390x"); err == nil || err.Error() != refused {
		t.Errorf("got %v", err)
	}
}

// TestNew: what is built, where it goes, and what is refused.
func TestNew(t *testing.T) {
	all := []string{"debian-12", "go-1_26", "php-8_0"}
	for _, c := range []struct {
		name    string
		options build.Options
		set     map[string]string
		named   bool
		targets []string
		goal    build.Goal
		err     string
	}{
		{"nothing named", build.Options{}, nil, false, all[:2], build.Auto, ""},
		{"a deprecated one is named", build.Options{}, nil, true, all, build.Auto, ""},
		{"LOCAL", build.Options{}, map[string]string{"LOCAL": "1"}, false, all[:2], build.Load, ""},
		{"load", build.Options{Load: true}, nil, false, all[:2], build.Load, ""},
		{"push wins over LOCAL", build.Options{Push: true}, map[string]string{"LOCAL": "1"}, false, all[:2], build.Push, ""},
		{"a file each", build.Options{Output: "type=oci,dest={target}.tar"}, nil, false, all[:2], build.Export, ""},
		{"one file", build.Options{Output: "type=oci,dest=a.tar"}, nil, false, nil, "", "--output=type=oci,dest=a.tar: 2 images would be written there; put {target} into the name, or name one version"},
		{"a wrong variable", build.Options{}, map[string]string{"CACHE": "x"}, false, nil, "", `CACHE="x": it is one of none, registry, gha and local`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := build.New(file(), versions(all...), c.named, c.options, environment(c.set), "linux/amd64")
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Request(nil).Targets; !slices.Equal(got, c.targets) || p.Goal != c.goal {
				t.Errorf("got %q, %q; want %q, %q", got, p.Goal, c.targets, c.goal)
			}
		})
	}
	_, err := build.New(file(), versions("php-8_0"), false, build.Options{Push: true}, environment(nil), "linux/amd64")
	if nothing, is := errors.AsType[*build.NothingError](err); !is || nothing.Platform != "" {
		t.Errorf("got %v", err)
	}
}

// TestRequest: what buildx is told besides the file.
func TestRequest(t *testing.T) {
	none := engine.NoAttestations()
	decided := push.Decisions{
		"go-1_26":   {Action: push.Build, Inputs: &inputs.Target{ID: "id"}},
		"debian-12": {Action: push.Skip},
	}
	for _, c := range []struct {
		name      string
		plan      *build.Plan
		decisions push.Decisions
		want      []string
	}{
		{"nothing asked for", plan(t, build.Options{}, "go-1_26"), nil, none},
		{"printed", plan(t, build.Options{Print: true}, "go-1_26"), nil, nil},
		{"loaded", plan(t, build.Options{Load: true}, "go-1_26"), nil, nil},
		{
			"a folder, without the cache", plan(t, build.Options{Output: "out/{target}", NoCache: true}, "go-1_26"), nil,
			append([]string{"go-1_26.output=out/go-1_26", "*.no-cache=true"}, none...),
		},
		{
			"an archive with its time",
			plan(t, build.Options{Output: "type=oci,dest={target}.tar"}, "go-1_26").Dated(epoch.Times{"go-1_26": 7}, []string{"go-1_26.args.SOURCE_DATE_EPOCH=7"}), nil,
			[]string{"go-1_26.output=type=oci,dest=go-1_26.tar,rewrite-timestamp=true,source-date-epoch=7", "go-1_26.args.SOURCE_DATE_EPOCH=7"},
		},
		{"pushed", plan(t, build.Options{Push: true}, "debian-12", "go-1_26"), decided, []string{
			"*.push=true", "go-1_26.labels." + inputs.Label + "=id", "go-1_26.annotations=index:" + inputs.Label + "=id",
			"go-1_26.annotations=index:" + inputs.Label + ".components=null",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.plan.Request(c.decisions)
			if !slices.Equal(r.Overrides, c.want) {
				t.Errorf("got  %q\nwant %q", r.Overrides, c.want)
			}
			if !slices.Equal(r.Targets, []string{"go-1_26"}) {
				t.Errorf("it builds %q", r.Targets)
			}
		})
	}
}

// stand is a BuildKit and a registry of a test.
type stand struct {
	docker   bool
	lacking  map[string]engine.Mismatch
	results  map[string]engine.Result
	err      error
	requests []engine.Request
}

func (s *stand) Build(_ context.Context, r engine.Request) (map[string]engine.Result, error) {
	s.requests = append(s.requests, r)
	return s.results, s.err
}

func (s *stand) Lacking(context.Context, map[string][]string) (map[string]engine.Mismatch, error) {
	return s.lacking, nil
}
func (s *stand) DockerAnswers(context.Context) bool              { return s.docker }
func (*stand) Size(context.Context, string) (int64, error)       { return 7, nil }
func (*stand) LoadedSize(context.Context, string) (int64, error) { return 8, nil }

func (*stand) Annotations(context.Context, string) (*registry.Annotated, error) {
	return nil, registry.ErrNotFound
}

func (*stand) Content(context.Context, string) (*registry.Content, error) {
	return &registry.Content{}, nil
}
func (*stand) Keeps(context.Context, []string, *registry.Content) error { return nil }
func (*stand) Tag(context.Context, string, []string) error              { return nil }

func runner(s *stand, log *[]string) *build.Runner {
	return &build.Runner{
		Engine: s,
		World: push.World{
			Registry: func() (push.Registry, error) { return s, nil },
			Digests: func(context.Context, []string) (map[string]string, map[string]error, error) {
				return nil, nil, nil
			},
			Inputs: func(_ context.Context, builds []bake.Build, _ map[string]string) (map[string]*inputs.Target, error) {
				all := map[string]*inputs.Target{}
				for _, b := range builds {
					all[b.Name] = &inputs.Target{ID: b.Name}
				}
				return all, nil
			},
		},
		Log: func(line string) { *log = append(*log, line) },
	}
}

// TestRun: where images go when nobody says it, what is asked, and what is known
// of them then.
func TestRun(t *testing.T) {
	done := map[string]engine.Result{"go-1_26": {Attempts: 1, Metadata: map[string]string{engine.KeyDigest: "sha256:1"}}}
	for _, c := range []struct {
		name    string
		options build.Options
		stand   stand
		state   string
		size    int64
		log     string
		err     string
	}{
		{"Docker answers", build.Options{}, stand{docker: true, results: done}, "loaded", 8, "", ""},
		{"no Docker answers", build.Options{}, stand{results: done}, "built", 0, "the images stay in BuildKit's cache: no Docker answers; push them with --push or write them with --output", ""},
		{"all platforms", build.Options{Platform: "all"}, stand{docker: true, results: done}, "built", 0, "the images stay in BuildKit's cache: Docker loads images of one platform; push them with --push or write them with --output", ""},
		{"pushed", build.Options{Push: true}, stand{results: done}, "pushed", 7, "", ""},
		{
			"a base of another platform",
			build.Options{Push: true},
			stand{lacking: map[string]engine.Mismatch{"debian:12": {Is: "linux/amd64", Wanted: []string{"linux/arm64"}}}},
			"", 0, "",
			"debian:12 is an image for linux/amd64, and would be pushed as one for linux/arm64; take one that has the platform, or remove it from platforms",
		},
		{"BuildKit does not answer", build.Options{Push: true}, stand{err: errors.New("it is gone")}, "", 0, "", "it is gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log []string
			r := runner(&c.stand, &log)
			outcome, err := r.Run(t.Context(), plan(t, c.options, "go-1_26"))
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("got %v, want %s", err, c.err)
				}
				if left := outcome.Left(); !slices.Equal(left, []string{"go-1.26"}) {
					t.Errorf("left %q", left)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			image := outcome.Images(r.Sizes(t.Context(), outcome))[0]
			if image.State != c.state || image.Size != c.size || strings.Join(log, "\n") != c.log {
				t.Errorf("got %s of %d bytes, %q; want %s of %d bytes, %q", image.State, image.Size, log, c.state, c.size, c.log)
			}
			if failures, failed := outcome.Failures(); failed > 0 || len(failures) > 0 {
				t.Errorf("%d failures: %+v", failed, failures)
			}
			if left := outcome.Left(); len(left) > 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

// TestFailures: a base that nobody asked for is told of once, and before what
// needs it.
func TestFailures(t *testing.T) {
	base := errors.New("exit code: 100")
	p := plan(t, build.Options{Push: true}, "go-1_26", "php-8_0")
	outcome := &build.Outcome{Plan: p, Results: map[string]engine.Result{
		"debian-12": {Err: base, Step: "RUN a", Log: []string{"b"}, Linked: true},
		"go-1_26":   {Err: base, Step: "RUN a", Aborted: true},
		"php-8_0":   {Err: errors.New("exit code: 7"), Step: "RUN c"},
	}}
	failures, failed := outcome.Failures()
	var got []string
	for _, f := range failures {
		got = append(got, f.ID+":"+f.Step+":"+strings.Join(f.Needs, ","))
	}
	if want := []string{"debian-12:RUN a:", "go-1.26::debian-12", "php-8.0:RUN c:"}; !slices.Equal(got, want) || failed != 2 {
		t.Errorf("got %q, %d; want %q", got, failed, want)
	}
	if _, again := outcome.Failures(); again != failed {
		t.Error("asked twice, it says something else")
	}
	if left := outcome.Left(); !slices.Equal(left, []string{"go-1.26", "php-8.0"}) {
		t.Errorf("left %q", left)
	}
}

// TestVerify: each image is exported twice, the second time without the cache, and
// what failed is not built again.
func TestVerify(t *testing.T) {
	var log []string
	s := &stand{results: map[string]engine.Result{"go-1_26": {Err: errors.New("exit code: 7")}}}
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "runbake-verify-*"))
	if err != nil {
		t.Fatal(err)
	}
	images, outcome, err := runner(s, &log).Verify(t.Context(), plan(t, build.Options{Verify: true}, "go-1_26"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.requests) != 1 || slices.Contains(s.requests[0].Overrides, "*.no-cache=true") || !slices.Contains(s.requests[0].Overrides, "*.cache-to=") {
		t.Errorf("it asks for %+v", s.requests)
	}
	if images[0].State != "failed" || images[0].Error != "exit code: 7" {
		t.Errorf("got %+v", images)
	}
	if _, failed := outcome.Failures(); failed != 1 {
		t.Errorf("%d failed", failed)
	}
	if after, err := filepath.Glob(filepath.Join(os.TempDir(), "runbake-verify-*")); err != nil || len(after) > len(before) {
		t.Errorf("left behind: %q, %v", after, err)
	}
	s = &stand{results: map[string]engine.Result{"go-1_26": {}}}
	if _, _, err := runner(s, &log).Verify(t.Context(), plan(t, build.Options{Verify: true}, "go-1_26")); err == nil || !strings.HasPrefix(err.Error(), "comparing go-1.26: ") {
		t.Errorf("got %v", err)
	}
	if len(s.requests) != 2 || !slices.Contains(s.requests[1].Overrides, "*.no-cache=true") {
		t.Errorf("it asks for %+v", s.requests)
	}
}
