package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Touch is the last commit that changed a file.
type Touch struct {
	Time time.Time
	// Unsure says that the history of a shallow clone ends there: the file may
	// have been changed last by an earlier commit.
	Unsure bool
}

// Touched finds the last commits up to one that changed files, which are named
// from the folder of the repository. Files that no commit has are not in the result. It
// reads the history until all are found, and in all branches that were merged, so
// that the answer for a file does not depend on what else is asked for.
func (r *Repo) Touched(ctx context.Context, commit string, files []string) (map[string]Touch, error) {
	found := map[string]Touch{}
	if len(files) == 0 {
		return found, nil
	}
	ends, err := r.ends(ctx)
	if err != nil {
		return nil, err
	}
	missing := make(map[string]bool, len(files))
	for _, name := range files {
		missing[name] = true
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := r.command(ctx, append([]string{
		"-c", "log.follow=false", "-c", "log.showSignature=false", "log", "--full-history", "--no-merges", "--relative",
		"--name-only", "--no-renames", "--no-ext-diff", "-z", "--format=format:%x01%H %ct", "--end-of-options", commit, "--",
	}, files...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	lines.Split(splitLog)
	var last Touch
	for len(missing) > 0 && lines.Scan() {
		text := lines.Text()
		head, is := strings.CutPrefix(text, "\x01")
		if !is {
			if missing[text] {
				found[text] = last
				delete(missing, text)
			}
			continue
		}
		if last, err = readTouch(head, ends); err != nil {
			stop()
			return nil, errors.Join(err, ignoreExit(cmd.Wait()))
		}
	}
	if len(missing) == 0 {
		stop() // the rest of the history says nothing new
		return found, ignoreExit(cmd.Wait())
	}
	if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
		return nil, &failure{command: "log", text: strings.TrimPrefix(strings.TrimSpace(stderr.String()), "fatal: "), err: err}
	}
	return found, nil
}

// splitLog splits what git log prints into commits and names.
func splitLog(data []byte, atEnd bool) (int, []byte, error) {
	start := 0
	for start < len(data) && (data[start] == 0 || data[start] == '\n') {
		start++
	}
	end := bytes.IndexByte(data[start:], 0)
	if start < len(data) && data[start] == 1 { // a commit ends with its line
		end = bytes.IndexAny(data[start:], "\x00\n")
	}
	switch {
	case end >= 0:
		return start + end + 1, data[start : start+end], nil
	case atEnd && start < len(data):
		return len(data), data[start:], nil
	case atEnd:
		return len(data), nil, nil
	}
	return start, nil, nil
}

// readTouch reads the line of a commit.
func readTouch(line string, ends map[string]bool) (Touch, error) {
	commit, seconds, _ := strings.Cut(line, " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return Touch{}, fmt.Errorf("git log printed %q", line)
	}
	return Touch{Time: time.Unix(n, 0).UTC(), Unsure: ends[commit]}, nil
}

// ends are the commits whose parents a shallow clone lacks.
func (r *Repo) ends(ctx context.Context) (map[string]bool, error) {
	name, err := r.path(ctx, "shallow")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	ends := map[string]bool{}
	for commit := range strings.FieldsSeq(string(text)) {
		ends[commit] = true
	}
	return ends, nil
}

// CommitTime is the time of a commit.
func (r *Repo) CommitTime(ctx context.Context, commit string) (time.Time, error) {
	line, err := r.line(ctx, "log", "-1", "--no-show-signature", "--format=%H %ct", "--end-of-options", commit)
	if err != nil {
		return time.Time{}, err
	}
	touch, err := readTouch(line, nil)
	return touch.Time, err
}

// ignoreExit leaves out that a program was ended by us.
func ignoreExit(err error) error {
	if _, is := errors.AsType[*exec.ExitError](err); is || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
