package e2e_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/runbake/runbake/tests/bench"
)

// The image of these tests: small, and the same on every platform.
const (
	cached      = "debian-12"
	cachedImage = "debian-base:12"
	cachedFrom  = "debian:bookworm-slim"
)

// TestCache: what one BuildKit exported is used by one that has nothing, also
// when each platform was built on a machine of its own.
func TestCache(t *testing.T) {
	t.Parallel()
	s := newStack(t, "", cachedFrom)
	t.Run("all platforms at once", func(t *testing.T) {
		env := []string{"CACHE=registry", "CACHE_REF=" + s.Registry() + "/cache/together"}
		s.bake(t, env, "--push", cached)
		fresh := s.fresh(t)
		mustBeCached(t, bake(t, fresh, append(env, "REGISTRY="+s.repository()), "--push", "--sbom=false", cached), 4)
	})
	t.Run("a machine for each platform", func(t *testing.T) {
		env := []string{"CACHE=registry", "CACHE_REF=" + s.Registry() + "/cache/apart", "REGISTRY=" + s.repository()}
		for _, platform := range bothPlatforms {
			bake(t, s.fresh(t), append(env, "PLATFORM="+platform), "--push", cached)
		}
		// Were one to overwrite the other, its platform would not be cached.
		mustBeCached(t, bake(t, s.fresh(t), env, "--push", "--sbom=false", cached), 4)
	})
	t.Run("in a folder", func(t *testing.T) {
		dir := t.TempDir()
		env := []string{"CACHE=local", "CACHE_REF=" + dir, "REGISTRY=" + s.repository()}
		bake(t, s.fresh(t), env, "--allow=fs="+dir, "--push", cached)
		mustBeCached(t, bake(t, s.fresh(t), env, "--allow=fs="+dir, "--push", "--sbom=false", cached), 4)
	})
}

// fresh is a buildx for a BuildKit that has nothing.
func (s *stack) fresh(t *testing.T) *bench.Buildx {
	t.Helper()
	kit, err := s.StartBuildKit(t.Context(), bench.BuildKitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := s.NewBuildx(t.Context(), bench.Node{Addr: kit.Addr})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// step is a line of plain progress that starts a RUN step.
var step = regexp.MustCompile(`(?m)^#(\d+) \[.*\] RUN `)

// mustBeCached looks up every RUN step of a build without SBOM: to scan an image
// its layers are fetched, and a step that is fetched does not say CACHED.
func mustBeCached(t *testing.T, progress string, want int) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range step.FindAllStringSubmatch(progress, -1) {
		seen[m[1]] = true
	}
	if len(seen) != want {
		t.Errorf("%d RUN steps, want %d:\n%s", len(seen), want, progress)
	}
	for number := range seen {
		if !strings.Contains(progress, fmt.Sprintf("\n#%s CACHED\n", number)) {
			t.Errorf("step #%s was not cached:\n%s", number, progress)
		}
	}
}

// TestTwoNodes: each platform is built by the node that has it.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	s := newStack(t, "", cachedFrom)
	x, kits := s.twoNodes(t)
	bake(t, x, []string{"REGISTRY=" + s.repository()}, "--push", cached)
	s.eachBuiltItsOwn(t, kits)
	_, manifest := index(t, s.repository()+"/"+cachedImage)
	var platforms []string
	for _, m := range manifest.Manifests {
		if m.Platform.OS == "linux" {
			platforms = append(platforms, m.Platform.String())
		}
	}
	if fmt.Sprint(platforms) != fmt.Sprint(bothPlatforms) {
		t.Errorf("index has %v, want %v", platforms, bothPlatforms)
	}
}

// twoNodes are BuildKits of one platform each, as one builder.
func (s *stack) twoNodes(t *testing.T) (*bench.Buildx, []*bench.BuildKit) {
	t.Helper()
	var nodes []bench.Node
	var kits []*bench.BuildKit
	for _, platform := range bothPlatforms {
		kit, err := s.StartBuildKit(t.Context(), bench.BuildKitOptions{Platforms: []string{platform}})
		if err != nil {
			t.Fatal(err)
		}
		kits, nodes = append(kits, kit), append(nodes, bench.Node{Addr: kit.Addr, Platforms: []string{platform}})
	}
	x, err := s.NewBuildx(t.Context(), nodes...)
	if err != nil {
		t.Fatal(err)
	}
	return x, kits
}

// eachBuiltItsOwn looks into the logs of the two nodes for a step of the image
// that is cached.
func (s *stack) eachBuiltItsOwn(t *testing.T, kits []*bench.BuildKit) {
	t.Helper()
	for i, kit := range kits {
		alone, err := s.NewBuildx(t.Context(), bench.Node{Addr: kit.Addr})
		if err != nil {
			t.Fatal(err)
		}
		logs, err := alone.Logs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		other := bothPlatforms[1-i]
		if !strings.Contains(logs, "["+bothPlatforms[i]+" 2/5] RUN") || strings.Contains(logs, "["+other+" 2/5] RUN") {
			t.Errorf("the node for %s did not build that alone:\n%s", bothPlatforms[i], logs)
		}
	}
}
