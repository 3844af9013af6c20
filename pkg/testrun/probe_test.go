package testrun

import (
	"os"
	"testing"
)

// TestProbe: a program that is neither a release nor has a version that Go knows
// brings no probe, and says why where it looked for one.
func TestProbe(t *testing.T) {
	for version, looks := range map[string]bool{"(devel)": false, "v1.2.3+dirty": false, "": false, "v1.2.3": true} {
		t.Run(version, func(t *testing.T) {
			t.Setenv("GOPROXY", "off")
			t.Setenv("GOFLAGS", "-modcacherw") // what is taken away afterwards
			t.Setenv("GOMODCACHE", t.TempDir())
			dir := t.TempDir()
			var said []string
			has, err := Probe(t.Context(), dir, version, func(line string) { said = append(said, line) })
			if has || err != nil || len(said) > 0 != looks {
				t.Errorf("%v, %v, it says %q", has, err, said)
			}
			if left, err := os.ReadDir(dir); err != nil || !looks && len(left) > 0 {
				t.Errorf("%v, %v", left, err)
			}
		})
	}
}
