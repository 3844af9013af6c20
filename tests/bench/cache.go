package bench

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// cache is the folder that outlives a bench. Benches of several processes may
// share it.
type cache struct{ dir string }

// openCache uses RUNBAKE_BENCH_CACHE, or a folder in the user's cache.
func openCache() (*cache, error) {
	dir := os.Getenv("RUNBAKE_BENCH_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(user, "runbake-bench")
	}
	return &cache{dir}, os.MkdirAll(dir, 0o755)
}

func (c *cache) path(parts ...string) string {
	return filepath.Join(append([]string{c.dir}, parts...)...)
}

// unused is how long something is kept that no bench uses.
const unused = 7 * 24 * time.Hour

// tidy takes away what has not been used for long: stand-ins and states of
// earlier versions.
func (c *cache) tidy() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || e.Name() == "mirror" || time.Since(info.ModTime()) < unused {
			continue
		}
		errs = append(errs, unmountBelow(c.path(e.Name())), os.RemoveAll(c.path(e.Name())))
	}
	return errors.Join(errs...)
}

// use notes that something is used.
func (c *cache) use(name string) error {
	now := time.Now()
	return os.Chtimes(c.path(name), now, now)
}

// lock waits until no other process makes the thing of that name.
func (c *cache) lock(name string) (unlock func() error, err error) {
	f, err := os.OpenFile(c.path(name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// file returns the path of a cached file, which make writes when it is not
// there. A file appears under its name when it is complete.
func (c *cache) file(name string, makeFile func(path string) error) (path string, err error) {
	path = c.path(name)
	unlock, err := c.lock(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := c.use(name); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	tmp := path + ".part"
	if err := errors.Join(os.RemoveAll(tmp), makeFile(tmp)); err != nil {
		return "", errors.Join(err, os.RemoveAll(tmp))
	}
	return path, os.Rename(tmp, path)
}
