package bakecheck_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/catalogue"
)

// BenchmarkVerify shows how the check grows: bake looks every target up in a
// list of all.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{10, 100, 400} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			f := &bake.File{Registry: "docker.io/acme", Cache: catalogue.Cache{Type: "none"}}
			for i := range n {
				f.Targets = append(f.Targets, bake.Target{
					Name: fmt.Sprintf("t-%d", i), Description: "x", Context: "runtimes/x", Image: "x", Tags: []string{strconv.Itoa(i)},
					Platforms: []string{"linux/amd64", "linux/arm64"}, Labels: map[string]string{"a": strconv.Itoa(i)}, Args: map[string]string{"A": "b"},
				})
			}
			src := f.Encode()
			for b.Loop() {
				if err := bakecheck.Verify(b.Context(), src, f, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
