package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// clean takes away what a BuildKit leaves that was killed: containers of steps
// that ran, mounts, sockets. Nobody else may be using the folder.
func (o *Options) clean(ctx context.Context) error {
	errs := []error{o.removeContainers(ctx), o.unmount()}
	for _, socket := range []string{o.socket(), o.path("otel.sock")} {
		if err := os.Remove(socket); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// removeContainers ends what still runs in containers of ours. BuildKit keeps
// them where runc does by default, among those of others.
func (o *Options) removeContainers(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, o.path("bin/"+runtimeLink), "list", "--format", "json").Output()
	if err != nil {
		return fmt.Errorf("listing containers: %w", err)
	}
	var containers []struct{ ID, Bundle string }
	if err := json.Unmarshal(out, &containers); err != nil {
		return fmt.Errorf("listing containers: %w", err)
	}
	var errs []error
	for _, c := range containers {
		if !strings.HasPrefix(c.Bundle, o.root()+"/") {
			continue
		}
		if text, err := exec.CommandContext(ctx, o.path("bin/"+runtimeLink), "delete", "--force", c.ID).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("removing container %s: %w: %s", c.ID, err, text))
		}
	}
	return errors.Join(errs...)
}

// unmount takes away mounts below the folder, the last first.
func (o *Options) unmount() error {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(o.root()))
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range slices.Backward(mounts) {
		if err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmounting %s: %w", m.Mountpoint, err))
		}
	}
	return errors.Join(errs...)
}
