package platform_test

import (
	"slices"
	"testing"

	"github.com/runbake/runbake/pkg/platform"
)

func TestNormal(t *testing.T) {
	cases := map[string]string{
		"linux/amd64": "linux/amd64", "linux/amd64/v1": "linux/amd64", "linux/amd64/v2": "linux/amd64/v2", "linux/x86_64": "linux/amd64",
		"linux/arm64/v8": "linux/arm64", "linux/aarch64": "linux/arm64", "linux/arm64/v9": "linux/arm64/v9", "linux/arm": "linux/arm/v7",
		"linux/arm/7": "linux/arm/v7", "linux/armhf": "linux/arm/v7", "linux/armel": "linux/arm/v6", "linux/i386": "linux/386",
		"LINUX/AMD64": "linux/amd64", "arm64": "linux/arm64", "windows/amd64": "windows/amd64", "linux/loong64": "linux/loong64",
	}
	for name, want := range cases {
		if got, err := platform.Normal(name); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", "linux", "windows(10.0.17763)/amd64", "linux/", "/", "linux/amd64/v2/x", "$BUILDPLATFORM", "linux/a b"} {
		if got, err := platform.Normal(name); err == nil {
			t.Errorf("%q is %s", name, got)
		}
	}
}

func TestFits(t *testing.T) {
	cases := []struct {
		image, wanted string
		want          bool
	}{
		{"linux/amd64", "linux/amd64", true},
		{"linux/amd64", "linux/amd64/v2", true},
		{"linux/amd64/v2", "linux/amd64", false},
		{"linux/arm/v6", "linux/arm/v7", true},
		{"linux/arm/v7", "linux/arm/v6", false},
		{"linux/arm64/v8", "linux/arm64", true},
		{"linux/arm/v7", "linux/arm64", false},
		{"linux/386", "linux/amd64", false},
		{"linux/amd64", "linux/arm64", false},
		{"windows/amd64", "linux/amd64", false},
		{"", "linux/amd64", false},
	}
	for _, c := range cases {
		if got := platform.Fits(c.image, c.wanted); got != c.want {
			t.Errorf("an image of %q for %s: got %v", c.image, c.wanted, got)
		}
	}
}

// TestFor: what each kind of machine builds for itself.
func TestFor(t *testing.T) {
	cases := []struct {
		machine string
		among   []string
		want    string
	}{
		{"linux/amd64", []string{"linux/arm64", "linux/amd64"}, "linux/amd64"},
		{"linux/amd64", []string{"linux/amd64/v3", "linux/amd64/v2", "linux/arm64"}, "linux/amd64/v2"},
		{"linux/amd64", []string{"linux/386"}, ""},
		{"linux/arm64/v8", []string{"linux/amd64", "linux/arm64"}, "linux/arm64"},
		{"linux/arm64", []string{"linux/arm/v7"}, ""},
		{"linux/arm64/v9", []string{"linux/arm64"}, "linux/arm64"},
		{"linux/arm/v7", []string{"linux/arm/v5", "linux/arm/v6"}, "linux/arm/v6"},
		{"linux/arm", []string{"linux/arm/v6", "linux/arm/v7"}, "linux/arm/v7"},
		{"linux/arm/v6", []string{"linux/arm/v7"}, ""},
		{"linux/riscv64", []string{"linux/amd64", "linux/riscv64"}, "linux/riscv64"},
		{"linux/s390x", []string{"linux/amd64"}, ""},
		{"nonsense/", []string{"linux/amd64"}, ""},
	}
	for _, c := range cases {
		if got := platform.For(c.machine, c.among); got != c.want {
			t.Errorf("%s of %v: got %q, want %q", c.machine, c.among, got, c.want)
		}
	}
	if host := platform.Host(); !platform.Runs(host) || platform.For(host, []string{host}) != host {
		t.Errorf("this machine is %s", host)
	}
}

// TestSpellings: each leads back to the name that it is another one for.
func TestSpellings(t *testing.T) {
	if got, want := platform.Spellings("linux/arm64"), []string{"linux/aarch64", "linux/arm64/v8"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, m := range platform.Machines() {
		if _, err := platform.Normal(m); err != nil {
			t.Error(err)
		}
	}
}
