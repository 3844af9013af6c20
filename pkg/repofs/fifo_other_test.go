//go:build !unix

package repofs_test

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
