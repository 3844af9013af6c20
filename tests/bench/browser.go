package bench

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Browser is the Chromium of this machine. Where there is none a test is skipped,
// unless RUNBAKE_BENCH=require asks for Debian's to be installed.
func Browser(t testing.TB) string {
	t.Helper()
	if program, err := exec.LookPath("chromium"); err == nil {
		return program
	}
	if os.Getenv("RUNBAKE_BENCH") != "require" {
		t.Skip("there is no chromium; RUNBAKE_BENCH=require installs Debian's")
	}
	cache, err := openCache()
	if err != nil {
		t.Fatal(err)
	}
	b := &Bench{cache: cache, log: testLog{t}}
	if err := b.install(t.Context(), "chromium", "fonts-dejavu-core"); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// The rules for pages that everybody can use, of https://github.com/dequelabs/axe-core,
// as npm has them.
const (
	axeVersion   = "4.14.1"
	axeIntegrity = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// Axe is the script of axe-core.
func Axe(ctx context.Context) (string, error) {
	cache, err := openCache()
	if err != nil {
		return "", err
	}
	name, err := cache.file("axe-core-"+axeVersion+".js", func(path string) error {
		dir, err := os.MkdirTemp("", "runbake-axe-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if _, err := run(ctx, nil, "npm", "pack", "--silent", "--pack-destination="+dir, "axe-core@"+axeVersion); err != nil {
			return err
		}
		tarball := filepath.Join(dir, "axe-core-"+axeVersion+".tgz")
		data, err := os.ReadFile(tarball)
		if err != nil {
			return err
		}
		sum := sha512.Sum512(data)
		if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != axeIntegrity {
			return fmt.Errorf("axe-core %s is %s, want %s", axeVersion, got, axeIntegrity)
		}
		script, err := run(ctx, nil, "tar", "--extract", "--gzip", "--to-stdout", "--file="+tarball, "package/axe.min.js")
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(script), 0o600)
	})
	if err != nil {
		return "", err
	}
	script, err := os.ReadFile(name)
	return string(script), err
}
