package git

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/runbake/runbake/pkg/repofs"
)

// Checkout is where a folder is in a working tree, and what that has beside
// files. It is found without the git program.
type Checkout struct {
	Root       string   // of the working tree; "" when the folder is in none
	Folder     string   // from the root, with forward slashes; "" for the root itself
	Submodules []string // folders of submodules, from the root, sorted as git has them
	LFS        bool     // some files are kept by Git LFS
	Sparse     bool     // some files may be left out of the working tree
	Config     []byte   // the configuration of the repository; nil where there is none to read
}

// Find looks for the working tree that a folder is in: that of a repository, of
// a worktree of one, or of a submodule.
func Find(dir string) (Checkout, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Checkout{}, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return Checkout{}, err
	}
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Lstat(filepath.Join(root, ".git")); err == nil {
			return read(root, dir)
		}
		if root == filepath.Dir(root) {
			return Checkout{}, nil
		}
	}
}

func read(root, dir string) (Checkout, error) {
	c := Checkout{Root: root}
	below, err := filepath.Rel(root, dir)
	if err != nil {
		return c, err
	}
	below = filepath.ToSlash(below)
	if below != "." {
		c.Folder = below
	}
	fsys, err := repofs.Open(root)
	if err != nil {
		return c, err
	}
	defer fsys.Close()
	own := gitDir(fsys, root)
	if _, err := os.Stat(filepath.Join(own, "info", "sparse-checkout")); err == nil {
		c.Sparse = true
	}
	c.Config = config(own)
	if text, err := fsys.ReadFile(".gitmodules"); err == nil {
		c.Submodules = submodules(text)
	}
	for at := below; ; at = path.Dir(at) {
		if text, err := fsys.ReadFile(path.Join(at, ".gitattributes")); err == nil {
			c.LFS = c.LFS || bytes.Contains(text, []byte("filter=lfs"))
		}
		if at == "." {
			return c, nil
		}
	}
}

// gitDir is where git keeps what belongs to a working tree: worktrees and
// submodules have a file that names it.
func gitDir(fsys *repofs.FS, root string) string {
	dir := filepath.Join(root, ".git")
	if text, err := fsys.ReadFile(".git"); err == nil {
		dir = strings.TrimSpace(strings.TrimPrefix(string(text), "gitdir:"))
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(root, dir)
		}
	}
	return dir
}

// maxConfig bounds what is read of a configuration, in bytes.
const maxConfig = 1 << 20

// config is the configuration of a repository. A worktree has that of the repository that
// it is one of, whose folder commondir names.
func config(dir string) []byte {
	common := dir
	if text, err := bounded(filepath.Join(dir, "commondir")); err == nil {
		if common = strings.TrimSpace(string(text)); !filepath.IsAbs(common) {
			common = filepath.Join(dir, common)
		}
	}
	text, err := bounded(filepath.Join(common, "config"))
	if err != nil {
		return nil
	}
	return text
}

// bounded reads an ordinary file that is not too large.
func bounded(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfig {
		return nil, fs.ErrInvalid
	}
	return os.ReadFile(name) //nolint:gosec // of git, beside the working tree
}

// Below are the submodules in a folder of the root, from there.
func (c *Checkout) Below(folder string) []string {
	var names []string
	for _, s := range c.Submodules {
		if folder == "" {
			names = append(names, s)
		} else if below, is := strings.CutPrefix(s, folder+"/"); is {
			names = append(names, below)
		}
	}
	return names
}

// submodules reads the paths of .gitmodules, a file as git's configuration is.
func submodules(text []byte) []string {
	var paths []string
	inside := false
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			inside = strings.HasPrefix(line, "[submodule ")
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if found && inside && strings.EqualFold(strings.TrimSpace(key), "path") {
			paths = append(paths, path.Clean(strings.Trim(strings.TrimSpace(value), `"`)))
		}
	}
	return paths
}
