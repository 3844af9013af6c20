// Package platform is how platforms are spelt and which of them fit: one name
// for each, whatever people and machines call it, by the rules that containerd
// has, and BuildKit with it.
package platform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
)

// linux is what BuildKit runs on, and what Docker has a virtual machine for on
// other systems.
const linux = "linux"

// architectures are the first parts of names without an operating system.
var architectures = []string{
	"386", "aarch64", "amd64", "arm", "arm64", "armel", "armhf", "i386", "loong64", "mips64", "mips64le", "ppc64le", "riscv64", "s390x", "x86_64",
}

// Normal is the one name of a platform: linux/arm64 for linux/arm64/v8,
// linux/amd64 for linux/x86_64, linux/arm/v7 for linux/arm. A name without an
// operating system is one of Linux, as it is to BuildKit.
func Normal(name string) (string, error) {
	p, err := parse(name)
	if err != nil {
		return "", err
	}
	return platforms.Format(p), nil
}

func parse(name string) (platforms.Platform, error) {
	full := name
	if first, _, _ := strings.Cut(name, "/"); slices.Contains(architectures, first) {
		full = linux + "/" + name
	}
	if !strings.Contains(full, "/") { // containerd would add what this machine is
		return platforms.Platform{}, fmt.Errorf("%q is no platform: it names no architecture", name)
	}
	p, err := platforms.Parse(full)
	if err != nil {
		return p, fmt.Errorf("%q is no platform: %w", name, err)
	}
	if p.OSVersion != "" || len(p.OSFeatures) > 0 {
		return p, fmt.Errorf("%q is no platform: it names a version of the system", name)
	}
	return platforms.Normalize(p), nil
}

// Host is the platform of images that run on this machine.
func Host() string {
	p := platforms.DefaultSpec()
	p.OS = linux
	return platforms.Format(platforms.Normalize(p))
}

// Runs reports whether steps of a build for a platform can run, be it emulated:
// BuildKit runs on Linux.
func Runs(name string) bool { return strings.HasPrefix(name, linux+"/") }

// Fits reports whether an image of one platform is one for another: what
// linux/amd64 runs, linux/amd64/v2 runs, and linux/arm/v7 what linux/arm/v6
// does. Other architectures do not count, although some processors run two.
func Fits(image, wanted string) bool {
	has, err := parse(image)
	wants, other := parse(wanted)
	return err == nil && other == nil && has.Architecture == wants.Architecture && platforms.Only(wants).Match(has)
}

// For is the one of some platforms that a machine should build and run: what
// fits best, else the least that its architecture has, since processors of
// amd64 do not tell what they know; "" when there is none.
func For(machine string, among []string) string {
	m, err := parse(machine)
	if err != nil {
		return ""
	}
	fitting := slices.DeleteFunc(slices.Clone(among), func(p string) bool { return !Fits(p, machine) })
	if len(fitting) > 0 {
		order := platforms.Only(m)
		return slices.MinFunc(fitting, func(a, b string) int {
			x, _ := parse(a) // they fit
			y, _ := parse(b)
			switch {
			case order.Less(x, y):
				return -1
			case order.Less(y, x):
				return 1
			}
			return 0
		})
	}
	variants := slices.DeleteFunc(slices.Clone(among), func(p string) bool {
		return m.Architecture != "amd64" || !strings.HasPrefix(p, m.OS+"/amd64/")
	})
	if len(variants) == 0 {
		return ""
	}
	return slices.Min(variants)
}

// Spellings are other names for a platform that people use, and machines.
func Spellings(name string) []string {
	var others []string
	for _, spelling := range spellings {
		if normal, err := Normal(spelling); err == nil && normal == name {
			others = append(others, spelling)
		}
	}
	return others
}

var spellings = []string{
	"linux/aarch64", "linux/amd64/v1", "linux/arm", "linux/arm64/v8", "linux/armel", "linux/armhf", "linux/i386", "linux/x86_64",
}

// Machines are what machines are called that images are built on, as
// containerd names them there.
func Machines() []string {
	return []string{
		"linux/386", "linux/amd64", "linux/arm", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm/v8", "linux/arm64", "linux/arm64/v8",
		"linux/loong64", "linux/mips64", "linux/mips64le", "linux/ppc64le", "linux/riscv64", "linux/s390x",
	}
}
