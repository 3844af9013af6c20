//go:build !unix

package repofs

// nonblock is not needed: folders have no pipes.
const nonblock = 0
