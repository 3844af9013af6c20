//go:build !release

package bundled

import "embed"

// programs are none: this is no release.
var programs embed.FS
