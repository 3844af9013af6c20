package dockerfile_test

import (
	"fmt"
	"testing"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// TestStart: what an image starts with, as Docker has it.
func TestStart(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"none", "FROM a\n", "[] []"},
		{"cmd", "FROM a\nCMD [\"x\"]\nCMD [\"y\", \"$z\"]\n", `[] ["y" "$z"]`},
		{"shell", "FROM a\nENTRYPOINT x y\nCMD z\n", `["/bin/sh" "-c" "x y"] ["/bin/sh" "-c" "z"]`},
		{"both", "FROM a\nCMD [\"y\"]\nENTRYPOINT [\"x\"]\n", `["x"] ["y"]`},
		{"below", "FROM a AS b\nENTRYPOINT [\"x\"]\nCMD [\"y\"]\nFROM b\nCMD [\"z\"]\n", `["x"] ["z"]`},
		{"an entrypoint ends the command below", "FROM a AS b\nCMD [\"y\"]\nFROM b\nENTRYPOINT [\"x\"]\n", `["x"] []`},
		{"the command below stays", "FROM a AS b\nENTRYPOINT [\"x\"]\nCMD [\"y\"]\nFROM b\n", `["x"] ["y"]`},
		{"emptied", "FROM a AS b\nENTRYPOINT [\"x\"]\nFROM b\nENTRYPOINT []\nCMD [\"y\"]\n", `[] ["y"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, diags := dockerfile.Parse("Dockerfile", []byte(c.src))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			entrypoint, command := f.Start("", nil)
			if got := fmt.Sprintf("%q %q", entrypoint, command); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
