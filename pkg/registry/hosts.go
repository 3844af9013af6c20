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

// host is what is known of the registry at an address, if something is.
func (h *Hosts) host(address string) (host, bool) {
	if h == nil {
		return host{}, false
	}
	known, named := h.known[address]
	return known, named
}

// parse reads the name of an image.
func (h *Hosts) parse(image string) (name.Reference, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, badName(image, err)
	}
	if known, _ := h.host(ref.Context().RegistryStr()); known.plain {
		return name.ParseReference(image, name.Insecure)
	}
	return ref, nil
}

// mirrors are the names that an image has in the mirrors of its registry.
func (h *Hosts) mirrors(own name.Reference) ([]name.Reference, error) {
	known, _ := h.host(own.Context().RegistryStr())
	separator := ":"
	if _, digest := own.(name.Digest); digest {
		separator = "@"
	}
	var all []name.Reference
	for _, mirror := range known.mirrors {
		ref, err := h.parse(path.Join(mirror, own.Context().RepositoryStr()) + separator + own.Identifier())
		if err != nil {
			return nil, err
		}
		all = append(all, ref)
	}
	return all, nil
}

// route sends requests over the transport of their host.
type route struct {
	hosts *Hosts
	other http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (r route) RoundTrip(req *http.Request) (*http.Response, error) {
	if known, named := r.hosts.host(req.URL.Host); named {
		return known.transport.RoundTrip(req)
	}
	return r.other.RoundTrip(req)
}
