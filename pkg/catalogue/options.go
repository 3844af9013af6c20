package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/runbake/runbake/pkg/definition"
)

// option is what an exporter of BuildKit takes besides what the emitted file
// says itself.
type option struct {
	values []string // that there are; nil for any number
	types  []string // of caches
}

var (
	yesOrNo      = []string{"true", "false"}
	compressions = []string{"uncompressed", "gzip", "estargz", "zstd"}
	stored       = []string{"registry", "local"}
)

// cacheOptions are the options of exported caches:
// https://docs.docker.com/build/cache/backends/.
var cacheOptions = map[string]option{
	"mode":              {[]string{"max", "min"}, []string{"registry", "local", "gha"}},
	"ignore-error":      {yesOrNo, []string{"registry", "local", "gha"}},
	"image-manifest":    {yesOrNo, stored},
	"oci-mediatypes":    {yesOrNo, stored},
	"compression":       {compressions, stored},
	"compression-level": {nil, stored},
	"force-compression": {yesOrNo, stored},
}

// outputOptions are the options of images that are pushed:
// https://docs.docker.com/build/exporters/image-registry/.
var outputOptions = map[string]option{
	"oci-mediatypes":    {values: yesOrNo},
	"compression":       {values: compressions},
	"compression-level": {},
	"force-compression": {values: yesOrNo},
}

// ExportOptions are the options of a type of cache, with the mode.
func (c Cache) ExportOptions(cacheType string) map[string]string {
	options := map[string]string{"mode": "max"}
	for name, value := range c.Options {
		if slices.Contains(cacheOptions[name].types, cacheType) {
			options[name] = value
		}
	}
	return options
}

// options evaluates and checks options of an exporter.
func (r *resolver) options(given *definition.Map, what string, known map[string]option) map[string]string {
	if given == nil {
		return nil
	}
	options := map[string]string{}
	for _, e := range r.merged(&scope{version: &Version{}}, given) {
		o, found := known[e.key.Value]
		if !found {
			r.report(e.key.Range, fmt.Sprintf("Unknown option %q of %s", e.key.Value, what), suggestion(e.key.Value, slices.Sorted(maps.Keys(known))))
			continue
		}
		if o.values == nil {
			if n, err := strconv.Atoi(e.value); err != nil || n < 0 || n > 22 {
				r.report(e.at, fmt.Sprintf("Invalid %s %q", e.key.Value, e.value), "It is a number from 0 to 22, in quotes.")
				continue
			}
		} else if !slices.Contains(o.values, e.value) {
			r.report(e.at, fmt.Sprintf("Unknown %s %q", e.key.Value, e.value), suggestion(e.value, o.values))
			continue
		}
		options[e.key.Value] = e.value
	}
	return options
}
