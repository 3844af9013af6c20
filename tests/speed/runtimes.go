package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/tests/bench"
)

// measuring is what figures are taken with.
type measuring struct {
	*bench.Bench
	addr    string // of the BuildKit that has built everything before
	buildx  *bench.Buildx
	figures *figures
	chosen  []*figure // of these, what is measured
}

// timeRuntimes measures images of this repository on each of their platforms,
// all of them unless some are named, and writes docs/runtimes.json and the
// tables made of it. What is not measured keeps its figures.
func timeRuntimes(ctx context.Context, state string, buildsOf, ids []string) (err error) {
	entries, err := entries(".")
	if err != nil {
		return err
	}
	b, err := bench.Start(ctx, bench.Options{Log: os.Stderr, StandIns: bench.StandIns()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	kit, err := b.StartBuildKit(ctx, bench.BuildKitOptions{State: state})
	if err != nil {
		return err
	}
	m := &measuring{Bench: b, addr: kit.Addr, figures: &figures{Machine: machine(), Date: time.Now().Format(time.DateOnly)}}
	before, err := readFigures(figuresFile)
	if errors.Is(err, fs.ErrNotExist) {
		before, err = &figures{}, nil
	}
	if err != nil {
		return err
	}
	m.figures.Images = blank(entries)
	for i := range m.figures.Images {
		f := &m.figures.Images[i]
		if len(ids) == 0 || slices.Contains(ids, f.ID) {
			m.chosen = append(m.chosen, f)
		} else if old := before.find(f.ID, f.Platform); old != nil {
			*f = *old
		}
	}
	if m.buildx, err = b.NewBuildx(ctx, bench.Node{Addr: kit.Addr}); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"contract", func(ctx context.Context) error { return m.contract(ctx, ids) }},
		{"sizes", func(ctx context.Context) error { return m.sizes(ctx, entries) }},
		{"speed", m.speed},
		{"builds", func(ctx context.Context) error { return m.builds(ctx, buildsOf) }},
	} {
		begin := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %.0f s\n", step.what, time.Since(begin).Seconds())
		if err := m.figures.write(); err != nil { // the next step may fail
			return err
		}
	}
	return nil
}

// entries are the versions that the definitions of a repository have.
func entries(root string) ([]catalogue.Entry, error) {
	fsys := os.DirFS(root)
	set, diags := definition.Load(fsys)
	if diags.HasErrors() {
		return nil, diags
	}
	c, diags := catalogue.Resolve(set, fsys)
	if diags.HasErrors() {
		return nil, diags
	}
	return c.Entries(c.Versions()), nil
}

// machine says what figures were taken on.
func machine() string {
	memory := ""
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kilobytes int64
		if _, err := fmt.Sscanf(string(data), "MemTotal: %d kB", &kilobytes); err == nil {
			memory = fmt.Sprintf(" and %.0f GiB of memory", float64(kilobytes)/(1<<20))
		}
	}
	return fmt.Sprintf("A machine with %d cores%s, %s/%s", runtime.NumCPU(), memory, runtime.GOOS, runtime.GOARCH)
}

// runbake runs it in this repository, and reads the JSON that it writes.
func (m *measuring) runbake(ctx context.Context, out any, args ...string) error {
	cmd := exec.CommandContext(ctx, m.Tool("runbake"), append(args, "--format=json")...)
	cmd.Env = append(os.Environ(), "BUILDKIT_HOST="+m.addr)
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if err != nil && len(data) == 0 {
		return fmt.Errorf("runbake %s: %w", strings.Join(args, " "), err)
	}
	return json.Unmarshal(data, out) // a failed test is a figure too
}

// contract runs the tests of versions; of all without ids.
func (m *measuring) contract(ctx context.Context, ids []string) error {
	var report struct{ Items []conformance.Run }
	if err := m.runbake(ctx, &report, append([]string{"test", "--platform=all", "--progress=quiet"}, ids...)...); err != nil {
		return err
	}
	for _, run := range report.Items {
		if run.Report == nil {
			return fmt.Errorf("%s on %s: %s", run.ID, run.Platform, run.Error)
		}
		f := m.figures.find(run.ID, run.Platform)
		f.Passed, f.Failed = run.Report.Count(conformance.Pass), run.Report.Count(conformance.Fail)
	}
	return nil
}

// sizes pushes all images, and reads them back.
func (m *measuring) sizes(ctx context.Context, entries []catalogue.Entry) error {
	repository := m.Registry() + "/speed"
	args := []string{"bake", "--push"}
	for _, f := range m.chosen {
		args = append(args, target(f.ID))
	}
	if _, err := m.buildx.Run(ctx, ".", []string{"REGISTRY=" + repository}, slices.Compact(args)...); err != nil {
		return err
	}
	known := map[v1.Hash]int64{} // of layers, uncompressed
	for _, f := range m.chosen {
		at := slices.IndexFunc(entries, func(e catalogue.Entry) bool { return e.ID == f.ID })
		image := entries[at].BuildImage
		if err := measureImage(ctx, repository+image[strings.LastIndexByte(image, '/'):], f, known); err != nil {
			return err
		}
	}
	return nil
}

// target is bake's name of a version.
func target(id string) string { return strings.ReplaceAll(id, ".", "_") }

func measureImage(ctx context.Context, ref string, f *figure, known map[v1.Hash]int64) error {
	parsed, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		return err
	}
	wanted, err := v1.ParsePlatform(f.Platform)
	if err != nil {
		return err
	}
	image, err := remote.Image(parsed, remote.WithContext(ctx), remote.WithPlatform(*wanted))
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return err
		}
		compressed, err := layer.Size()
		if err != nil {
			return err
		}
		if _, counted := known[digest]; !counted {
			if known[digest], err = uncompressed(layer); err != nil {
				return err
			}
		}
		f.Compressed += compressed
		f.Uncompressed += known[digest]
	}
	return nil
}

func uncompressed(layer v1.Layer) (int64, error) {
	r, err := layer.Uncompressed()
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, r)
	return n, errors.Join(err, r.Close())
}

// speed starts the server of each version, and counts answers of the fixture:
// one after another, so that none takes another's time.
func (m *measuring) speed(ctx context.Context) error {
	loader, err := m.NewLoader(m.buildx, ".")
	if err != nil {
		return err
	}
	for _, f := range m.chosen {
		if f.Base {
			continue
		}
		reports, err := loader.Run(ctx, f.Platform, "speed"+bench.LoadFixture+"-time 2s", f.ID)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(reports[f.ID], f); err != nil {
			return err
		}
	}
	return nil
}

// builds times all steps of each image, with its base image at hand, on a
// BuildKit of its own: what the other has in its cache stays as it is.
func (m *measuring) builds(ctx context.Context, platforms []string) error {
	kit, err := m.StartBuildKit(ctx, bench.BuildKitOptions{})
	if err != nil {
		return err
	}
	buildx, err := m.NewBuildx(ctx, bench.Node{Addr: kit.Addr})
	if err != nil {
		return err
	}
	for _, f := range m.chosen {
		if !slices.Contains(platforms, f.Platform) {
			continue
		}
		build := func(more ...string) error {
			_, err := buildx.Run(ctx, ".", []string{"PLATFORM=" + f.Platform}, append([]string{
				"bake", target(f.ID), "--provenance=false", "--sbom=false", "--set=*.output=type=cacheonly",
			}, more...)...)
			return err
		}
		if err := build(); err != nil { // the base image is there then
			return err
		}
		begin := time.Now()
		if err := build("--no-cache"); err != nil {
			return err
		}
		f.Build = time.Since(begin).Seconds()
	}
	return nil
}
