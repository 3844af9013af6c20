package cli

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/engine"
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
	var stderr bytes.Buffer
	job := &buildJob{app: &app{env: Env{Stderr: &stderr}}, file: file, goal: goalPush, builds: file.Evaluate(file.Defaults())[1:]}
	base := errors.New("failed to solve: exit code: 100")
	results := map[string]engine.Result{
		"debian-12": {Err: base, Step: "[2/5] RUN groupadd", Log: []string{"no space"}, Linked: true},
		"go-1_26":   {Err: errors.Join(errors.New("aborted"), base), Aborted: true, Attempts: 1},
		"node-22": {
			Metadata: map[string]string{engine.KeyDigest: "sha256:0123456789abcdef"}, Steps: 8, Cached: 7, Took: 1234 * time.Millisecond, Attempts: 2,
		},
		"php-8_3": {Err: errors.New("failed to solve:\nexit code: 7"), Step: "[linux/arm64 3/3] RUN make", Log: []string{"make: ***", "Error 7"}, Steps: 1, Took: 90 * time.Second, Attempts: 1},
	}
	images := job.images(results)
	images[1].Size = 123_456_789
	var stdout bytes.Buffer
	if err := writeBuilt(&stdout, images); err != nil {
		t.Fatal(err)
	}
	err := job.summary(images, results)
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
	job := &buildJob{app: &app{env: Env{Stderr: &stderr}}, file: &bake.File{}}
	if err := job.summary([]built{{ID: "node-22"}}, nil); err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %s", err, &stderr)
	}
}
