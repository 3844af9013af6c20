package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/runbake/runbake/tests/bench"
)

// rehearsed are the images of the rehearsal: those that are tested soon, also on
// the emulated platform, and a base, which has no test.
var rehearsed = []string{"node-24", "debian-12", "perl-5.36"}

// TestRehearsal runs the release as release.yml has it, on two machines with a
// BuildKit each, of which one is for arm64, and looks at what the registry has
// afterwards. Then as GitLab would run it, and once more with an image that
// breaks the contract on arm64.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	b := bench.ForTest(t, bench.Options{StandIns: []string{
		"node:24.21.0-bookworm-slim", "perl:5.36-slim-bookworm", "debian:bookworm-slim", "golang:1.26.8-bookworm", // the last makes the probe
	}})
	s := &stack{Bench: b}
	machines := map[string][]string{}
	for runner, state := range map[string]string{"ubuntu-24.04": "rehearsal-amd64", "ubuntu-24.04-arm": "rehearsal-arm64"} {
		kit, err := b.StartBuildKit(t.Context(), bench.BuildKitOptions{State: state})
		if err != nil {
			t.Fatal(err)
		}
		buildx, err := b.NewBuildx(t.Context(), bench.Node{Addr: kit.Addr})
		if err != nil {
			t.Fatal(err)
		}
		machines[runner] = buildx.Env()
	}
	text, err := os.ReadFile(filepath.Join(root, ".github/workflows/release.yml"))
	if err != nil {
		t.Fatal(err)
	}
	signing := newSigner(t, b)
	release := func(t *testing.T, repository, registry string) *actions {
		a := &actions{
			repository: repository,
			contexts:   map[string]string{"github.sha": "0123abc", "github.actor": "somebody", "inputs.runtimes": strings.Join(rehearsed, " ")},
			env: func(runner string) []string {
				return slices.Concat([]string{"PATH=" + programs(t, b, signing) + ":" + os.Getenv("PATH"), "REGISTRY=" + registry}, signing.env(), machines[runner])
			},
			// What a machine of GitHub has ready is ready here as well: runbake
			// is built, and the registry wants no password.
			without: []string{"go install ", "docker login "},
		}
		a.run(t, text)
		return a
	}

	repository := repositoryCopy(t)
	t.Run("good", func(t *testing.T) {
		a := release(t, repository, s.repository())
		if a.results["plan"] != "success" || a.results["build"] != "success" || a.results["publish"] != "success" {
			t.Fatalf("jobs: %v", a.results)
		}
		for _, e := range s.list(t) {
			if slices.Contains(rehearsed, e.ID) {
				t.Run(e.ID, func(t *testing.T) {
					checkIndex(t, e)
					readAttestations(t, e.BuildImage)
				})
			}
		}
		signing.checkSigned(t, s.repository()+"/debian-base:12")
	})

	t.Run("GitLab", func(t *testing.T) { gitlabRehearsal(t, s, signing, machines) })

	// The server answers GET on one platform.
	dockerfile := filepath.Join(repository, "runtimes/node/Dockerfile")
	replaceIn(t, dockerfile, "COPY server.js ./\n", "COPY server.js ./\nRUN if [ \"$(uname -m)\" = aarch64 ]; then sed -i s/405/200/ server.js; fi\n")
	git(t, repository, "commit", "--quiet", "--all", "--message=break")
	t.Run("one job fails", func(t *testing.T) {
		registry := s.Registry() + "/second"
		a := release(t, repository, registry)
		if a.results["build"] != "failure" || a.results["publish"] != "failure" {
			t.Errorf("jobs: %v", a.results)
		}
		if got := tags(t, registry+"/node-runtime"); len(got) > 0 {
			t.Errorf("the image that failed has tags: %v", got)
		}
		for image, want := range map[string][]string{"debian-base": {"12", "12-0123abc"}, "perl-runtime": {"5.36", "5.36-0123abc"}} {
			published, _ := index(t, registry+"/"+image+":"+want[0])
			want = append(want, signatureTag(t, published))
			if got := tags(t, registry+"/"+image); !slices.Equal(got, want) {
				t.Errorf("%s has tags %v, want %v", image, got, want)
			}
		}
	})
}

// programs is a folder with runbake, cosign, and a docker that knows buildx.
func programs(t *testing.T, b *bench.Bench, s *signer) string {
	t.Helper()
	dir := t.TempDir()
	for program, path := range map[string]string{"runbake": b.Tool("runbake"), "cosign": filepath.Join(s.dir, "cosign")} {
		if err := os.Symlink(path, filepath.Join(dir, program)); err != nil {
			t.Fatal(err)
		}
	}
	text := "#!/bin/sh\ntest \"$1\" = buildx || exit 125\nshift\nexec '" + b.Tool("buildx") + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(text), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return dir
}

// repositoryCopy is a git repository with what this one would commit.
func repositoryCopy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	files.Dir = root
	list, err := files.Output()
	if err != nil {
		t.Fatal(err)
	}
	pack := exec.CommandContext(t.Context(), "sh", "-c", "tar -c --null --ignore-failed-read -T - | tar -x -C \"$0\"", dir)
	pack.Dir, pack.Stdin = root, bytes.NewReader(list)
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	git(t, dir, "init", "--quiet")
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "--quiet", "--message=all")
	return dir
}

// committed is the time of all commits: it decides what BuildKit's cache has,
// where Dockerfiles are built with it.
const committed = "1700000000"

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=A", "-c", "user.email=a@example.com"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=@"+committed+" +0000")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func replaceIn(t *testing.T, path, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	write(t, path, strings.Replace(string(text), old, replacement, 1))
}

// tags are the tags of a repository of images, sorted; none if there is no
// tag, or no such repository.
func tags(t *testing.T, repository string) []string {
	t.Helper()
	repo, err := name.NewRepository(repository, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	list, err := remote.List(repo, remote.WithContext(t.Context()))
	if err != nil && !strings.Contains(err.Error(), "NAME_UNKNOWN") {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// statement is an attestation: https://in-toto.io/Statement/v0.1 and v1.
type statement struct {
	PredicateType string
	Subject       []struct{ Digest map[string]string }
	Predicate     struct {
		SPDXVersion     string `json:"spdxVersion"`
		Packages        []any
		BuildDefinition struct {
			ResolvedDependencies []any
			InternalParameters   map[string]any
		}
	}
}

// readAttestations reads back what each platform's image is attested with: what
// is in it, and what it was built from and how.
func readAttestations(t *testing.T, image string) {
	t.Helper()
	idx, manifest := index(t, image)
	read := map[string]int{}
	for _, m := range manifest.Manifests {
		of := m.Annotations["vnd.docker.reference.digest"]
		if of == "" {
			continue
		}
		for _, s := range statements(t, idx, m) {
			if len(s.Subject) == 0 || "sha256:"+s.Subject[0].Digest["sha256"] != of {
				t.Errorf("%s is about %v, not about %s", s.PredicateType, s.Subject, of)
			}
			p := s.Predicate
			switch s.PredicateType {
			case "https://spdx.dev/Document":
				if p.SPDXVersion == "" || len(p.Packages) == 0 {
					t.Errorf("SPDX %q with %d packages", p.SPDXVersion, len(p.Packages))
				}
				t.Logf("SBOM of %s: %s, %d packages", of, p.SPDXVersion, len(p.Packages))
			case "https://slsa.dev/provenance/v1":
				if len(p.BuildDefinition.ResolvedDependencies) == 0 || len(p.BuildDefinition.InternalParameters) == 0 {
					t.Errorf("provenance without what it was built from, or without its steps: mode is not max")
				}
				t.Logf("provenance of %s: %d dependencies", of, len(p.BuildDefinition.ResolvedDependencies))
			}
			read[s.PredicateType]++
		}
	}
	if read["https://spdx.dev/Document"] != len(bothPlatforms) || read["https://slsa.dev/provenance/v1"] != len(bothPlatforms) {
		t.Errorf("attestations: %v", read)
	}
}

func statements(t *testing.T, idx v1.ImageIndex, m v1.Descriptor) []statement {
	t.Helper()
	image, err := idx.Image(m.Digest)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var list []statement
	for _, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		var s statement
		if err := json.NewDecoder(r).Decode(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}
