package bake

import (
	"cmp"
	"path"
)

// DockerfileName is the Dockerfile of a target, from its context.
func (t *Target) DockerfileName() string { return cmp.Or(t.Dockerfile, "Dockerfile") }

// DockerfilePath is the Dockerfile of a target, from the root.
func (t *Target) DockerfilePath() string { return path.Join(t.Context, t.DockerfileName()) }
