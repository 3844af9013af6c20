//go:build release

package bundled

import "embed"

// programs are what a release compiles before the program itself.
//
//go:embed probes
var programs embed.FS
