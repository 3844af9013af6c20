package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/runbake/runbake/bake"
)

// TestDatedTests: tests are of images as a release builds them, with their time
// where a Dockerfile asks for it; without one, nothing is said of it.
func TestDatedTests(t *testing.T) {
	dir := t.TempDir()
	file := &bake.File{}
	for name, text := range map[string]string{"asks": "FROM a\nARG SOURCE_DATE_EPOCH\n", "not": "FROM a\n"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "Dockerfile"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		file.Targets = append(file.Targets, bake.Target{Name: name, Context: name})
	}
	for _, test := range []struct {
		epochs map[string]int64
		want   []string
	}{
		{nil, nil},
		{map[string]int64{"asks": 1234, "not": 1234}, []string{"asks.args.SOURCE_DATE_EPOCH=1234"}},
	} {
		run := &tester{file: file, dir: dir, epochs: test.epochs}
		want := slices.Concat(test.want, noAttestations)
		if got := run.request(nil, false).Overrides; !slices.Equal(got, want) {
			t.Errorf("epochs %v: got %q, want %q", test.epochs, got, want)
		}
	}
}
