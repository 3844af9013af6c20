package bake

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
)

// Lookup finds a variable of the environment, as os.LookupEnv does.
type Lookup func(name string) (value string, found bool)

// ValuesFrom reads the variables from the environment as bake does, with the
// same defaults and the same conditions. machine is the processor
// architecture that LOCAL builds for, as Go names it. The error names every
// variable with a wrong value.
func (f *File) ValuesFrom(env Lookup, machine string) (Values, error) {
	v := f.Defaults()
	var errs []error
	read := func(name string, into *string, good func(string) bool, want string) {
		if s, found := env(name); found {
			*into = s
		}
		if !good(*into) {
			errs = append(errs, fmt.Errorf("%s=%q: it is %s", name, *into, want))
		}
	}
	readBool := func(name string, into *bool) {
		s, found := env(name)
		if !found {
			return
		}
		value, err := strconv.ParseBool(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s=%q: it is true or false", name, s))
		}
		*into = value
	}
	readBool("LOCAL", &v.Local)
	readBool("BY_DIGEST", &v.ByDigest)
	if v.Local {
		v.Platform = "linux/" + machine
	}
	matches := func(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }
	known := append([]string{""}, f.Platforms()...)
	read("REGISTRY", &v.Registry, matches(catalogue.RegistryPattern), "host[:port][/path] in lower case, without a scheme")
	read("TAG_SUFFIX", &v.TagSuffix, matches(`^[A-Za-z0-9_.-]{0,`+strconv.Itoa(maxSuffix)+`}$`), "at most 40 letters, digits, dots, dashes and underscores")
	read("REVISION", &v.Revision, matches(`^[A-Za-z0-9_.-]{0,`+strconv.Itoa(maxRevision)+`}$`), "at most 64 letters, digits, dots, dashes and underscores")
	read("PLATFORM", &v.Platform, func(s string) bool { return slices.Contains(known, s) }, "empty or one of "+strings.Join(known[1:], ", "))
	read("CACHE", &v.Cache, func(s string) bool { return slices.Contains([]string{"none", "registry", "gha", "local"}, s) }, "one of none, registry, gha and local")
	if s, found := env("PROBE"); found {
		v.Probe = s
		if s == "" {
			errs = append(errs, errors.New(`PROBE="": it is docker-image:// and the name of an image, or a folder`))
		}
	}
	if s, found := env("CACHE_REF"); found {
		v.CacheRef = s
		if !matches(`^[^\s,"=]+$`)(s) {
			errs = append(errs, fmt.Errorf("CACHE_REF=%q: it is the name of an image repository or a folder, without spaces, commas and equals signs", s))
		}
	}
	if v.Cache == "registry" && v.CacheRef != "" && !matches(catalogue.RepositoryPattern)(v.CacheRef) {
		errs = append(errs, fmt.Errorf("CACHE_REF=%q: it is the name of an image repository "+
			"for CACHE=registry, [host[:port]/]path in lower case, without a tag", v.CacheRef))
	}
	if len(errs) == 0 {
		errs = append(errs, f.CheckTags(v))
	}
	return v, errors.Join(errs...)
}
