package e2e_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/runbake/runbake/tests/bench"
)

// repeatable is a repository with an image that is the same whenever it is
// built, one that is built on it, two that are not, and one that takes for ever.
const repeatable = `
-- runbake.hcl --
project {
  registry  = "registry.example/acme"
  platforms = ["linux/amd64"]
  attest {
    sbom       = false
    provenance = "none"
  }
}
-- runtimes/steady/runtime.hcl --
base "steady" {
  name = "Steady"

  version "1" {
    from = { BASE_IMAGE = "debian:bookworm-slim" }
  }
}
-- runtimes/steady/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
RUN groupadd --gid 2000 somebody && mkdir -p /data && echo text > /data/text && ln -s text /data/link
WORKDIR /srv/made/here
COPY Dockerfile ./
-- runtimes/upon/runtime.hcl --
base "upon" {
  name = "Upon"

  version "1" {
    from = { BASE_IMAGE = base.steady["1"] }
  }
}
-- runtimes/upon/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
ARG SOURCE_DATE_EPOCH
RUN echo "built at ${SOURCE_DATE_EPOCH}" > /data/when
-- runtimes/chance/runtime.hcl --
base "chance" {
  name = "Chance"

  version "1" {
    from = { BASE_IMAGE = "debian:bookworm-slim" }
  }
}
-- runtimes/chance/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
RUN echo always > /before
RUN mkdir /var/chance && echo fixed > /var/chance/a && head -c 8 /dev/urandom > /var/chance/random
-- runtimes/clock/runtime.hcl --
base "clock" {
  name = "Clock"

  version "1" {
    from = { BASE_IMAGE = "debian:bookworm-slim" }
  }
}
-- runtimes/clock/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
RUN date +%s.%N > /etc/built
-- runtimes/endless/runtime.hcl --
base "endless" {
  name = "Endless"

  version "1" {
    from = { BASE_IMAGE = "debian:bookworm-slim" }
  }
}
-- runtimes/endless/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
RUN echo it begins; sleep infinity
`

// verifiedImage is one of the result of runbake build --verify-reproducible.
type verifiedImage struct {
	ID, State string
	Epoch     int64
	Platforms []struct {
		Platform, First, Second string
		Differences             []struct {
			Layer             int
			Instruction, Path string
			Changes           []struct{ What, Name, First, Second string }
		}
	}
}

// repeater builds the images of a repository on BuildKits of its own.
type repeater struct {
	*bench.Bench
	dir, temp string
}

func (r *repeater) command(t *testing.T, kit *bench.BuildKit, registry string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), r.Tool("runbake"), append([]string{"build", "--progress=plain"}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + r.temp, "PLATFORM=linux/amd64", "REGISTRY=" + registry, "BUILDKIT_HOST=" + kit.Addr}
	return cmd
}

// TestReproducible: two BuildKits that have nothing in common make the same
// digests, and what is built on another image has its layers.
// --verify-reproducible says so, and names what differs in images that are not
// the same twice; it leaves nothing, also when it is interrupted.
func TestReproducible(t *testing.T) {
	t.Parallel()
	r := &repeater{bench.ForTest(t, bench.Options{StandIns: []string{"debian:bookworm-slim"}}), t.TempDir(), t.TempDir()}
	unpack(t, r.dir, repeatable)
	git(t, r.dir, "init", "--quiet")
	git(t, r.dir, "add", "--all")
	git(t, r.dir, "commit", "--quiet", "--message=all")
	var kits []*bench.BuildKit
	digests := map[string]string{}
	for _, registry := range []string{r.Registry() + "/one", r.Registry() + "/two"} {
		kit, err := r.StartBuildKit(t.Context(), bench.BuildKitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		kits = append(kits, kit)
		cmd := r.command(t, kit, registry, "--push", "--reproducible", "--format=json", "steady", "upon")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, cmd.Stderr)
		}
		images, err := items[builtImage](out)
		if err != nil || len(images) != 2 {
			t.Fatalf("%v: %s", err, out)
		}
		for _, built := range images {
			digest, err := image(t, built.Image).Digest()
			if err != nil || digest.String() != built.Digest {
				t.Errorf("%s was pushed as %s, and the registry has %s, %v", built.ID, built.Digest, digest, err)
			}
			if before := digests[built.ID]; before != "" && before != built.Digest {
				t.Errorf("%s has the digests %s and %s", built.ID, before, built.Digest)
			}
			digests[built.ID] = built.Digest
		}
	}
	below, above := layersOf(t, r.Registry()+"/one/steady-base:1"), layersOf(t, r.Registry()+"/one/upon-base:1")
	if len(above) != len(below)+1 || !slices.Equal(above[:len(below)], below) {
		t.Errorf("upon has the layers %v, and steady %v", above, below)
	}
	if got := content(t, r.Registry()+"/two/upon-base:1", "data/when"); got != "built at "+committed+"\n" {
		t.Errorf("the Dockerfile that asks for the time was told %q", got)
	}
	t.Run("verify", func(t *testing.T) { r.verify(t, kits[0]) })
	t.Run("interrupted", func(t *testing.T) { r.interrupted(t, kits[1]) })
	left, err := os.ReadDir(r.temp)
	if err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// TestReproducibleImages: of the images of this repository, too, two BuildKits
// that have nothing in common make the same: of one, and with [bench.EnvFull] of all.
func TestReproducibleImages(t *testing.T) {
	t.Parallel()
	bases, chosen := []string{cachedFrom}, []string{"debian-12"}
	if full() {
		bases, chosen = bench.StandIns(), nil
	}
	b := bench.ForTest(t, bench.Options{StandIns: bases})
	digests := map[string]string{}
	for _, registry := range []string{b.Registry() + "/one", b.Registry() + "/two"} {
		kit, err := b.StartBuildKit(t.Context(), bench.BuildKitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := &repeater{b, root, t.TempDir()}
		cmd := r.command(t, kit, registry, append([]string{"--push", "--platform=all", "--format=json"}, chosen...)...)
		cmd.Env = append(cmd.Env, "SOURCE_DATE_EPOCH="+committed) // a clone may be shallow
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, cmd.Stderr)
		}
		images, err := items[builtImage](out)
		if err != nil || len(images) == 0 {
			t.Fatalf("%v: %s", err, out)
		}
		for _, built := range images {
			_, manifest := index(t, built.Image)
			for _, m := range manifest.Manifests {
				if m.Platform.OS == "unknown" { // attestations, which have the time of the build
					continue
				}
				key := built.ID + " for " + m.Platform.String()
				if before := digests[key]; before != "" && before != m.Digest.String() {
					t.Errorf("%s has the digests %s and %s", key, before, m.Digest)
				}
				digests[key] = m.Digest.String()
			}
		}
		if len(digests) != 2*len(images) {
			t.Errorf("%d images have %d digests: %v", len(images), len(digests), digests)
		}
		x, err := b.NewBuildx(t.Context(), bench.Node{Addr: kit.Addr})
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Prune(t.Context()); err != nil { // a disk need not hold what both of them keep
			t.Fatal(err)
		}
	}
}

func (r *repeater) verify(t *testing.T, kit *bench.BuildKit) {
	cmd := r.command(t, kit, "", "--verify-reproducible", "--format=json", "steady", "upon", "chance", "clock")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 1 || !strings.HasSuffix(stderr.String(), "\nrunbake: 2 of 4 images cannot be reproduced\n") {
		t.Errorf("it ended with %v:\n%s", err, &stderr)
	}
	images, err := items[verifiedImage](out)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	states := map[string]string{}
	for _, image := range images {
		states[image.ID] = image.State
		if len(image.Platforms) != 1 || image.Platforms[0].Platform != "linux/amd64" || image.Epoch == 0 {
			t.Fatalf("%+v", image)
		}
		p := image.Platforms[0]
		want, named := map[string][3]string{
			"chance-1": {"RUN /bin/sh -c mkdir /var/chance", "var/chance/random", "byte "},
			"clock-1":  {"RUN /bin/sh -c date +%s.%N > /etc/built", "etc/built", "byte "},
		}[image.ID]
		if !named {
			if p.First != p.Second || len(p.Differences) > 0 {
				t.Errorf("%+v", image)
			}
			continue
		}
		if len(p.Differences) != 1 || len(p.Differences[0].Changes) != 1 {
			t.Errorf("%s: %+v", image.ID, p.Differences)
			continue
		}
		d := p.Differences[0]
		if !strings.HasPrefix(d.Instruction, want[0]) || d.Path != want[1] || d.Changes[0].What != "content" || !strings.HasPrefix(d.Changes[0].Name, want[2]) {
			t.Errorf("%s: %+v", image.ID, d)
		}
	}
	for id, want := range map[string]string{"steady-1": "reproducible", "upon-1": "reproducible", "chance-1": "differs", "clock-1": "differs"} {
		if states[id] != want {
			t.Errorf("%s: %s, want %s", id, states[id], want)
		}
	}
}

func (r *repeater) interrupted(t *testing.T, kit *bench.BuildKit) {
	cmd := r.command(t, kit, "", "--verify-reproducible", "endless")
	running := &watcher{word: " it begins", seen: make(chan struct{})}
	cmd.Stderr = running
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-running.seen:
	case err := <-ended:
		t.Fatalf("it ended before: %v\n%s", err, &running.text)
	}
	if left, err := os.ReadDir(r.temp); err != nil || len(left) == 0 {
		t.Errorf("while it builds there is nothing: %v", err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("it ended as if nothing were wrong")
	}
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.HasSuffix(running.text.String(), "\nrunbake: interrupted\nrunbake: not done: endless-1\n") || strings.Contains(running.text.String(), "level=") {
		t.Errorf("it ended with %d:\n%s", code, &running.text)
	}
}

// layersOf are the digests of an image's layers.
func layersOf(t *testing.T, ref string) []string {
	t.Helper()
	layers, err := image(t, ref).Layers()
	if err != nil {
		t.Fatal(err)
	}
	digests := make([]string, len(layers))
	for i, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[i] = digest.String()
	}
	return digests
}
