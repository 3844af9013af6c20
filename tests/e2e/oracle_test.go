package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/runbake/runbake/tests/bench"
)

// The oracle's cases: RUNBAKE_ORACLE_RUNS of them, of the seed
// RUNBAKE_ORACLE_SEED, so many in one build.
const (
	envOracleSeed = "RUNBAKE_ORACLE_SEED"
	envOracleRuns = "RUNBAKE_ORACLE_RUNS"
	oracleRuns    = 200
	oracleBatch   = 100
)

// maxNeedless is how many of a hundred ids may change although the image does
// not: what an instruction takes may be overwritten by another, or left out.
const maxNeedless = 25

// TestInputsOracle: for random small contexts and Dockerfiles on scratch, what
// BuildKit makes changes only when the id does; whether a build fails counts as
// what it makes. The id may change without need, which is counted.
func TestInputsOracle(t *testing.T) {
	seed, runs := oracleNumber(t, envOracleSeed, 1), oracleNumber(t, envOracleRuns, oracleRuns)
	s := newStackWith(t, bench.BuildKitOptions{State: "oracle"})
	askOracle(t, seed, runs, func(dir string, args ...string) ran { return s.runbake(t, dir, args...) })
}

// askOracle makes cases and compares; run runs runbake in a repository.
func askOracle(t *testing.T, seed, runs int, run func(dir string, args ...string) ran) {
	t.Helper()
	t.Logf("%d cases of the seed %d", runs, seed)
	var missed, needless, changed, failing, failed int
	for first := 0; first < runs; first += oracleBatch {
		var cases []oracleCase
		for n := first; n < min(first+oracleBatch, runs); n++ {
			cases = append(cases, newOracleCase(uint64(seed), n)) //nolint:gosec // it is not negative
		}
		dir := t.TempDir()
		layAll(t, dir, cases)
		before := oracle(t, dir, run)
		for _, c := range cases {
			c.lay(t, dir, c.files, c.after)
		}
		after := oracle(t, dir, run)
		for _, c := range cases {
			id := c.key + "-1"
			was, is := before[id], after[id]
			if was.result == failedBuild {
				failed++
			}
			switch {
			case was.result != is.result && was.inputs == is.inputs:
				missed++
				t.Errorf("%s: %s: the image changes, from %s to %s, and its id does not", c.key, c.what, was.result, is.result)
				t.Log(c.describe())
			case was.result != is.result:
				changed++
			case was.inputs != is.inputs && was.result == failedBuild:
				failing++ // nothing can be said of it
			case was.inputs != is.inputs:
				needless++
				t.Logf("%s: %s: the id changes without need", c.key, c.what)
			}
		}
	}
	t.Logf("%d images changed with their ids, %d ids changed without need, %d of builds that fail both times, %d changes were missed; %d builds failed before the change",
		changed, needless, failing, missed, failed)
	if needless*100 > maxNeedless*runs || changed*10 < runs {
		t.Errorf("%d of %d ids changed without need, and %d with", needless, runs, changed)
	}
}

func oracleNumber(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text, found := os.LookupEnv(name)
	if !found {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s: it is a number", name, text)
	}
	return n
}

// oracleState is an image at one time.
type oracleState struct {
	inputs string // its id
	result string // a hash of its files, or that there are none
}

// failedBuild is what there is of a build that fails, for whatever reason.
const failedBuild = "failed"

// oracle says what goes into all images of a repository, and what BuildKit
// makes of that.
func oracle(t *testing.T, dir string, run func(dir string, args ...string) ran) map[string]oracleState {
	t.Helper()
	states := map[string]oracleState{}
	listed := run(dir, "inputs", "--format=json")
	entries, err := items[struct{ ID, Inputs string }]([]byte(listed.stdout))
	if err != nil {
		t.Fatalf("%v\n%s", err, listed.stderr)
	}
	for _, e := range entries {
		states[e.ID] = oracleState{inputs: e.Inputs}
	}
	out := t.TempDir()
	built := run(dir, "build", "--format=json", "--progress=quiet", "--platform=linux/amd64", "--output=type=local,dest="+out+"/{target}")
	images, err := items[struct{ ID, Target, State string }]([]byte(built.stdout))
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, built.stdout, built.stderr)
	}
	if len(images) != len(states) {
		t.Fatalf("%d images of %d\n%s", len(images), len(states), built.stderr)
	}
	for _, image := range images {
		state := states[image.ID]
		if state.result = treeDigest(t, filepath.Join(out, image.Target)); image.State != "exported" {
			state.result = failedBuild
		}
		states[image.ID] = state
	}
	return states
}

// treeDigest hashes what a build has exported: paths, modes, contents and links.
func treeDigest(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			content, err = os.Readlink(name)
		case info.Mode().IsRegular():
			var data []byte
			data, err = os.ReadFile(name)
			content = string(data)
		}
		fmt.Fprintf(h, "%q %v %q\n", strings.TrimPrefix(name, dir), info.Mode(), content)
		return err
	})
	if os.IsNotExist(err) {
		return "nothing"
	}
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// describe shows a case to whom it concerns.
func (c oracleCase) describe() string {
	var b strings.Builder
	for _, name := range sorted(c.names(), func(s string) string { return s }) {
		f := c.files[name]
		kind := ""
		if f.link {
			kind = " -> "
		}
		fmt.Fprintf(&b, "-- %s%s --\n%s\n", name, kind, strings.TrimSuffix(f.text, "\n"))
	}
	return b.String()
}

func (c oracleCase) names() []string {
	names := make([]string, 0, len(c.files))
	for name := range c.files {
		names = append(names, name)
	}
	return names
}
