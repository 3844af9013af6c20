package inputs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/inputs"
)

// BenchmarkOf: 1,000 versions of 84 runtimes, 100 files each.
func BenchmarkOf(b *testing.B) {
	dir := b.TempDir()
	var builds []bake.Build
	for i := range 1000 {
		context := fmt.Sprintf("runtimes/lang%d", i/12)
		if i%12 == 0 {
			src := filepath.Join(dir, context, "src")
			if err := os.MkdirAll(src, 0o755); err != nil {
				b.Fatal(err)
			}
			for j := range 100 {
				write(b, filepath.Join(src, fmt.Sprintf("%d.txt", j)), fmt.Sprint(i, j))
			}
			write(b, filepath.Join(dir, context, "Dockerfile"), "FROM scratch\nCOPY src /\n")
		}
		t := &bake.Target{Name: fmt.Sprintf("lang%d-%d", i/12, i%12), Context: context, Platforms: []string{"linux/amd64"}}
		builds = append(builds, bake.Build{Target: t, Platforms: t.Platforms})
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	b.ResetTimer()
	for b.Loop() {
		if _, err := inputs.Of(b.Context(), root.FS(), builds, inputs.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadHash: one file of 64 MiB.
func BenchmarkReadHash(b *testing.B) {
	m := fstest.MapFS{"f": &fstest.MapFile{Data: make([]byte, 64<<20)}}
	hash := inputs.ReadHash(m)
	b.SetBytes(64 << 20)
	for b.Loop() {
		if _, err := hash("f", nil); err != nil {
			b.Fatal(err)
		}
	}
}
