package bakecheck_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/catalogue"
)

// BenchmarkVerify shows how the check grows: with the number of targets.
func BenchmarkVerify(b *testing.B) {
	each(b, []int{10, 100, 400, 1600}, func(b *testing.B, src []byte, f *bake.File) error {
		return bakecheck.Verify(b.Context(), src, f, nil)
	})
}

// BenchmarkVerifyWhole shows how bake's own reading of the whole text does: with the
// square of it.
func BenchmarkVerifyWhole(b *testing.B) {
	each(b, []int{10, 100, 400}, func(b *testing.B, src []byte, f *bake.File) error {
		return bakecheck.VerifyWhole(b.Context(), src, f)
	})
}

func each(b *testing.B, sizes []int, verify func(b *testing.B, src []byte, f *bake.File) error) {
	for _, n := range sizes {
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
				if err := verify(b, src, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
