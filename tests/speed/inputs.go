package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Sizes of what is hashed.
const (
	contextFiles = 50_000
	contextBytes = 2 << 30
	commitFiles  = 100_000
	versions     = 1_000
)

// step is a command and what happens before each of its runs.
type step struct {
	name    string
	command []string
	before  func() error
}

func table(ctx context.Context, dir string, runs int, steps []step) error {
	fmt.Println("| command | median | fastest | memory |\n|---|---:|---:|---:|")
	for _, s := range steps {
		if s.before == nil {
			s.before = func() error { return nil }
		}
		m, err := measureAfter(ctx, dir, runs, s.command, s.before)
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %s | %s | %d MiB |\n", s.name, show(m.median), show(m.fastest), m.memory>>20)
	}
	return nil
}

// timeInputs hashes one big context, beside sha256sum of the same files.
func timeInputs(ctx context.Context, dir, runbake string, runs int) error {
	repo := filepath.Join(dir, "big")
	err := create(repo, map[string]string{
		"runbake.hcl":              "project {\n  registry = \"docker.io/acme\"\n}\n",
		"runtimes/big/runtime.hcl": "runtime \"big\" {\n  name = \"Big\"\n  kind = \"interpreted\"\n\n  version \"1\" {}\n}\n",
		"runtimes/big/Dockerfile":  "FROM debian:12\nCOPY src /src\n",
	})
	if err != nil {
		return err
	}
	random := rand.NewChaCha8([32]byte{1})
	data := make([]byte, 2*contextBytes/contextFiles)
	for i := range contextFiles {
		// From nothing to twice the mean.
		size := i * 2 * contextBytes / contextFiles / contextFiles
		if _, err := random.Read(data[:size]); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(repo, "runtimes/big/src", strconv.Itoa(i%500), fmt.Sprintf("%d.bin", i)), data[:size]); err != nil {
			return err
		}
	}
	caches := filepath.Join(dir, "cache")
	if err := os.Setenv("XDG_CACHE_HOME", caches); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // digests of younger files are not kept
	changed := 0
	sum := "find runtimes -type f -print0 | xargs -0 %s sha256sum > ../sums"
	return table(ctx, repo, runs, []step{
		{"`sha256sum`", []string{"sh", "-c", fmt.Sprintf(sum, "")}, nil},
		{"`sha256sum`, two at a time", []string{"sh", "-c", fmt.Sprintf(sum, "-P2 -n1000")}, nil},
		{"`runbake inputs`, nothing known", []string{runbake, "inputs"}, func() error { return os.RemoveAll(caches) }},
		{"`runbake inputs`, again", []string{runbake, "inputs"}, nil},
		{"`runbake inputs`, one file changed", []string{runbake, "inputs"}, func() error {
			changed++
			return writeFile(filepath.Join(repo, "runtimes/big/src/7/7.bin"), fmt.Append(nil, changed))
		}},
	})
}

// timeAffected compares commits of many versions and files, beside git status.
func timeAffected(ctx context.Context, dir, runbake string, runs int) error {
	repo := filepath.Join(dir, "many")
	if err := write(repo, versions, perFamily); err != nil {
		return err
	}
	families, err := filepath.Glob(filepath.Join(repo, "runtimes", "lang*"))
	if err != nil || len(families) == 0 {
		return errors.Join(err, errors.New("no runtimes"))
	}
	for _, family := range families {
		name := filepath.Join(family, "Dockerfile")
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := writeFile(name, append(text, "COPY src /src\n"...)); err != nil {
			return err
		}
	}
	for i := range commitFiles {
		name := filepath.Join(families[i%len(families)], "src", strconv.Itoa(i%7), fmt.Sprintf("%d.txt", i))
		if err := writeFile(name, fmt.Append(nil, "file ", i)); err != nil {
			return err
		}
	}
	for _, args := range []string{"init -q", "add --all", "-c user.name=a -c user.email=a@example.com commit -q -m one", "repack -q -a -d"} {
		cmd := exec.CommandContext(ctx, "git", strings.Fields(args)...)
		cmd.Dir = repo
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args, err, out)
		}
	}
	file := filepath.Join(families[0], "src/0/0.txt")
	change := func(text string) func() error { return func() error { return writeFile(file, []byte(text)) } }
	return table(ctx, repo, runs, []step{
		{"`git status`", []string{"git", "status", "--porcelain"}, nil},
		{"`runbake affected --since HEAD`, nothing changed", []string{runbake, "affected", "--since", "HEAD"}, nil},
		{"`runbake affected --since HEAD`, one file changed", []string{runbake, "affected", "--since", "HEAD"}, change("changed")},
		{"`runbake affected --since HEAD --until HEAD`", []string{runbake, "affected", "--since", "HEAD", "--until", "HEAD"}, nil},
	})
}

// create writes files with their folders.
func create(dir string, files map[string]string) error {
	for name, text := range files {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}
