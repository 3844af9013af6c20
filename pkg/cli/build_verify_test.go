package cli

import (
	"bytes"
	"errors"
	"testing"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/affected"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/reproducible"
)

// TestVerified: what is written of an image that is the same twice, one that
// differs in a layer and in its configuration, and one that could not be built.
func TestVerified(t *testing.T) {
	file := &bake.File{Targets: []bake.Target{
		{Name: "node-22", ID: "node-22", Platforms: []string{"linux/amd64"}},
		{Name: "cpp-20", ID: "cpp-20", Platforms: []string{"linux/amd64", "linux/arm64"}},
		{Name: "go-1_26", ID: "go-1.26", Platforms: []string{"linux/amd64"}},
	}}
	var stdout, stderr bytes.Buffer
	job := &buildJob{app: &app{env: Env{Stdout: &stdout, Stderr: &stderr}}, file: file}
	images := []verified{
		{ID: "node-22", State: stateReproducible, Platforms: []reproducible.Image{
			{Platform: "linux/amd64", First: "sha256:0123456789abcdef", Second: "sha256:0123456789abcdef"},
		}},
		{ID: "cpp-20", State: stateDiffers, Platforms: []reproducible.Image{
			{Platform: "linux/amd64", First: "sha256:1", Second: "sha256:1"},
			{Platform: "linux/arm64", First: "sha256:2", Second: "sha256:3", Differences: []reproducible.Difference{
				{Layer: 2, Instruction: "RUN make", Path: "var/log/dpkg.log", Changes: []reproducible.Change{
					{What: reproducible.WhatContent, Name: "byte 7", First: `"a"`, Second: `"b"`},
					{What: reproducible.WhatMode, First: "0644", Second: "0600"},
				}},
				{Changes: []reproducible.Change{{What: reproducible.WhatConfig, Name: "config.User", Second: `"me"`}}},
			}},
		}},
		{ID: "go-1.26", State: stateFailed, Error: "exit code: 7", Step: "[2/2] RUN go build", Log: []string{"go: oh"}},
	}
	job.builds = file.Evaluate(file.Defaults())
	err := job.reportVerified(images, map[string]engine.Result{})
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

// TestDateRows: a job has the earliest time of its images, and one of a test
// alone none.
func TestDateRows(t *testing.T) {
	rows := []affected.Row{{Targets: "b test-b a"}, {Targets: "test-a"}, {Targets: "c"}}
	dateRows(rows, map[string]int64{"a": 5, "b": 7, "c": 0})
	if rows[0].Epoch != "5" || rows[1].Epoch != "" || rows[2].Epoch != "0" {
		t.Errorf("%+v", rows)
	}
}
