// Package git reads states of a repository with the git program: commits, and
// the working tree as it would be committed. Nothing that it does changes the
// repository.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Repo is a folder of a git repository.
type Repo struct {
	dir    string
	prefix string   // of the folder, from the top of the repository, with a slash behind
	temp   string   // for what the working tree has that no commit has
	env    []string // beside that of the process
}

// Open finds the git repository that a folder is in. Close it.
func Open(ctx context.Context, dir string) (*Repo, error) {
	r := &Repo{dir: dir, env: []string{"LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_LITERAL_PATHSPECS=1"}}
	prefix, err := r.line(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, err
	}
	r.prefix = prefix
	return r, nil
}

// Folder is the folder from the top of the repository; "" for the top itself.
func (r *Repo) Folder() string { return strings.TrimSuffix(r.prefix, "/") }

// Close removes what was kept for the time being.
func (r *Repo) Close() error {
	if r.temp == "" {
		return nil
	}
	return os.RemoveAll(r.temp)
}

// UnknownRefError is about a name that is no commit here.
type UnknownRefError struct {
	Ref     string
	Shallow bool // the repository has not all of its history
}

// Error says how to get the commit.
func (e *UnknownRefError) Error() string {
	if e.Shallow {
		return fmt.Sprintf("%s is not in this clone, which is shallow; fetch it: git fetch %s (with actions/checkout: fetch-depth: 0)", e.Ref, e.fetch())
	}
	return fmt.Sprintf("git knows no commit %s; fetch it, or see git branch --all for what there is", e.Ref)
}

var fullCommit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// fetch is what brings the commit into a shallow clone: git takes names of the
// other side as refspecs, and nothing that is counted from a commit.
func (e *UnknownRefError) fetch() string {
	branch, remote := strings.CutPrefix(e.Ref, "origin/")
	switch {
	case fullCommit.MatchString(e.Ref):
		return "--depth=1 origin " + e.Ref
	case strings.ContainsAny(e.Ref, "~^@{:") || e.Ref == "HEAD":
		return "--unshallow"
	case remote:
		return fmt.Sprintf("--depth=1 origin %s:refs/remotes/origin/%s", branch, branch)
	}
	return "--unshallow --tags"
}

// Commit resolves a name. The error is an [UnknownRefError] when there is no
// such commit.
func (r *Repo) Commit(ctx context.Context, ref string) (string, error) {
	commit, err := r.line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if exit, failed := errors.AsType[*exec.ExitError](err); failed && exit.ExitCode() == 1 || err == nil && commit == "" {
		shallow, err := r.Shallow(ctx)
		if err != nil {
			return "", err
		}
		return "", &UnknownRefError{Ref: ref, Shallow: shallow}
	}
	return commit, err
}

// Shallow says whether the repository lacks a part of its history.
func (r *Repo) Shallow(ctx context.Context) (bool, error) {
	shallow, err := r.line(ctx, "rev-parse", "--is-shallow-repository")
	return shallow == "true", err
}

// MergeBase is the commit where the histories of two part; found is false when
// they have none in common, as far as this clone knows.
func (r *Repo) MergeBase(ctx context.Context, a, b string) (commit string, found bool, err error) {
	commit, err = r.line(ctx, "merge-base", a, b)
	if exit, failed := errors.AsType[*exec.ExitError](err); failed && exit.ExitCode() == 1 {
		return "", false, nil
	}
	return commit, err == nil, err
}

// CommittedTree is the name of the folder's content in a commit; "" if the
// commit has no such folder.
func (r *Repo) CommittedTree(ctx context.Context, commit string) (string, error) {
	tree, err := r.line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", commit+":"+strings.TrimSuffix(r.prefix, "/"))
	if exit, failed := errors.AsType[*exec.ExitError](err); failed && exit.ExitCode() == 1 {
		return "", nil
	}
	return tree, err
}

// WorkingTree writes the folder as it would be committed, with changes that are
// not staged and files that are not tracked, without those that are ignored.
// What it returns is for [Repo.Tree]. It is written beside the repository.
// Meanwhile other states may be read, if [Repo.Stage] was called before.
func (r *Repo) WorkingTree(ctx context.Context) (string, error) {
	if r.temp == "" {
		if err := r.Stage(ctx); err != nil {
			return "", err
		}
	}
	if _, err := r.line(ctx, "-c", "core.hooksPath=/dev/null", "-c", "advice.addEmbeddedRepo=false", "add", "--all", "--", "."); err != nil {
		return "", err
	}
	if r.prefix == "" {
		return r.line(ctx, "write-tree")
	}
	return r.line(ctx, "write-tree", "--prefix="+r.prefix)
}

// Stage sets up an index and a store of objects of our own, on top of those of
// the repository: files that git knows to be unchanged are not read.
func (r *Repo) Stage(ctx context.Context) error {
	index, err := r.path(ctx, "index")
	if err != nil {
		return err
	}
	objects, err := r.path(ctx, "objects")
	if err != nil {
		return err
	}
	if r.temp, err = os.MkdirTemp("", "runbake-git-*"); err != nil {
		return err
	}
	own := filepath.Join(r.temp, "index")
	if err := copyFile(index, own); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	store := filepath.Join(r.temp, "objects")
	if err := os.Mkdir(store, 0o700); err != nil {
		return err
	}
	r.env = append(r.env, "GIT_INDEX_FILE="+own, "GIT_OBJECT_DIRECTORY="+store, "GIT_ALTERNATE_OBJECT_DIRECTORIES="+quoteList(objects))
	return nil
}

// quoteList writes a path for a list of them, which git takes apart at colons.
func quoteList(path string) string {
	if !strings.ContainsAny(path, "\"\\"+string(os.PathListSeparator)) || os.PathListSeparator == ';' {
		return path
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path) + `"`
}

// path is where git keeps something of its own.
func (r *Repo) path(ctx context.Context, name string) (string, error) {
	path, err := r.line(ctx, "rev-parse", "--git-path", name)
	if err != nil || filepath.IsAbs(path) {
		return path, err
	}
	return filepath.Abs(filepath.Join(r.dir, path))
}

// copyFile keeps the time of the file: to git, entries of an index that are
// younger than the index itself may have changed since.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// line runs git and returns what it prints, without the end of the line.
func (r *Repo) line(ctx context.Context, args ...string) (string, error) {
	out, err := r.run(ctx, args...)
	return strings.TrimRight(string(out), "\r\n"), err
}

func (r *Repo) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := r.command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("git is not installed, and what changed is asked of it")
	}
	if err != nil {
		return nil, &failure{command: args[0], text: strings.TrimPrefix(strings.TrimSpace(stderr.String()), "fatal: "), err: err}
	}
	return out, nil
}

// failure is what git says when it fails.
type failure struct {
	command, text string
	err           error
}

// Error gives git's own words, if there are any.
func (f *failure) Error() string {
	if f.text == "" {
		return fmt.Sprintf("git %s: %v", f.command, f.err)
	}
	return fmt.Sprintf("git %s: %s", f.command, f.text)
}

// Unwrap gives the exit code.
func (f *failure) Unwrap() error { return f.err }

func (r *Repo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", r.dir}, args...)...)
	cmd.Env = append(cmd.Environ(), r.env...)
	return cmd
}
