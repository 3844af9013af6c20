package repository_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/repository"
)

// files are a repository with one image for two platforms, on an image of others.
func files(more map[string]string) fstest.MapFS {
	all := map[string]string{
		"runbake.hcl":               "project {\n  registry = \"r.example\"\n}\n",
		"runtimes/perl/runtime.hcl": "base \"perl\" {\n  name = \"Perl\"\n  version \"5\" {}\n}\n",
		"runtimes/perl/Dockerfile":  "FROM debian:12\n",
	}
	maps.Copy(all, more)
	fsys := fstest.MapFS{}
	for name, text := range all {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fsys
}

// locked is a lock of an image, for a platform.
func locked(image, platform string) map[string]string {
	digest := "sha256:" + strings.Repeat("1", 64)
	return map[string]string{"runbake.lock.hcl": "# Written by runbake lock. DO NOT EDIT.\n\nimage \"" + image + "\" {\n  digest = \"" + digest +
		"\"\n  platforms = {\n    \"" + platform + "\" = \"" + digest + "\"\n  }\n}\n"}
}

func load(t *testing.T, more map[string]string) *repository.Repository {
	t.Helper()
	r, err := repository.Load(files(more))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func summaries(r *repository.Repository) []string {
	var all []string
	for _, d := range r.Diagnostics {
		all = append(all, d.Summary)
	}
	return all
}

// TestLock: without a lock nothing is pinned and nothing said of it; with one, what
// it lacks and what nobody needs is.
func TestLock(t *testing.T) {
	r := load(t, nil)
	r.CheckLock(r.Catalogue.Versions())
	if r.Lock != nil || len(r.Diagnostics) > 0 {
		t.Errorf("without a lock: %q", summaries(r))
	}
	if got := r.File().Targets[0].Contexts; len(got) > 0 {
		t.Errorf("without a lock: pinned %q", got)
	}
	r = load(t, locked("docker.io/library/node:22", "linux/amd64"))
	r.CheckLock(r.Catalogue.Versions())
	want := []string{`No version is built from "node:22"`, `Base image "debian:12" is not in runbake.lock.hcl`}
	if got := summaries(r); !slices.Equal(got, want) {
		t.Errorf("with another image: got %q, want %q", got, want)
	}
	r = load(t, locked("docker.io/library/debian:12", "linux/amd64"))
	if got := r.File().Targets[0].Contexts; len(got) != 1 {
		t.Errorf("with the image: pinned %q", got)
	}
	if r.CheckPlatforms(r.Catalogue.Versions(), []string{"linux/amd64"}); r.Diagnostics.HasErrors() {
		t.Errorf("built for what it has: %q", summaries(r))
	}
	if r.CheckPlatforms(r.Catalogue.Versions(), nil) {
		t.Error("built for what it lacks: nothing is said")
	}
	if got, want := summaries(r), []string{`perl-5 is built for linux/arm64, and "debian:12" has it not`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBroken: problems of the lock and of definitions are told together, with their
// sources.
func TestBroken(t *testing.T) {
	r := load(t, map[string]string{
		"runbake.lock.hcl":          "image {\n",
		"runtimes/perl/runtime.hcl": "base \"perl\" {\n  nam = \"Perl\"\n  version \"5\" {}\n}\n",
	})
	if !r.Diagnostics.HasErrors() {
		t.Fatal("nothing is said")
	}
	for _, name := range []string{"runbake.lock.hcl", "runtimes/perl/runtime.hcl"} {
		if r.Sources[name] == nil {
			t.Errorf("%s has no source", name)
		}
		if !slices.ContainsFunc(r.Diagnostics, func(d *hcl.Diagnostic) bool { return strings.Contains(d.Error(), name) }) {
			t.Errorf("nothing is said of %s: %q", name, summaries(r))
		}
	}
}

// TestDays: a day that has not come is refused when the day is asked for, and not
// before.
func TestDays(t *testing.T) {
	r := load(t, map[string]string{
		"runtimes/perl/runtime.hcl": "base \"perl\" {\n  name = \"Perl\"\n  version \"5\" {\n    deprecated = \"2026-06-01\"\n  }\n}\n",
	})
	if len(r.Diagnostics) > 0 {
		t.Errorf("before it is asked: %q", summaries(r))
	}
	r.CheckDays(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	if want := []string{"perl-5 is deprecated on 2026-06-01, which has not come"}; !slices.Equal(summaries(r), want) {
		t.Errorf("got %q, want %q", summaries(r), want)
	}
}
