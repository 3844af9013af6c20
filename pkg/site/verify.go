package site

import (
	"regexp"
	"slices"
	"strings"
)

// Identity is who signs the images of a repository, as cosign checks it.
type Identity struct {
	Issuer  string // of the token; "" when it is not known who signs
	Pattern string // regular expression of the workflow; "" when the repository is not known
}

// sourceLabel is https://github.com/opencontainers/image-spec/blob/main/annotations.md.
const sourceLabel = "org.opencontainers.image.source"

// source is what may stand in a command: where a repository is, and nothing that
// a shell or a regular expression would read.
var source = regexp.MustCompile(`^https://(github|gitlab)\.com((?:/[A-Za-z0-9_-][A-Za-z0-9._-]*){2,})$`)

// identity is that of the workflows which runbake writes, of the repository that
// labels name.
func identity(services []string, labels map[string]string) Identity {
	host, path := "", ""
	if m := source.FindStringSubmatch(strings.TrimSuffix(labels[sourceLabel], ".git")); m != nil {
		host, path = m[1], m[2]
	}
	for _, service := range []string{"github", "gitlab"} {
		if !slices.Contains(services, service) && (len(services) > 0 || host != service) {
			continue
		}
		id := Identity{Issuer: "https://token.actions.githubusercontent.com"}
		workflow := `/\.github/workflows/release\.yml@`
		if service == "gitlab" {
			id.Issuer, workflow = "https://gitlab.com", `//\.gitlab-ci\.yml@`
		}
		if host == service {
			id.Pattern = "^" + regexp.QuoteMeta("https://"+service+".com"+path) + workflow
		}
		return id
	}
	return Identity{}
}

// Verify is the command that checks the signature of an image; "" when it is not
// known who signs.
func (i *Image) Verify() string {
	if i.Identity.Issuer == "" || i.Identity.Pattern == "" {
		return ""
	}
	return "cosign verify " + i.Pinned() + " \\\n  --certificate-oidc-issuer " + i.Identity.Issuer +
		" \\\n  --certificate-identity-regexp '" + i.Identity.Pattern + "'"
}

// Pinned is the name of the image by digest, where that is known.
func (i *Image) Pinned() string {
	if i.Published != nil && i.Published.Digest != "" {
		return i.Ref() + "@" + i.Published.Digest
	}
	return i.Ref()
}

// Inspect is the command that shows the provenance of an image.
func (i *Image) Inspect() string {
	return "docker buildx imagetools inspect " + i.Ref() + " --format '{{ json .Provenance }}'"
}
