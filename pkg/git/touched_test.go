package git_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// commitAt commits everything at a time, in seconds since 1970.
func commitAt(t *testing.T, dir, seconds string) {
	t.Helper()
	t.Setenv("GIT_COMMITTER_DATE", "@"+seconds+" +0200")
	t.Setenv("GIT_AUTHOR_DATE", "@1 +0000") // which does not count
	run(t, dir, "add", "--all")
	run(t, dir, "commit", "-q", "--allow-empty", "-m", seconds)
}

// touched is git.Touched, in seconds; those that are unsure are negative.
func touched(t *testing.T, dir string, files ...string) map[string]int64 {
	t.Helper()
	repo := open(t, dir)
	found, err := repo.Touched(t.Context(), "HEAD", files)
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int64{}
	for name, touch := range found {
		times[name] = touch.Time.Unix()
		if touch.Unsure {
			times[name] *= -1
		}
	}
	return times
}

// TestTouched: the last commit of each file, whatever else is asked for, from a
// folder below the top too, and how far a shallow clone knows it.
func TestTouched(t *testing.T) {
	dir := repository(t)
	const odd = `sub/deep/ä "c.txt`
	commitAt(t, dir, "1000000000")
	write(t, filepath.Join(dir, "sub/b.txt"), "changed")
	commitAt(t, dir, "1000000100")
	run(t, dir, "checkout", "-q", "-b", "side", "HEAD~1")
	write(t, filepath.Join(dir, "sub/b.txt"), "changed")
	write(t, filepath.Join(dir, odd), "changed")
	commitAt(t, dir, "1000000200")
	run(t, dir, "checkout", "-q", "main")
	t.Setenv("GIT_COMMITTER_DATE", "@1000000300 +0000")
	run(t, dir, "merge", "-q", "--no-edit", "side")
	write(t, filepath.Join(dir, "a.txt"), "changed")
	commitAt(t, dir, "1000000400")
	commitAt(t, dir, "1000000500")
	write(t, filepath.Join(dir, "a.txt"), "not committed")

	all := touched(t, dir, "a.txt", "sub/b.txt", odd, "new.txt")
	want := map[string]int64{"a.txt": 1000000400, "sub/b.txt": 1000000200, odd: 1000000200}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("got %v, want %v", all, want)
	}
	for name, time := range want {
		if got := touched(t, dir, name); got[name] != time {
			t.Errorf("%s alone: %v, with others %d", name, got, time)
		}
	}
	if got := touched(t, filepath.Join(dir, "sub"), "b.txt", `deep/ä "c.txt`); got["b.txt"] != 1000000200 || got[`deep/ä "c.txt`] != 1000000200 {
		t.Errorf("from a folder: %v", got)
	}
	if got := touched(t, dir); len(got) > 0 {
		t.Errorf("of nothing: %v", got)
	}

	shallow := filepath.Join(t.TempDir(), "shallow")
	run(t, dir, "clone", "-q", "--depth=2", "file://"+dir, shallow)
	want = map[string]int64{"a.txt": -1000000400, "sub/b.txt": -1000000400, odd: -1000000400}
	if got := touched(t, shallow, "a.txt", "sub/b.txt", odd); !reflect.DeepEqual(got, want) {
		t.Errorf("in a shallow clone: got %v, want %v", got, want)
	}
}

// TestTouchedNothing: a repository without a commit, and an ended context.
func TestTouchedNothing(t *testing.T) {
	repository(t) // sets nobody's settings
	dir := t.TempDir()
	run(t, dir, "init", "-q")
	repo := open(t, dir)
	_, err := repo.Touched(t.Context(), "HEAD", []string{"a.txt"})
	if exit, is := errors.AsType[*exec.ExitError](err); !is || exit.ExitCode() != 128 {
		t.Errorf("without a commit: %v", err)
	}
	if _, err := repo.CommitTime(t.Context(), "HEAD"); err == nil {
		t.Error("HEAD has a time without a commit")
	}
}

// TestCommitTime: the time of the committer counts.
func TestCommitTime(t *testing.T) {
	dir := repository(t)
	commitAt(t, dir, "1000000000")
	repo := open(t, dir)
	if got, err := repo.CommitTime(t.Context(), "HEAD"); err != nil || !got.Equal(time.Unix(1000000000, 0)) {
		t.Errorf("%v, %v", got, err)
	}
}
