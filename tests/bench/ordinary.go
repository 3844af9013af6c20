package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Ordinary is a user of this machine who is not root, and has subordinate ids. The
// machine's own files do not know of that user.
type Ordinary struct {
	Home   string
	tables string // files for /etc
}

// ordinaryID is the number of that user.
const ordinaryID = 54321

// Ordinary makes one, and installs what a user namespace needs.
func (b *Bench) Ordinary(ctx context.Context) (*Ordinary, error) {
	if err := b.install(ctx, "rootlesskit", "uidmap"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "runbake-ordinary-") // a bench's folders are root's alone
	if err != nil {
		return nil, err
	}
	u := &Ordinary{Home: filepath.Join(dir, "home"), tables: filepath.Join(dir, "etc")}
	errs := []error{
		os.Chmod(dir, 0o755), os.Mkdir(u.tables, 0o755), os.Mkdir(u.Home, 0o700), //nolint:gosec // the user enters it
		os.Chown(u.Home, ordinaryID, ordinaryID),
	}
	const ids = "ordinary:300000:65536\n"
	for name, text := range map[string]string{
		"passwd": fmt.Sprintf("root:x:0:0::/root:/bin/sh\nordinary:x:%d:%[1]d::%s:/bin/sh\n", ordinaryID, u.Home),
		"group":  fmt.Sprintf("root:x:0:\nordinary:x:%d:\n", ordinaryID), "subuid": ids, "subgid": ids,
	} {
		errs = append(errs, os.WriteFile(filepath.Join(u.tables, name), []byte(text), 0o644)) //nolint:gosec // everybody reads it
	}
	b.onClose(func() error {
		// Files of subordinate ids are in it.
		return os.RemoveAll(dir)
	})
	return u, errors.Join(errs...)
}

// Give copies a file, or a folder with all that is in it, into the user's home.
func (u *Ordinary) Give(from, name string) error {
	to := filepath.Join(u.Home, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // as users have it
		return err
	}
	if out, err := exec.Command("cp", "-R", from, to).CombinedOutput(); err != nil { //nolint:noctx // a copy
		return fmt.Errorf("%w: %s", err, out)
	}
	return filepath.WalkDir(u.Home, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, ordinaryID, ordinaryID))
	})
}

// Command is a command that the user runs in a folder of the home.
func (u *Ordinary) Command(ctx context.Context, dir string, env []string, command ...string) *exec.Cmd {
	const enter = `
for table in passwd group subuid subgid; do
	mount --bind "$1/$table" "/etc/$table"
done
cd "$2"
id=$3
shift 3
exec setpriv --reuid "$id" --regid "$id" --clear-groups "$@"`
	args := []string{"--mount", "sh", "-euc", enter, "sh", u.tables, filepath.Join(u.Home, dir), strconv.Itoa(ordinaryID)}
	cmd := exec.CommandContext(ctx, "unshare", append(args, command...)...)
	cmd.Env = append([]string{"HOME=" + u.Home, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, env...)
	return cmd
}
