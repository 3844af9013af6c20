package bake

import (
	"github.com/distribution/reference"
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
			t.Contexts[base.Context] = "docker-image://" + base.Name + "@" + digest
		}
	}
}

func hasDigest(ref string) bool {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return false
	}
	_, ok := named.(reference.Digested)
	return ok
}
