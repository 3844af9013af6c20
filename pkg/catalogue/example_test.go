package catalogue_test

import (
	"fmt"
	"os"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
)

// A program reads the definitions of a repository and asks for what it needs:
// here, the images that functions of compiled runtimes run in.
func Example() {
	root := os.DirFS("../..") // a repository; any fs.FS
	set, diags := definition.Load(root)
	if diags.HasErrors() {
		fmt.Println(diags)
		return
	}
	c, diags := catalogue.Resolve(set, root)
	if diags.HasErrors() {
		fmt.Println(diags)
		return
	}
	chosen, err := c.Select([]string{"go"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range c.Entries(chosen) {
		fmt.Println(e.ID, e.Kind, "runs in", e.RunImage, "on", e.Platforms)
	}
	// Output: go-1.26 compiled runs in docker.io/runbake/debian-base:12 on [linux/amd64 linux/arm64]
}
