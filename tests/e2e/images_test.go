package e2e_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestImages builds what this run proves, reads it back from the registry, and asks an
// interpreted and a compiled runtime, pulled from there, to run their fixtures.
// What all of them answer is for TestConformance.
func TestImages(t *testing.T) {
	s, entries := newProven(t)
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	s.bake(t, []string{"REVISION=0123abc"}, append([]string{"--push"}, targetsOf(ids)...)...)
	for _, e := range entries {
		t.Run(e.ID, func(t *testing.T) { checkIndex(t, e) })
	}
	for _, id := range []string{"node-24", "go-1.26"} {
		i := slices.IndexFunc(entries, func(e entry) bool { return e.ID == id })
		if i < 0 {
			t.Fatalf("there is no %s", id)
		}
		t.Run(id+"/answers", func(t *testing.T) { s.answers(t, entries[i]) })
	}
}

// checkIndex reads an image and its platforms back.
func checkIndex(t *testing.T, e entry) {
	idx, manifest := index(t, e.BuildImage)
	if got := manifest.Annotations["org.opencontainers.image.title"]; got == "" {
		t.Errorf("index has no title: %v", manifest.Annotations)
	}
	_, immutable := index(t, e.BuildImage+"-0123abc")
	if fmt.Sprint(immutable.Manifests) != fmt.Sprint(manifest.Manifests) {
		t.Error("the tag of the revision is another image")
	}
	var platforms []string
	attested := map[string]bool{}
	for _, m := range manifest.Manifests {
		if m.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
			attested[m.Annotations["vnd.docker.reference.digest"]] = true
			checkAttestations(t, idx, m)
			continue
		}
		platforms = append(platforms, m.Platform.String())
		image, err := idx.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(m.Platform.String(), func(t *testing.T) { checkImage(t, e, image, *m.Platform) })
	}
	slices.Sort(platforms)
	if !slices.Equal(platforms, bothPlatforms) {
		t.Errorf("platforms %v, want %v", platforms, bothPlatforms)
	}
	for _, m := range manifest.Manifests {
		if m.Platform.OS == "linux" && !attested[m.Digest.String()] {
			t.Errorf("%s has no attestations", m.Platform)
		}
	}
}

func checkAttestations(t *testing.T, idx v1.ImageIndex, m v1.Descriptor) {
	t.Helper()
	image, err := idx.Image(m.Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, l := range manifest.Layers {
		kinds = append(kinds, l.Annotations["in-toto.io/predicate-type"])
	}
	slices.Sort(kinds)
	if got := strings.Join(kinds, " "); !strings.Contains(got, "https://slsa.dev/provenance/") || !strings.Contains(got, "https://spdx.dev/Document") {
		t.Errorf("attestations are %q, want provenance and SBOM", got)
	}
}

func checkImage(t *testing.T, e entry, image v1.Image, platform v1.Platform) {
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	wantCommand, wantPort := "[/usr/local/src/launch.sh]", true
	if e.Kind == "compiled" {
		wantCommand, wantPort = "[tail -f /dev/null]", false
	}
	_, port := config.Config.ExposedPorts["3000/tcp"]
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"architecture", config.Architecture, platform.Architecture},
		{"user", config.Config.User, "appwrite"},
		{"command", fmt.Sprint(config.Config.Cmd), wantCommand},
		{"entrypoint", len(config.Config.Entrypoint), 0},
		{"working directory", config.Config.WorkingDir, "/usr/local/src"},
		{"exposes 3000", port, wantPort},
		{"vendor", config.Config.Labels["org.opencontainers.image.vendor"], "Runbake"},
		{"revision", config.Config.Labels["org.opencontainers.image.revision"], "0123abc"},
		{"has layers", len(layers) > 1, true},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", c.what, c.got, c.want)
		}
	}
}

// flow is what the function executor does, as a Dockerfile: build the function
// in the build image, carry the result to the run image, start that and ask.
const flow = `
FROM %[1]s AS build
COPY --from=function --chown=appwrite:appwrite . /usr/code
RUN --network=none ENTRYPOINT_NAME=%[3]s ./build.sh && tar -C /usr/code -czf /tmp/code.tar.gz .

FROM %[2]s
ARG TARGETARCH
COPY --from=build /tmp/code.tar.gz /tmp/code.tar.gz
RUN --network=none --mount=from=ask,target=/ask /ask/linux/$TARGETARCH/ask %[3]s /usr/local/src/launch.sh
`

// answers runs the executor's flow on both platforms.
func (s *stack) answers(t *testing.T, e entry) {
	for _, platform := range bothPlatforms {
		t.Run(platform, func(t *testing.T) {
			dir := t.TempDir()
			dockerfile := filepath.Join(dir, "Dockerfile")
			write(t, dockerfile, fmt.Sprintf(flow, e.BuildImage, e.RunImage, e.Entrypoint))
			_, progress, err := s.buildx.RunBoth(t.Context(), root, nil, "build", "--progress=plain", "--platform="+platform,
				"--build-context=ask="+s.Mounted("ask"), "--build-context=function="+e.Fixture, "--file="+dockerfile,
				"--output=type=cacheonly", "--provenance=false", dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(lineWith(progress, "answers after"))
		})
	}
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) && !strings.Contains(line, "RUN") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
