package bakecheck_test

import (
	"fmt"
	"testing"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/catalogue"
)

// BenchmarkVerify shows how the check grows: bake looks every target up in a
// list of all.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{10, 100, 400} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := &bake.File{Registry: "docker.io/acme", Cache: catalogue.Cache{Type: "none"}}
			for i := range n {
				f.Targets = append(f.Targets, bake.Target{
					Name: fmt.Sprintf("t-%d", i), Description: "x", Context: "runtimes/x", Image: "x", Tags: []string{fmt.Sprint(i)},
					Platforms: []string{"linux/amd64", "linux/arm64"}, Labels: map[string]string{"a": fmt.Sprint(i)}, Args: map[string]string{"A": "b"},
				})
			}
			src := f.Encode()
			for b.Loop() {
				if err := bakecheck.Verify(b.Context(), src, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
