package cli_test

import (
	"bytes"
	"encoding/json"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/cli"
)

// TestVersions: what cannot be told of a build is left out, never guessed.
func TestVersions(t *testing.T) {
	const module, commit = "github.com/moby/buildkit", "0123456789abcdef0123456789abcdef01234567"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: modified}}
	}
	for name, test := range map[string]struct {
		build *debug.BuildInfo
		want  map[string]string // beside Go and the platform
	}{
		"nothing is known": {nil, map[string]string{"runbake": "(devel)"}},
		"no version":       {&debug.BuildInfo{}, map[string]string{"runbake": "(devel)"}},
		"a release":        {&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: vcs("false")}, map[string]string{"runbake": "v1.2.3", "revision": commit}},
		"a changed clone":  {&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3+dirty"}, Settings: vcs("true")}, map[string]string{"runbake": "v1.2.3+dirty"}},
		"BuildKit":         {&debug.BuildInfo{Deps: []*debug.Module{{Path: module, Version: "v0.34.2"}}}, map[string]string{"runbake": "(devel)", "buildkit": "v0.34.2"}},
		"another BuildKit": {&debug.BuildInfo{Deps: []*debug.Module{{Path: module, Version: "v0.34.2", Replace: &debug.Module{Path: "../buildkit"}}}}, map[string]string{"runbake": "(devel)"}},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(args ...string) string {
				var out bytes.Buffer
				if code := cli.Main(t.Context(), cli.Env{Args: args, Stdout: &out, Stderr: &out, Build: test.build}); code != 0 {
					t.Fatalf("%v ends with %d: %s", args, code, out.String())
				}
				return out.String()
			}
			var written struct{ Items []map[string]string }
			if err := json.Unmarshal([]byte(run("version", "--format=json")), &written); err != nil ||
				len(written.Items) != 1 {
				t.Fatalf("%v: %v", written, err)
			}
			got := written.Items[0]
			if got["go"] != runtime.Version() || got["platform"] != runtime.GOOS+"/"+runtime.GOARCH {
				t.Errorf("it is of %s and for %s", got["go"], got["platform"])
			}
			delete(got, "go")
			delete(got, "platform")
			if len(got) != len(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			text := run("version")
			for key, want := range test.want {
				if got[key] != want || !strings.Contains(text, want+"\n") {
					t.Errorf("%s is %q, want %q; as text:\n%s", key, got[key], want, text)
				}
			}
			if got := run("--version"); got != "runbake "+test.want["runbake"]+"\n" {
				t.Errorf("--version: %q", got)
			}
		})
	}
}
