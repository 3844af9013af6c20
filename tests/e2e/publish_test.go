package e2e_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/runbake/runbake/tests/bench"
)

// runIn runs runbake in a folder and returns what it prints.
func (s *stack) runIn(t *testing.T, dir string, env []string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.Tool("runbake"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

// TestPublish: two machines push one platform each, by digest; publish joins
// them, and only then is there a tag. The image runs on both platforms.
func TestPublish(t *testing.T) {
	t.Parallel()
	s := newStack(t, "", "node:24.21.0-bookworm-slim")
	entries := s.list(t)
	e := entries[slices.IndexFunc(entries, func(e entry) bool { return e.ID == "node-24" })]
	repository := strings.TrimSuffix(e.BuildImage, ":24")
	env := []string{"REGISTRY=" + s.repository(), "REVISION=0123abc"}
	var files []string
	for i, x := range []*bench.Buildx{s.buildx, s.fresh(t)} {
		file := filepath.Join(t.TempDir(), "metadata.json")
		bake(t, x, append(env, "PLATFORM="+bothPlatforms[i]), "--metadata-file="+file,
			"--set=node-24.tags="+repository, "--set=node-24.output=type=image,push-by-digest=true,name-canonical=true,push=true", "node-24")
		files = append(files, file)
	}

	_, stderr, err := s.runIn(t, root, env, "publish", "--metadata="+files[0])
	if want := "runbake: node-24: no image for linux/arm64; build it, and give what that build wrote as well\n"; err == nil || !strings.HasPrefix(stderr, want) {
		t.Errorf("got %s, %v, want %s", stderr, err, want)
	}
	repo, err := name.NewRepository(repository, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if tags, err := remote.List(repo, remote.WithContext(t.Context())); err == nil && len(tags) > 0 {
		t.Errorf("there are tags before anything is published: %v", tags)
	}

	for _, state := range []string{"published", "unchanged"} {
		stdout, stderr, err := s.runIn(t, root, env, "publish", "--metadata="+files[0], "--metadata="+files[1])
		if err != nil || !strings.HasSuffix(stdout, " "+state+"\n") {
			t.Fatalf("%v\n%s%s", err, stdout, stderr)
		}
		t.Logf("%s", stdout)
	}
	checkIndex(t, e)
	s.answers(t, e)
}

// locked is a repository that takes images in every way there is.
const locked = `
-- runbake.hcl --
project {
  registry = "REGISTRY/own"
}
-- runtimes/x/runtime.hcl --
runtime "x" {
  name      = "X"
  kind      = "interpreted"
  platforms = ["linux/amd64"]

  version "1" {
    from = { BASE_IMAGE = "REGISTRY/others/base:1" }
  }
}
-- runtimes/x/Dockerfile --
ARG BASE_IMAGE=scratch
FROM MIRROR/library/debian:bookworm-slim AS run
RUN --mount=from=REGISTRY/others/tools:1,target=/mnt cp /mnt/which /mounted
FROM ${BASE_IMAGE}
COPY --from=REGISTRY/others/tools:1 /which /copied
COPY --from=run /mounted /mounted
`

// TestLock: what is locked is what is built from, in every way to take an image,
// after the tags have moved; without a lock it is what the tags are now.
func TestLock(t *testing.T) {
	t.Parallel()
	s := newStack(t, "", cachedFrom)
	dir := t.TempDir()
	text := strings.NewReplacer("REGISTRY", s.Registry(), "MIRROR", s.Mirror()).Replace(locked)
	unpack(t, dir, text)
	others := s.Registry() + "/others/"
	build := func(want string) {
		t.Helper()
		if out, stderr, err := s.runIn(t, dir, nil, "generate"); err != nil {
			t.Fatalf("%v\n%s%s", err, out, stderr)
		}
		if _, err := s.buildx.Run(t.Context(), dir, nil, "bake", "--push", "--sbom=false", "x-1"); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, file := range []string{"which", "copied", "mounted"} {
			got = append(got, content(t, s.Registry()+"/own/x-runtime:1", file))
		}
		if want := []string{want, want, want}; !slices.Equal(got, want) {
			t.Errorf("FROM, COPY and RUN took %q, want %q", got, want)
		}
	}
	pushFile(t, others+"base:1", "old")
	pushFile(t, others+"tools:1", "old")
	build("old")
	stdout, stderr, err := s.runIn(t, dir, nil, "lock")
	if err != nil || strings.Count(stdout, "added") != 3 {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	pushFile(t, others+"base:1", "new")
	pushFile(t, others+"tools:1", "new")
	build("old")
	if stdout, _, _ := s.runIn(t, dir, nil, "lock", "--check"); strings.Count(stdout, "moved") != 2 {
		t.Errorf("check says %s", stdout)
	}
	if _, stderr, err := s.runIn(t, dir, nil, "lock", "--update"); err != nil {
		t.Fatal(stderr)
	}
	build("new")
}

// pushFile pushes an image of both platforms that has one file.
func pushFile(t *testing.T, image, text string) {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "layer.tar")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "which"), text)
	if out, err := exec.CommandContext(t.Context(), "tar", "-C", dir, "-cf", archive, "which").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	layer, err := tarball.LayerFromFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	var index v1.ImageIndex = empty.Index
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := mutate.AppendLayers(empty.Image, layer)
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config.OS, config.Architecture = "linux", arch
		if img, err = mutate.ConfigFile(img, config); err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	pushIndex(t, image, index)
}
