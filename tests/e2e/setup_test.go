// Package e2e builds the images of this repository from the committed
// docker-bake.hcl, with a real buildx on a real BuildKit, for both platforms,
// into a real registry, and looks at what came out.
package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/tests/bench"
)

// root of the repository, from this package.
const root = "../.."

var bothPlatforms = []string{"linux/amd64", "linux/arm64"}

// entry is what runbake list says of a version.
type entry struct {
	ID, Key, Kind, BuildImage, RunImage, Entrypoint, Fixture string
	Platforms                                                []string
}

// stack is a bench with one BuildKit and a buildx for it.
type stack struct {
	*bench.Bench
	kit    *bench.BuildKit
	buildx *bench.Buildx
}

func newStack(t *testing.T, state string, standIns ...string) *stack {
	t.Helper()
	return newStackWith(t, bench.BuildKitOptions{State: state}, standIns...)
}

func newStackWith(t *testing.T, options bench.BuildKitOptions, standIns ...string) *stack {
	t.Helper()
	b := bench.ForTest(t, bench.Options{StandIns: standIns})
	kit, err := b.StartBuildKit(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	buildx, err := b.NewBuildx(t.Context(), bench.Node{Addr: kit.Addr})
	if err != nil {
		t.Fatal(err)
	}
	return &stack{b, kit, buildx}
}

// repository is where images are pushed to.
func (s *stack) repository() string { return s.Registry() + "/runbake" }

// bake runs docker buildx bake in the root of the repository.
func (s *stack) bake(t *testing.T, env []string, args ...string) {
	t.Helper()
	bake(t, s.buildx, append([]string{"REGISTRY=" + s.repository()}, env...), args...)
}

// registryRace is what Debian's docker-registry says, once in many runs, of a layer
// that two images push at the same time.
const registryRace = "provided digest did not match uploaded content"

func bake(t *testing.T, x *bench.Buildx, env []string, args ...string) string {
	t.Helper()
	args = append([]string{"bake", "--progress=plain"}, args...)
	_, progress, err := x.RunBoth(t.Context(), root, env, args...)
	if err != nil && strings.Contains(err.Error(), registryRace) {
		t.Logf("once more, for the registry's sake: %s", registryRace)
		_, progress, err = x.RunBoth(t.Context(), root, env, args...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return progress
}

// items are those of an envelope, as runbake writes JSON.
func items[T any](text []byte) ([]T, error) {
	var all struct{ Items []T }
	err := json.Unmarshal(text, &all)
	return all.Items, err
}

// list runs runbake list for the registry of the bench.
func (s *stack) list(t *testing.T) []entry {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.Tool("runbake"), "list", "--format", "json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := items[entry](out)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		entries[i].BuildImage = strings.Replace(entries[i].BuildImage, "docker.io/runbake", s.repository(), 1)
		entries[i].RunImage = strings.Replace(entries[i].RunImage, "docker.io/runbake", s.repository(), 1)
	}
	return entries
}

func index(t *testing.T, image string) (v1.ImageIndex, *v1.IndexManifest) {
	t.Helper()
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	idx, err := remote.Index(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := idx.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return idx, manifest
}

// image is an image of one platform, or the first of an index.
func image(t *testing.T, ref string) v1.Image {
	t.Helper()
	parsed, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(parsed, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// unpack writes the files of a txtar archive to a folder.
func unpack(t *testing.T, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		write(t, name, string(f.Data))
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
