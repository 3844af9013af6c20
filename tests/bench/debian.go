package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// unsafeIO makes dpkg leave it to the system when files are written to the disk,
// which takes most of its time. Power may fail here: then all is made again.
const unsafeIO = "-oDpkg::Options::=--force-unsafe-io"

// install brings Debian packages that are not there yet.
func (b *Bench) install(ctx context.Context, packages ...string) (err error) {
	unlock, err := b.cache.lock("apt")
	if err != nil {
		return err
	}
	defer unlock() //nolint:errcheck // the lock ends with the process at the latest
	missing := slices.DeleteFunc(slices.Clone(packages), installed(ctx))
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this needs %s; install them (it is Debian's names, and there is no apt-get here)", strings.Join(missing, ", "))
	}
	return b.step(ctx, "installing "+strings.Join(missing, ", "), func(ctx context.Context) error {
		env := []string{"DEBIAN_FRONTEND=noninteractive"}
		if _, err := run(ctx, env, "apt-get", "update"); err != nil {
			return err
		}
		_, err := run(ctx, env, append([]string{"apt-get", "install", "--yes", "--no-install-recommends", unsafeIO}, missing...)...)
		return err
	})
}

func installed(ctx context.Context) func(string) bool {
	return func(name string) bool {
		status, err := run(ctx, nil, "dpkg-query", "--show", "--showformat=${Status}", name)
		return err == nil && strings.Contains(status, "install ok installed")
	}
}

// emulate makes the kernel run programs of linux/arm64 with QEMU. It is set up
// once for the machine, and stays.
func (b *Bench) emulate(ctx context.Context) error {
	const folder = "/proc/sys/fs/binfmt_misc"
	if _, err := os.Stat(folder + "/register"); err != nil {
		if err := syscall.Mount("binfmt_misc", folder, "binfmt_misc", 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", folder, err)
		}
	}
	if _, err := os.Stat(folder + "/qemu-aarch64"); err == nil {
		return nil
	}
	_, err := run(ctx, nil, "update-binfmts", "--enable", "qemu-aarch64")
	return err
}
