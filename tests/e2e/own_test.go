package e2e_test

import (
	"archive/tar"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/runbake/runbake/tests/bench"
)

// ownImages is a repository whose images are built on one another: by FROM, by
// COPY --from, by a mount, and through an argument.
const ownImages = `
-- runbake.hcl --
project {
  registry  = "registry.example/acme"
  platforms = ["linux/amd64"]
  attest {
    sbom       = false
    provenance = "none"
  }
}
-- runtimes/first/runtime.hcl --
base "first" {
  name = "First"

  version "1.0" {
    from = { BASE_IMAGE = "debian:bookworm-slim" }
  }
}
-- runtimes/first/Dockerfile --
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN echo first > /first
-- runtimes/second/runtime.hcl --
base "second" {
  name = "Second"

  version "1" {
    from = { BASE_IMAGE = base.first["1.0"] }
  }
}
-- runtimes/second/Dockerfile --
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN cat /first > /second
-- runtimes/a-third/runtime.hcl --
runtime "a-third" {
  name = "Third"
  kind = "interpreted"

  version "1" {}
}
-- runtimes/a-third/Dockerfile --
FROM registry.example/acme/first-base:1.0
COPY --from=registry.example/acme/second-base:1 /second /copied
RUN --mount=from=registry.example/acme/second-base:1,target=/mnt cat /copied /mnt/second > /third
`

// TestOwnImages: images of a repository that are built on one another are built
// in the right order by bake alone, and never looked for in a registry.
func TestOwnImages(t *testing.T) {
	t.Parallel()
	s := newStack(t, "", cachedFrom)
	dir := t.TempDir()
	unpack(t, dir, ownImages)
	if out, err := exec.CommandContext(t.Context(), s.Tool("runbake"), "generate", "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := []string{"REGISTRY=" + s.repository()}
	if _, err := s.buildx.Run(t.Context(), dir, env, "bake", "--push", "a-third"); err != nil {
		t.Fatal(err)
	}
	if got := content(t, s.repository()+"/a-third-runtime:1", "third"); got != "first\nfirst\n" {
		t.Errorf("the image was not built on the others: %q", got)
	}
}

// content is a file of an image.
func content(t *testing.T, ref, name string) string {
	t.Helper()
	files := mutate.Extract(image(t, ref))
	defer files.Close()
	archive := tar.NewReader(files)
	for {
		header, err := archive.Next()
		if err != nil {
			t.Fatalf("looking for %s: %v", name, err)
		}
		if strings.TrimPrefix(header.Name, "/") == name {
			text, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
}

// TestTour runs the command that the README promises to do the main job.
func TestTour(t *testing.T) {
	t.Parallel()
	bench.Require(t)
	cmd := exec.CommandContext(t.Context(), "go", "run", "./tests/tour")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !regexp.MustCompile(`(?m)^node-24 +linux/\S+ +pass`).Match(out) {
		t.Errorf("no function answers:\n%s", out)
	}
	for _, image := range []string{"runbake/node-runtime:24", "runbake/go-runtime:1.26", "runbake/debian-base:12"} {
		for _, platform := range bothPlatforms {
			row := regexp.MustCompile(regexp.QuoteMeta(image) + ` +` + platform + ` +sha256:[0-9a-f]{12} +[0-9.]+ MB`)
			if !row.Match(out) {
				t.Errorf("no row for %s on %s:\n%s", image, platform, out)
			}
		}
	}
}
