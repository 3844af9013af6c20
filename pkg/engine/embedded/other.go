//go:build !linux

package embedded

import "context"

// Start always fails: BuildKit builds on Linux.
func Start(context.Context, Options) (release func() error, err error) { return nil, ErrPlatform }

// Watch always fails.
func Watch(context.Context, Options) error { return ErrPlatform }

// Ready is never so.
func (*Options) Ready() bool { return false }

// Check always fails.
func Check(Options) []Finding {
	return []Finding{{Name: "system", Problem: "there is no embedded BuildKit on this system", Fix: ErrPlatform.Error()}}
}
