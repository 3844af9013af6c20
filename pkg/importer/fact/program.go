package fact

import (
	"slices"
	"strings"
)

// Mentions reports a text in which a program may stand whose builds are read: everything
// else need not be looked at.
func Mentions(text string) bool {
	return slices.ContainsFunc([]string{"docker", "podman", "buildah", "nerdctl", "kaniko"},
		func(program string) bool { return strings.Contains(text, program) })
}
