package registry

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/util/resolver"
)

// Hosts say how registries are reached, where that is not at their own address,
// over TLS, with the certificates of the system. A nil *Hosts says nothing.
type Hosts struct {
	known map[string]host // by the address that requests go to
}

// host is one registry.
type host struct {
	plain     bool // without TLS
	transport http.RoundTripper
	mirrors   []string // host and path, in the order in which they are asked
}

// ParseHosts reads the registries of a buildkitd.toml: mirrors, http, insecure,
// ca, keypair and tlsconfigdir. BuildKit's own packages say what they mean, so
// that what is built and what is asked here come from the same place.
func ParseHosts(text []byte) (*Hosts, error) {
	c, err := config.Load(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	h := &Hosts{known: map[string]host{}}
	all := resolver.NewRegistryConfig(c.Registries)
	for _, registry := range slices.Sorted(maps.Keys(c.Registries)) {
		reached, err := all(registry)
		if err != nil {
			return nil, fmt.Errorf("registry %q: %w", registry, err)
		}
		address := registry
		if registry == "docker.io" {
			address = name.DefaultRegistry
		}
		own := reached[len(reached)-1]
		entry := host{plain: own.Scheme == "http", transport: own.Client.Transport}
		for _, mirror := range reached[:len(reached)-1] {
			entry.mirrors = append(entry.mirrors, path.Join(mirror.Host, strings.TrimPrefix(mirror.Path, "/v2")))
			if _, named := c.Registries[mirror.Host]; !named {
				h.known[mirror.Host] = host{plain: mirror.Scheme == "http", transport: mirror.Client.Transport}
			}
		}
		h.known[address] = entry
	}
	return h, nil
}

// plain reports whether a registry is to be asked without TLS.
func (h *Hosts) plain(address string) bool { return h != nil && h.known[address].plain }

// parse reads the name of an image.
func (h *Hosts) parse(image string) (name.Reference, error) {
	ref, err := name.ParseReference(image)
	if err == nil && h.plain(ref.Context().RegistryStr()) {
		ref, err = name.ParseReference(image, name.Insecure)
	}
	if err != nil {
		return nil, badName(image, err)
	}
	return ref, nil
}

// mirrored are the places that have an image: mirrors, and at last its own.
func (h *Hosts) mirrored(image string) ([]name.Reference, error) {
	own, err := h.parse(image)
	if err != nil {
		return nil, err
	}
	var all []name.Reference
	if h != nil {
		for _, mirror := range h.known[own.Context().RegistryStr()].mirrors {
			separator := ":"
			if _, digest := own.(name.Digest); digest {
				separator = "@"
			}
			ref, err := h.parse(path.Join(mirror, own.Context().RepositoryStr()) + separator + own.Identifier())
			if err != nil {
				return nil, err
			}
			all = append(all, ref)
		}
	}
	return append(all, own), nil
}

// route sends requests over the transport of their host.
type route struct {
	hosts *Hosts
	other http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (r route) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.hosts != nil {
		if h, named := r.hosts.known[req.URL.Host]; named && h.transport != nil {
			return h.transport.RoundTrip(req)
		}
	}
	return r.other.RoundTrip(req)
}
