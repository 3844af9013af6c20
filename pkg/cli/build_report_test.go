package cli

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/build"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/reproducible"
)

// TestBuilt: what is written of a run in which one image was pushed, one failed
// in a step, and one was not built because a base that it needs failed.
func TestBuilt(t *testing.T) {
	file := &bake.File{Registry: "r.example", Targets: []bake.Target{
		{Name: "debian-12", ID: "debian-12"},
		{Name: "go-1_26", ID: "go-1.26", Image: "go", Tags: []string{"1.26"}, Platforms: []string{"linux/amd64"}, Needs: []string{"debian-12"}},
		{Name: "node-22", ID: "node-22", Image: "node", Tags: []string{"22", "lts"}, Platforms: []string{"linux/amd64", "linux/arm64"}},
		{Name: "php-8_3", ID: "php-8.3", Image: "php", Tags: []string{"8.3"}, Platforms: []string{"linux/arm64"}},
	}}
	base := errors.New("failed to solve: exit code: 100")
	results := map[string]engine.Result{
		"debian-12": {Err: base, Step: "[2/5] RUN groupadd", Log: []string{"no space"}, Linked: true},
		"go-1_26":   {Err: errors.Join(errors.New("aborted"), base), Aborted: true, Attempts: 1},
		"node-22": {
			Metadata: map[string]string{engine.KeyDigest: "sha256:0123456789abcdef"}, Steps: 8, Cached: 7, Took: 1234 * time.Millisecond, Attempts: 2,
		},
		"php-8_3": {Err: errors.New("failed to solve:\nexit code: 7"), Step: "[linux/arm64 3/3] RUN make", Log: []string{"make: ***", "Error 7"}, Steps: 1, Took: 90 * time.Second, Attempts: 1},
	}
	outcome := &build.Outcome{
		Plan: &build.Plan{File: file, Goal: build.Push, Builds: file.Evaluate(file.Defaults())[1:]}, Results: results,
	}
	var stdout bytes.Buffer
	if err := writeBuilt(&stdout, outcome.Images(map[string]int64{"node-22": 123_456_789})); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	err := (&app{env: Env{Stderr: &stderr}}).tellFailures(outcome)
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitFailed || exit.text != "2 of 3 images failed" {
		t.Errorf("it ends with %v", err)
	}
	const table = `IMAGE              PLATFORMS                STATE    DIGEST        SIZE      TIME   CACHED
r.example/go:1.26  linux/amd64              skipped  -             -         0s     0 of 0 steps
r.example/node:22  linux/amd64,linux/arm64  pushed   0123456789ab  123.5 MB  1.2s   7 of 8 steps
r.example/php:8.3  linux/arm64              failed   -             -         1m30s  0 of 1 step
`
	if stdout.String() != table {
		t.Errorf("got\n%s\nwant\n%s", &stdout, table)
	}
	const summary = `
debian-12 failed in [2/5] RUN groupadd
  | no space
  failed to solve: exit code: 100
go-1.26 was not built: it needs debian-12
php-8.3 failed in [linux/arm64 3/3] RUN make
  | make: ***
  | Error 7
  failed to solve:
  exit code: 7
`
	if stderr.String() != summary {
		t.Errorf("got\n%s\nwant\n%s", &stderr, summary)
	}
}

// TestBuiltAll: nothing is said when nothing failed.
func TestBuiltAll(t *testing.T) {
	var stderr bytes.Buffer
	outcome := &build.Outcome{
		Plan:    &build.Plan{File: &bake.File{}, Builds: []bake.Build{{Target: &bake.Target{Name: "node-22"}}}},
		Results: map[string]engine.Result{"node-22": {Attempts: 1}},
	}
	if err := (&app{env: Env{Stderr: &stderr}}).tellFailures(outcome); err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %s", err, &stderr)
	}
}

// TestVerified: what is written of an image that is the same twice, one that
// differs in a layer and in its configuration, and one that could not be built.
func TestVerified(t *testing.T) {
	file := &bake.File{Targets: []bake.Target{
		{Name: "node-22", ID: "node-22", Platforms: []string{"linux/amd64"}},
		{Name: "cpp-20", ID: "cpp-20", Platforms: []string{"linux/amd64", "linux/arm64"}},
		{Name: "go-1_26", ID: "go-1.26", Platforms: []string{"linux/amd64"}},
	}}
	var stdout, stderr bytes.Buffer
	images := []build.Verified{
		{ID: "node-22", State: build.Reproducible, Platforms: []reproducible.Image{
			{Platform: "linux/amd64", First: "sha256:0123456789abcdef", Second: "sha256:0123456789abcdef"},
		}},
		{ID: "cpp-20", State: build.Differs, Platforms: []reproducible.Image{
			{Platform: "linux/amd64", First: "sha256:1", Second: "sha256:1"},
			{Platform: "linux/arm64", First: "sha256:2", Second: "sha256:3", Differences: []reproducible.Difference{
				{Layer: 2, Instruction: "RUN make", Path: "var/log/dpkg.log", Changes: []reproducible.Change{
					{What: reproducible.WhatContent, Name: "byte 7", First: `"a"`, Second: `"b"`},
					{What: reproducible.WhatMode, First: "0644", Second: "0600"},
				}},
				{Changes: []reproducible.Change{{What: reproducible.WhatConfig, Name: "config.User", Second: `"me"`}}},
			}},
		}},
		{ID: "go-1.26", State: "failed", Error: "exit code: 7", Step: "[2/2] RUN go build", Log: []string{"go: oh"}},
	}
	outcome := &build.Outcome{
		Plan:    &build.Plan{File: file, Builds: file.Evaluate(file.Defaults())},
		Results: map[string]engine.Result{"go-1_26": {Err: errors.New("exit code: 7"), Step: "[2/2] RUN go build", Log: []string{"go: oh"}}},
	}
	err := (&app{env: Env{Stdout: &stdout, Stderr: &stderr}}).reportVerified(outcome, images, "text")
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitFailed || exit.text != "1 of 3 images failed\n1 of 3 images cannot be reproduced" {
		t.Errorf("it ends with %v", err)
	}
	const want = `ID       PLATFORM     STATE         DIGEST
node-22  linux/amd64  reproducible  0123456789ab
cpp-20   linux/amd64  reproducible  1
cpp-20   linux/arm64  differs       -
go-1.26  -            failed        -

cpp-20 for linux/arm64, layer 2: RUN make
  var/log/dpkg.log
  content, byte 7
    first   "a"
    second  "b"
  mode
    first   0644
    second  0600

cpp-20 for linux/arm64
  config, config.User
    first   -
    second  "me"
`
	if stdout.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &stdout, want)
	}
	const failure = "\ngo-1.26 failed in [2/2] RUN go build\n  | go: oh\n  exit code: 7\n"
	if stderr.String() != failure {
		t.Errorf("got\n%s\nwant\n%s", &stderr, failure)
	}
}
