package bakecheck

import (
	"context"

	buildxbake "github.com/docker/buildx/bake"

	"github.com/runbake/runbake/bake"
)

// VerifyInChunks is Verify with another number of targets in a part.
func VerifyInChunks(ctx context.Context, src []byte, f *bake.File, size int) error {
	return verify(ctx, src, f, nil, size, settings(f)...)
}

// Links is what [links] says of builds by their names.
func Links(builds map[string]func() bake.Build) error { return links(builds) }

// Read makes bake's configuration of a text as parts are read: what targets share
// first, and then each block in it.
func Read(src []byte, vars map[string]string) (*buildxbake.Config, error) {
	text := uncut(src)
	if diags := text.parseHead(); diags.HasErrors() {
		return nil, diags
	}
	within, err := scope(text.head, vars)
	if err != nil {
		return nil, err
	}
	d, err := newDecoder()
	if err != nil {
		return nil, err
	}
	config := &buildxbake.Config{}
	for _, b := range text.head.Blocks {
		switch b.Type {
		case "target":
			t, err := d.Target(b, within)
			if err != nil {
				return nil, err
			}
			config.Targets = append(config.Targets, t)
		case "group":
			g, err := d.Group(b, within)
			if err != nil {
				return nil, err
			}
			config.Groups = append(config.Groups, g)
		}
	}
	return config, nil
}
