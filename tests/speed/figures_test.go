package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// TestFigures: the figures are of exactly the images that the definitions have,
// and the tables in the documents are made of them.
func TestFigures(t *testing.T) {
	f, err := readFigures(filepath.Join(root, figuresFile))
	if err != nil {
		t.Fatal(err)
	}
	defined, err := entries(root)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, e := range defined {
		for _, platform := range e.Platforms {
			want = append(want, e.ID+" on "+platform)
		}
	}
	for i := range f.Images {
		v := &f.Images[i]
		got = append(got, v.ID+" on "+v.Platform)
		if v.Failed > 0 || v.Uncompressed < v.Compressed {
			t.Errorf("%s on %s: %+v", v.ID, v.Platform, *v)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the figures are of\n%s\nthe definitions have\n%s\ngo run ./tests/speed -what runtimes", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	text, err := os.ReadFile(filepath.Join(root, benchmarkFile))
	if err != nil {
		t.Fatal(err)
	}
	spliced, err := between(string(text), f.details())
	if err != nil || spliced != string(text) {
		t.Errorf("%s is not what go run ./tests/speed -what runtimes makes of %s: %v", benchmarkFile, figuresFile, err)
	}
}

func TestTables(t *testing.T) {
	f := figures{Machine: "A machine", Date: "2026-01-02", Images: []figure{
		{ID: "a-1", Name: "A 1", Platform: "linux/amd64", Passed: 38, Compressed: 1_500_000, Uncompressed: 4_000_000, Build: 2.34, Start: 0.0415, One: 1234.6, Many: 99.4, Memory: 10_000_000},
		{ID: "a-1", Name: "A 1", Platform: "linux/arm64", Failed: 2, Compressed: 1, Uncompressed: 2, Start: 1.26},
		{ID: "b-1", Name: "B 1", Base: true, Platform: "linux/arm64", Compressed: 100_000, Uncompressed: 200_000},
	}}
	const details = `A machine, on 2026-01-02.

| image | platform | contract | compressed | uncompressed | build | start to first 200 | requests/s, 1 connection | 32 connections | memory then |
|---|---|---|---:|---:|---:|---:|---:|---:|---:|
| A 1 | linux/amd64 | 38 passed | 1.5 MB | 4.0 MB | 2.3 s | 42 ms | 1235 | 99 | 10.0 MB |
| A 1 | linux/arm64 | 2 failed | 0.0 MB | 0.0 MB |  | 1.3 s |  |  |  |
| B 1 | linux/arm64 |  | 0.1 MB | 0.2 MB |  |  |  |  |  |
`
	if got := f.details(); got != details {
		t.Errorf("got\n%s\nwant\n%s", got, details)
	}
	for _, text := range []string{"", beginTable, endTable + beginTable} {
		if _, err := between(text, ""); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}
