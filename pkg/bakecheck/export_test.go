package bakecheck

import (
	"context"

	"github.com/runbake/runbake/bake"
)

// VerifyInChunks is Verify with another number of targets that are read at a time.
func VerifyInChunks(ctx context.Context, src []byte, f *bake.File, size int) error {
	return verify(ctx, src, f, nil, size, settings(f)...)
}
