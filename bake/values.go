package bake

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/platform"
)

// Lookup finds a variable of the environment, as os.LookupEnv does.
type Lookup func(name string) (value string, found bool)

// valueRule is what the value of a variable must match.
type valueRule struct{ Pattern, Want string }

func (r valueRule) allows(value string) bool { return regexp.MustCompile(r.Pattern).MatchString(value) }

// variableRules are what the variables may be: bake asks for it by the emitted
// file, and [File.ValuesFrom] by itself.
type variableRules struct {
	Registry, Suffix, Revision valueRule
	CacheRef                   valueRule
	CacheRepository            valueRule // of CACHE_REF, of a cache in a registry
	CacheTypes                 []string
	CacheWant, ProbeWant       string
}

func rules() variableRules {
	short := func(length int) valueRule {
		return valueRule{
			fmt.Sprintf("^[A-Za-z0-9_.-]{0,%d}$", length),
			fmt.Sprintf("at most %d letters, digits, dots, dashes and underscores", length),
		}
	}
	return variableRules{
		Registry: valueRule{catalogue.RegistryPattern, "host[:port][/path] in lower case, without a scheme"},
		Suffix:   short(maxSuffix), Revision: short(maxRevision),
		CacheRef: valueRule{
			`^[^\s,"=]+$`, "the name of an image repository or a folder, without spaces, commas and equals signs",
		},
		CacheRepository: valueRule{catalogue.RepositoryPattern, "[host[:port]/]path in lower case, without a tag"},
		CacheTypes:      []string{"none", "registry", "gha", "local"}, CacheWant: "one of none, registry, gha and local",
		ProbeWant: "docker-image:// and the name of an image, or a folder",
	}
}

// ValuesFrom reads the variables from the environment as bake does, with the
// same defaults and the same conditions. machine is the platform of this
// machine, of which LOCAL builds what fits. The error names every variable with
// a wrong value.
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
		v.Platform = f.Local(machine)
	}
	known, rules := f.Platforms(), rules()
	read("REGISTRY", &v.Registry, rules.Registry.allows, rules.Registry.Want)
	read("TAG_SUFFIX", &v.TagSuffix, rules.Suffix.allows, rules.Suffix.Want)
	read("REVISION", &v.Revision, rules.Revision.allows, rules.Revision.Want)
	read("PLATFORM", &v.Platform, func(s string) bool { return s == "" || slices.Contains(known, s) || spellings(known)[s] != "" }, oneOf(known))
	v.Platform = normal(v.Platform)
	read("CACHE", &v.Cache, func(s string) bool { return slices.Contains(rules.CacheTypes, s) }, rules.CacheWant)
	if s, found := env("PROBE"); found {
		v.Probe = s
		if s == "" {
			errs = append(errs, errors.New(`PROBE="": it is `+rules.ProbeWant))
		}
	}
	if s, found := env("CACHE_REF"); found {
		v.CacheRef = s
		if !rules.CacheRef.allows(s) {
			errs = append(errs, fmt.Errorf("CACHE_REF=%q: it is %s", s, rules.CacheRef.Want))
		}
	}
	if v.Cache == "registry" && v.CacheRef != "" && !rules.CacheRepository.allows(v.CacheRef) {
		errs = append(errs, fmt.Errorf("CACHE_REF=%q: it is the name of an image repository "+
			"for CACHE=registry, %s", v.CacheRef, rules.CacheRepository.Want))
	}
	var wrong []error
	v.Variables, wrong = f.readVariables(env)
	errs = append(errs, wrong...)
	if len(errs) == 0 {
		errs = append(errs, f.CheckTags(v))
	}
	return v, errors.Join(errs...)
}

// Set are the values as bake takes them: the variables that are not at their
// defaults, and those that may not be.
func (v Values) Set() map[string]string {
	vars := map[string]string{
		"REGISTRY": v.Registry, "TAG_SUFFIX": v.TagSuffix, "REVISION": v.Revision, "LOCAL": strconv.FormatBool(v.Local),
		"PLATFORM": v.Platform, "CACHE": v.Cache, "BY_DIGEST": strconv.FormatBool(v.ByDigest),
	}
	if v.CacheRef != "" {
		vars["CACHE_REF"] = v.CacheRef
	}
	if v.Probe != "" {
		vars["PROBE"] = v.Probe
	}
	maps.Copy(vars, v.Variables)
	return vars
}

// Local is the platform that LOCAL builds on a machine: that of the machine
// when no image fits, which is reported then.
func (f *File) Local(machine string) string {
	if p := platform.For(machine, f.Platforms()); p != "" {
		return p
	}
	return normal(machine)
}

// Platform finds a platform of this file by any of its spellings.
func (f *File) Platform(name string) (normalised string, found bool) {
	normalised = normal(name)
	return normalised, slices.Contains(f.Platforms(), normalised)
}

// normal is the name that platforms have in the file; what is none stays.
func normal(name string) string {
	if p, err := platform.Normal(name); err == nil {
		return p
	}
	return name
}

// oneOf is what PLATFORM may be.
func oneOf(known []string) string {
	if len(known) == 0 {
		return "empty, as there are no images"
	}
	return "empty or one of " + strings.Join(known, ", ")
}

// machines are the platforms that LOCAL builds, by what the machine is without
// its system.
func (f *File) machines() map[string]string {
	known, found := f.Platforms(), map[string]string{}
	for _, machine := range platform.Machines() {
		if p := platform.For(machine, known); p != "" {
			found[strings.TrimPrefix(machine, "linux/")] = p
		}
	}
	return found
}

// spellings are other names for platforms of the file.
func spellings(known []string) map[string]string {
	names := map[string]string{}
	for _, p := range known {
		for _, spelling := range platform.Spellings(p) {
			names[spelling] = p
		}
	}
	return names
}
