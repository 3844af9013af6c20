package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/tests/bench"
)

// layered is a repository of images that are made in no time: one, one that is
// built on it, and one beside them. None has a step that runs.
const layered = `
-- runbake.hcl --
project {
  registry   = "registry.example/acme"
  base_image = "${runtime.key}"

  attest {
    sbom       = false
    provenance = "min"
  }
}
-- runtimes/below/runtime.hcl --
base "below" {
  name   = "Below"
  labels = { turn = "TURN" }

  version "1" {
    from = { BASE_IMAGE = "TINY" }
  }
}
-- runtimes/below/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
COPY file /below
-- runtimes/above/runtime.hcl --
base "above" {
  name   = "Above"
  labels = { turn = "TURN" }

  version "1" {
    from = { BASE_IMAGE = base.below["1"] }
    tags = ["1", "latest"]
  }
}
-- runtimes/above/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
COPY file /above
-- runtimes/beside/runtime.hcl --
base "beside" {
  name   = "Beside"
  labels = { turn = "TURN" }

  version "1" {
    from = { BASE_IMAGE = "TINY" }
    tags = ["1", "latest", "stable"]
  }
}
-- runtimes/beside/Dockerfile --
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
COPY file /beside
`

// families of layered, with the tags of each.
var families = map[string][]string{"below": {"1"}, "above": {"1", "latest"}, "beside": {"1", "latest", "stable"}}

// lane is a repository with a BuildKit and a way to the registry of its own.
type lane struct {
	*bench.Bench
	kit      *bench.BuildKit
	proxy    *bench.FaultProxy
	name     string // its part of the registry
	base     string // the image that its images are built on
	dir      string
	env      []string
	complete map[string]made // indexes that were found to be complete
}

// newLane prepares one. What it runs has a mark in its environment.
func newLane(t *testing.T, b *bench.Bench, name string, options bench.BuildKitOptions) *lane {
	t.Helper()
	l := &lane{Bench: b, name: name, dir: t.TempDir(), complete: map[string]made{}}
	var err error
	if l.proxy, err = b.StartFaultProxy(); err != nil {
		t.Fatal(err)
	}
	options.Registries = append(options.Registries, l.proxy.Addr)
	if l.kit, err = b.StartBuildKit(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	l.base = l.proxy.Addr + "/" + name + "/tiny:1"
	unpack(t, l.dir, layered)
	for family := range families {
		l.change(t, family, "first")
	}
	l.tiny(t, "first")
	l.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "REGISTRY=" + l.proxy.Addr + "/" + name, "BUILDKIT_HOST=" + l.kit.Addr, l.mark(),
	}
	return l
}

func (l *lane) mark() string { return "RUNBAKE_TEST_LANE=" + l.dir }

// change gives an image other content. It is as large as makes a request that
// can be cut.
func (l *lane) change(t *testing.T, family, content string) {
	t.Helper()
	folder := filepath.Join(l.dir, "runtimes", family)
	write(t, filepath.Join(folder, "file"), noise(family+content))
	for _, f := range txtar.Parse([]byte(layered)).Files {
		if f.Name == "runtimes/"+family+"/runtime.hcl" {
			write(t, filepath.Join(folder, "runtime.hcl"), strings.NewReplacer("TURN", content, "TINY", l.base).Replace(string(f.Data)))
		}
	}
}

// noise is some text that does not get smaller.
func noise(seed string) string {
	var text strings.Builder
	sum := sha256.Sum256([]byte(seed))
	for range 256 {
		sum = sha256.Sum256(sum[:])
		text.Write(sum[:])
	}
	return text.String()
}

// outcome is how a run of runbake went.
type outcome struct {
	args           []string
	code           int // -1 if a signal ended it
	stdout, stderr string
	took           time.Duration
}

func (r *outcome) String() string {
	return fmt.Sprintf("runbake %s ended with %d after %v\n%s\n%s", strings.Join(r.args, " "), r.code, r.took.Round(time.Millisecond), r.stdout, r.stderr[max(0, len(r.stderr)-6000):])
}

// patience is how long a run may take, whatever goes wrong.
const patience = 90 * time.Second

// run runs runbake to its end. begun is told the process.
func (l *lane) run(t *testing.T, begun func(*os.Process), env []string, args ...string) *outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.Tool("runbake"), args...)
	var out, errOut bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = l.dir, slices.Concat(l.env, env), &out, &errOut
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if begun != nil {
		begun(cmd.Process)
	}
	_ = cmd.Wait() // its code says it
	r := &outcome{args, cmd.ProcessState.ExitCode(), out.String(), errOut.String(), time.Since(start)}
	if ctx.Err() != nil {
		t.Errorf("it does not end: %v", r)
	}
	return r
}

// push is runbake build --push.
func push(more ...string) []string {
	return append([]string{"build", "--push", "--platform=all", "--format=json", "--progress=plain"}, more...)
}

// become is what became of an image.
type become struct{ ID, State, Digest, Error string }

// images are those that a run has told of; none if it was ended before.
func (r *outcome) images(t *testing.T) []become {
	t.Helper()
	if r.stdout == "" {
		return nil
	}
	images, err := items[become]([]byte(r.stdout))
	if err != nil {
		t.Errorf("%v: %v", err, r)
	}
	return images
}

// nothingRuns looks that nothing is left of a run: no process, and nothing that
// BuildKit does for it.
func (l *lane) nothingRuns(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if env, err := os.ReadFile(name); err == nil && bytes.Contains(env, []byte(l.mark())) { // else it has ended
			t.Errorf("a process is left: %s", name)
		}
	}
	eventually(t, "BuildKit asks the registry nothing more", func() bool { return l.proxy.Busy() == 0 })
}

// made is what an image was made of: the id of its inputs, which is not there
// when its base image could not be asked for, and the turn.
type made struct{ id, turn string }

// tagged is what a tag points to.
type tagged struct {
	digest string
	made
}

// tags are what the tags of all images point to; those that are not there are
// left out. Whatever they point to must be complete, and of one make.
func (l *lane) tags(t *testing.T, in string) map[string]tagged {
	t.Helper()
	all := map[string]tagged{}
	for family, tags := range families {
		for _, tag := range tags {
			name := family + ":" + tag
			repository := in + "/" + family
			index, digest := l.manifest(t, repository, tag)
			if digest == "" {
				continue
			}
			of, known := l.complete[repository+"@"+digest]
			if !known {
				of = l.check(t, repository, name, index)
				l.complete[repository+"@"+digest] = of
			}
			all[name] = tagged{digest, of}
		}
	}
	return all
}

// part is what a manifest refers to.
type part struct {
	Digest      string
	Size        int64
	Platform    struct{ OS, Architecture string }
	Annotations map[string]string
}

type manifestText struct {
	Annotations map[string]string
	Manifests   []part
	Config      part
	Layers      []part
}

// answer is what a registry says.
type answer struct {
	code   int
	length int64
	text   []byte
}

// get asks the registry itself, not by the proxy.
func (l *lane) get(t *testing.T, method, path string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.Registry()+"/v2/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"index", "manifest"} {
		req.Header.Add("Accept", "application/vnd.oci.image."+kind+".v1+json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.ContentLength, text}
}

// manifest reads one; its digest is "" when there is none.
func (l *lane) manifest(t *testing.T, repository, reference string) (m manifestText, digest string) {
	t.Helper()
	a := l.get(t, http.MethodGet, repository+"/manifests/"+reference)
	if a.code == http.StatusNotFound {
		return m, ""
	}
	if err := json.Unmarshal(a.text, &m); err != nil || a.code != http.StatusOK {
		t.Errorf("%s %s: %d, %v", repository, reference, a.code, err)
		return m, ""
	}
	return m, fmt.Sprintf("sha256:%x", sha256.Sum256(a.text))
}

// check looks that all is there that an index refers to, for all platforms, and
// that these were made of the same: of what it returns.
func (l *lane) check(t *testing.T, repository, name string, index manifestText) made {
	t.Helper()
	var platforms []string
	var of []made
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: "+format, append([]any{name}, args...)...)
	}
	for _, p := range index.Manifests {
		m, digest := l.manifest(t, repository, p.Digest)
		if digest != p.Digest {
			bad("its manifest %s is %q", p.Digest, digest)
			continue
		}
		for _, blob := range append(m.Layers, m.Config) {
			if a := l.get(t, http.MethodHead, repository+"/blobs/"+blob.Digest); a.code != http.StatusOK || a.length != blob.Size {
				bad("its blob %s: %d, %d bytes of %d", blob.Digest, a.code, a.length, blob.Size)
			}
		}
		if p.Platform.OS == "unknown" {
			continue
		}
		platforms = append(platforms, p.Platform.OS+"/"+p.Platform.Architecture)
		var config struct {
			Config struct{ Labels map[string]string }
		}
		if a := l.get(t, http.MethodGet, repository+"/blobs/"+m.Config.Digest); json.Unmarshal(a.text, &config) != nil {
			bad("its configuration is %q", a.text)
		}
		of = append(of, made{config.Config.Labels["dev.runbake.inputs"], config.Config.Labels["turn"]})
	}
	if !slices.Equal(platforms, bothPlatforms) {
		bad("its platforms are %v", platforms)
		return made{}
	}
	if said := (made{index.Annotations["dev.runbake.inputs"], index.Annotations["turn"]}); of[0] != of[1] || said != of[0] {
		bad("it is mixed: its platforms are made of %v, and it says %v", of, said)
	}
	return of[0]
}
