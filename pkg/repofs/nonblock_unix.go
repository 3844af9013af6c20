//go:build unix

package repofs

import "syscall"

// nonblock opens pipes without waiting for who would write into them.
const nonblock = syscall.O_NONBLOCK
