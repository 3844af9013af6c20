package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/runbake/runbake/pkg/repofs"
)

// cacheFile names a file of the user's cache that is about this repository.
func (a *app) cacheFile(kind string) (string, error) {
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return "", err
	}
	folder, found := a.env.LookupEnv("XDG_CACHE_HOME")
	if !found || folder == "" {
		if folder, err = os.UserCacheDir(); err != nil {
			return "", err
		}
	}
	if !filepath.IsAbs(folder) {
		return "", errors.New("the cache folder is relative")
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(folder, "runbake", kind, hex.EncodeToString(sum[:8])), nil
}

// readCache reads such a file. There is none the first time, and one that cannot
// be read is as good as none.
func readCache(name string) []byte {
	data, err := repofs.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}

// ownCache says whether what a cache says can be believed: nobody but the user can
// write the file, and it is none of the repository.
func (a *app) ownCache(name string) bool {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || !ownedAlone(info) {
		return false
	}
	dir, err := filepath.EvalSymlinks(a.dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	file, fileErr := filepath.EvalSymlinks(name)
	if err != nil || fileErr != nil {
		return false
	}
	inside, err := filepath.Rel(dir, file)
	return err != nil || !filepath.IsLocal(inside)
}

// keepCache writes such a file. Without it the next run takes longer, and finds
// the same.
func keepCache(name string, data []byte) {
	if os.MkdirAll(filepath.Dir(name), 0o755) == nil {
		_ = writeResult(name, data)
	}
}

// program tells this build from every other one, and from one of the same
// version that somebody has just compiled.
func program() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	info, _ := debug.ReadBuildInfo() // of tests there is none
	sum := sha256.Sum256(fmt.Appendf(nil, "%v %s %d %d", info, path, file.Size(), file.ModTime().UnixNano()))
	return hex.EncodeToString(sum[:]), nil
}
