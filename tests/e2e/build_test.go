package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/tests/bench"
)

// TestPrint: runbake build --print is buildx bake --print, for the same values
// of the variables.
func TestPrint(t *testing.T) {
	t.Parallel()
	b := bench.ForTest(t, bench.Options{})
	x, err := b.NewBuildx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"cpp-20", "debian-12", "go-1_26", "node-22"}
	for _, test := range []struct{ env, runbake, bake []string }{
		{nil, []string{"--platform=all"}, nil},
		{nil, []string{"--platform=linux/arm64", "--push"}, []string{"--push"}},
		{nil, []string{"--load"}, nil},
		{nil, []string{"--platform=all", "--no-cache"}, []string{"--no-cache"}},
		{nil, []string{"--platform=all", "--output=type=oci,dest=out/{target}.tar"}, outputs(names)},
		{[]string{"CACHE=registry", "REGISTRY=localhost:5000/x", "TAG_SUFFIX=-rc", "REVISION=abc"}, []string{"--platform=all", "--push"}, []string{"--push"}},
		{[]string{"CACHE=local", "CACHE_REF=cache", "PLATFORM=linux/arm64"}, nil, nil},
	} {
		env := test.env
		switch {
		case len(test.runbake) == 0 || test.runbake[0] == "--platform=all":
		case test.runbake[0] == "--load":
			env = append(env, "LOCAL=1")
		default:
			env = append(env, "PLATFORM="+strings.TrimPrefix(test.runbake[0], "--platform="))
		}
		want, err := x.Run(t.Context(), root, env, append(append([]string{"bake", "--print"}, test.bake...), names...)...)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), b.Tool("runbake"), append(append([]string{"build", "--print"}, test.runbake...), "cpp-20", "debian-12", "go-1.26", "node-22")...)
		cmd.Dir, cmd.Env = root, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, test.env...)
		got, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if want, got := indented(t, want), indented(t, string(got)); want != got {
			t.Errorf("%v %v:\n%s", test.env, test.runbake, diff.Diff("bake", []byte(want), "runbake", []byte(got)))
		}
	}
}

func outputs(names []string) []string {
	var args []string
	for _, name := range names {
		args = append(args, fmt.Sprintf("--set=%s.output=type=oci,dest=out/%[1]s.tar", name))
	}
	return args
}

// indented is JSON in one spelling.
func indented(t *testing.T, text string) string {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestBuildNodes: runbake build builds each platform on the node that has it,
// and the summary has one image of both.
func TestBuildNodes(t *testing.T) {
	t.Parallel()
	s := newStack(t, "", cachedFrom)
	x, kits := s.twoNodes(t)
	cmd := exec.CommandContext(t.Context(), s.Tool("runbake"), "build", "--push", "--platform=all", "--format=json", cached)
	cmd.Dir, cmd.Env = root, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "REGISTRY=" + s.repository()}, x.Env()...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, cmd.Stderr)
	}
	images, err := items[builtImage](out)
	if err != nil || len(images) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	mustBePushed(t, images[0])
	if images[0].Steps != 8 {
		t.Errorf("%d steps on both nodes, not 8", images[0].Steps)
	}
	s.eachBuiltItsOwn(t, kits)
}

// TestBuildLoad: without a flag, the image of this machine's platform comes into
// Docker when one answers; --output writes it elsewhere.
func TestBuildLoad(t *testing.T) {
	t.Parallel()
	s := newStack(t, "", cachedFrom)
	docker, err := s.StartDocker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	build := func(args ...string) builtImage {
		cmd := exec.CommandContext(t.Context(), s.Tool("runbake"), append([]string{"build", "--format=json", cached}, args...)...)
		cmd.Dir, cmd.Env = root, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "REGISTRY=", "DOCKER_HOST=" + docker.Host, "BUILDKIT_HOST=" + s.kit.Addr}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		images, err := items[builtImage](out)
		if err != nil || len(images) != 1 {
			t.Fatalf("%v: %s", err, out)
		}
		return images[0]
	}
	if image := build(); image.State != "loaded" || image.Size < 1<<20 || image.Digest == "" {
		t.Errorf("%+v", image)
	}
	if _, err := docker.Run(t.Context(), "image", "inspect", cachedImage); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	metadata := filepath.Join(dir, "metadata.json")
	if image := build("--platform=all", "--output=type=oci,dest="+dir+"/{target}.tar", "--metadata-file="+metadata); image.State != "exported" || image.CachedSteps < 4 {
		t.Errorf("%+v", image)
	}
	if info, err := os.Stat(filepath.Join(dir, cached+".tar")); err != nil || info.Size() < 1<<20 {
		t.Errorf("%v: %v", info, err)
	}
	if text, err := os.ReadFile(metadata); err != nil || !strings.Contains(string(text), `"buildx.build.provenance`) {
		t.Errorf("the metadata have no provenance: %v %s", err, text)
	}
}

// TestRetry: a registry that has too much to do for a while is asked again; the
// image is built once.
func TestRetry(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "", small(t), cachedFrom)
	target, err := url.Parse("http://" + m.Registry())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	// BuildKit itself asks some times at once.
	const refuse = 8
	var refused atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && refused.Add(1) <= refuse {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	config := filepath.Join(t.TempDir(), "buildkitd.toml")
	write(t, config, m.RegistriesConfig()+fmt.Sprintf("[registry.%q]\n  http = true\n", addr))
	m.env = append(m.env, "REGISTRY="+addr+"/retry", "RUNBAKE_BUILDKITD_CONFIG="+config)
	images := m.build(t, 0, "--push", "good")
	if images[0].Attempts < 2 || images[0].CachedSteps != images[0].Steps {
		t.Errorf("%+v: it was not tried again, or built again", images[0])
	}
	mustBePushed(t, images[0])
	if refused.Load() <= refuse {
		t.Errorf("only %d requests came", refused.Load())
	}
}
