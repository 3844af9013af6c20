package bake

import (
	"maps"
	"strings"

	"github.com/distribution/reference"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// Pin makes targets take base images by digest: each image of others whose full
// name has a digest becomes a named context, so that Dockerfile and arguments
// stay readable and every way to take the image (FROM, COPY --from, RUN
// --mount=from) is pinned alike. Images that already have a digest keep it.
func (f *File) Pin(digests map[string]string) {
	for i := range f.Targets {
		t := &f.Targets[i]
		for _, base := range t.Bases {
			digest := digests[base.Name]
			if digest == "" || hasDigest(base.Ref) {
				continue
			}
			if base.Syntax { // it reads the Dockerfile, before there are contexts
				t.Args = maps.Clone(t.Args)
				if t.Args == nil {
					t.Args = map[string]string{}
				}
				t.Args[syntaxArg] = base.Name + "@" + digest
				continue
			}
			t.Contexts[base.Context] = dockerfile.ImageScheme + base.Name + "@" + digest
		}
	}
}

// syntaxArg is the build argument that names the image which reads a Dockerfile.
const syntaxArg = "BUILDKIT_SYNTAX"

// Pinned reports whether a build takes a base image by a digest that a lock has.
func (t *Target) Pinned(base catalogue.Image) bool {
	if base.Syntax {
		return hasDigest(t.Args[syntaxArg])
	}
	return hasDigest(strings.TrimPrefix(t.Contexts[base.Context], dockerfile.ImageScheme))
}

func hasDigest(ref string) bool {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return false
	}
	_, ok := named.(reference.Digested)
	return ok
}
