package workflow_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/workflow"
)

// TestInstall: what a release has written installs that release, without Go: by the
// action where there are actions, else by a script that is compared first. Other
// programs cannot be installed by their version.
func TestInstall(t *testing.T) {
	script, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	both := workflow.Repository{Services: []string{workflow.GitHub, workflow.GitLab}, Registry: "ghcr.io/acme"}
	for version, released := range map[string]bool{
		"v1.2.3": true, "v1.2.3-rc.1": true, "(devel)": false, "": false, "v1.2.3+dirty": false,
		"v0.0.0-20261201060000-0123456789ab": false, "v1.2.4-0.20261201060000-0123456789ab": false,
	} {
		r := both
		r.Version = version
		files, err := r.Files()
		if err != nil {
			t.Fatal(err)
		}
		latest := "go install github.com/runbake/runbake/cmd/runbake@latest"
		for _, f := range files {
			text := string(f.Text)
			if strings.Contains(text, latest) == released {
				t.Errorf("%q: %s:\n%s", version, f.Name, text)
			}
			if used := strings.Contains(text, "uses: "+workflow.Setup+"\n        with:\n          version: "+version+"\n"); used != (released && f.Name != ".gitlab-ci.yml") {
				t.Errorf("%q: %s uses the action: %v", version, f.Name, used)
			}
		}
		want := []string{latest}
		if released {
			want = []string{
				"curl -fsSL --retry 3 --output /tmp/install-runbake https://github.com/runbake/runbake/releases/download/" + version + "/install.sh",
				fmt.Sprintf("echo '%x  /tmp/install-runbake' | sha256sum --check --quiet", sha256.Sum256(script)),
				"sh /tmp/install-runbake --version " + version + " --to /usr/local/bin",
			}
		}
		if got := r.Install(); !slices.Equal(got, want) {
			t.Errorf("%q is installed by %q", version, got)
		}
	}
}
