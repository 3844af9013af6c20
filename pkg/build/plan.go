// Package build is a run of runbake build: what it builds and for which values of
// the variables, where the images go, what is asked of BuildKit, and what became
// of it.
package build

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/epoch"
	"github.com/runbake/runbake/pkg/push"
)

// Goal is where the images go.
type Goal string

// All goals.
const (
	Push   Goal = "pushed"
	Load   Goal = "loaded"
	Export Goal = "exported"
	Cache  Goal = "built" // and kept in BuildKit's cache
	Auto   Goal = ""      // loaded if there is a Docker, else built
)

// Options are what is asked for.
type Options struct {
	Dir      string // of the repository
	Platform string // one, or all; "" for what the environment says, else for that of the machine, or all of a push
	Push     bool
	Load     bool
	Output   string // as buildx says it; {target} stands for the name of the target
	NoCache  bool
	Force    bool // build what the registry has, and let tags lose what they have
	Metadata bool // have what the exporters say of the provenance
	Verify   bool // build twice, keep nothing
	Print    bool // as plain bake would build, which does not know where the images go
}

// Plan is what is built. A plan is not changed: what is known later makes another
// one.
type Plan struct {
	Options
	File      *bake.File
	Values    bake.Values
	Builds    []bake.Build
	Goal      Goal
	Times     epoch.Times // nil when times stay what they are
	Arguments []string    // of the Dockerfiles that ask for their time, as bake's --set has them

	provenance string // how much of it the metadata has; "" for none
}

// NothingError says that no image is for the platform that was asked for.
type NothingError struct{ Platform string }

func (e *NothingError) Error() string { return "there is nothing to build for " + e.Platform }

// New decides what to build. named says that the versions were: else what is
// deprecated, or not for the platform, is left out. machine is the platform of this
// machine.
func New(file *bake.File, versions []*catalogue.Version, named bool, o Options, env bake.Lookup, machine string) (*Plan, error) {
	p := &Plan{Options: o, File: file, Goal: o.goal()}
	var err error
	if p.Values, err = o.values(file, env, machine); err != nil {
		return nil, err
	}
	if p.Goal == Auto && p.Values.Local {
		p.Goal = Load
	}
	for _, b := range file.Narrow(versions).Evaluate(p.Values) {
		if named || b.Deprecated == "" && (p.Values.Platform == "" || slices.Contains(b.Target.Platforms, p.Values.Platform)) {
			p.Builds = append(p.Builds, b)
		}
	}
	if len(p.Builds) == 0 {
		return nil, &NothingError{p.Values.Platform}
	}
	if strings.Contains(o.Output, "dest=") && !strings.Contains(o.Output, "{target}") && len(p.Builds) > 1 {
		return nil, fmt.Errorf("--output=%s: %d images would be written there; put {target} into the name, or name one version", o.Output, len(p.Builds))
	}
	if o.Metadata {
		mode, _ := env("BUILDX_METADATA_PROVENANCE")
		p.provenance = cmp.Or(mode, "min")
	}
	return p, nil
}

func (o *Options) goal() Goal {
	switch {
	case o.Push:
		return Push
	case o.Load:
		return Load
	case o.Output != "" || o.Verify:
		return Export
	}
	return Auto
}

// values are those of the variables of the emitted file: what is asked for wins
// over the environment.
func (o *Options) values(file *bake.File, env bake.Lookup, machine string) (bake.Values, error) {
	set := map[string]string{}
	if goal := o.goal(); goal != Auto {
		set["LOCAL"] = strconv.FormatBool(goal == Load)
	}
	if o.Platform != "" {
		name, err := Platform(file, o.Platform)
		if err != nil {
			return bake.Values{}, err
		}
		set["PLATFORM"] = name
	} else if asked, _ := env("PLATFORM"); asked == "" && !o.Push {
		set["PLATFORM"] = file.Local(machine)
	}
	return file.ValuesFrom(func(name string) (string, bool) {
		if value, found := set[name]; found {
			return value, true
		}
		return env(name)
	}, machine)
}

// Platform reads the flag --platform; "" stands for all.
func Platform(file *bake.File, asked string) (string, error) {
	if asked == "all" {
		return "", nil
	}
	name, found := file.Platform(asked)
	if !found {
		return "", fmt.Errorf("--platform=%s: it is all, or one of %s", asked, strings.Join(file.Platforms(), ", "))
	}
	return name, nil
}

// Dated is the plan with times for its images, and the arguments that tell
// Dockerfiles.
func (p *Plan) Dated(times epoch.Times, arguments []string) *Plan {
	dated := *p
	dated.Times, dated.Arguments = times, arguments
	return &dated
}

// Versions narrows versions to those that are built.
func (p *Plan) Versions(versions []*catalogue.Version) []*catalogue.Version {
	return slices.DeleteFunc(slices.Clone(versions), func(v *catalogue.Version) bool {
		return !slices.ContainsFunc(p.Builds, func(b bake.Build) bool { return b.Name == v.Target })
	})
}

// Platforms are those that are built.
func (p *Plan) Platforms() []string {
	all := []string{}
	for _, b := range p.Builds {
		all = append(all, b.Platforms...)
	}
	return all
}

// Archives are the files that the images are written to.
func (p *Plan) Archives() []string {
	if !strings.Contains(p.Options.Output, "dest=") {
		return nil
	}
	names := make([]string, len(p.Builds))
	for i, b := range p.Builds {
		names[i] = bake.ParseAttributes(p.Output(b))["dest"]
	}
	return names
}

// settled is the plan with a goal: whether Docker answers is known.
func (p *Plan) settled(docker bool) *Plan {
	settled := *p
	if docker {
		settled.Goal, settled.Values.Local = Load, true
	} else {
		settled.Goal = Cache
	}
	return &settled
}

// exporting is the plan of writing builds into folders of their names.
func (p *Plan) exporting(builds []bake.Build, dir string, noCache bool) *Plan {
	export := *p
	export.Builds, export.NoCache = builds, noCache
	export.Options.Output = "type=oci,tar=false,dest=" + filepath.Join(dir, "{target}")
	return &export
}

// Output is where a target goes, as bake's --set takes it; "" for where the
// emitted file says.
func (p *Plan) Output(b bake.Build) string {
	time, dated := p.Times[b.Name]
	date := func(output string) string {
		if !dated {
			return ""
		}
		return epoch.Output(output, time)
	}
	switch p.Goal {
	case Export:
		output := strings.ReplaceAll(p.Options.Output, "{target}", b.Name)
		return cmp.Or(date(output), output)
	case Cache:
		return "type=cacheonly"
	case Load:
		return date("type=docker")
	case Push:
		if p.Values.ByDigest {
			return date(b.Output[0].Text())
		}
		return date("type=image,push=true")
	case Auto:
	}
	return ""
}

// Request is what the engine is asked for; decisions are those of a push.
func (p *Plan) Request(decisions push.Decisions) engine.Request {
	r := engine.Request{File: p.File.Encode(), Dir: p.Dir, Vars: p.Values.Set(), Provenance: p.provenance}
	for _, b := range p.Builds {
		if !decisions.Builds(b.Name) {
			continue
		}
		r.Targets = append(r.Targets, b.Name)
		if output := p.Output(b); output != "" {
			r.Overrides = append(r.Overrides, b.Name+".output="+output)
		}
	}
	r.Overrides = append(r.Overrides, p.Arguments...)
	if p.Push {
		r.Overrides = append(r.Overrides, "*.push=true")
	}
	for _, b := range p.File.Evaluate(p.Values) {
		r.Overrides = append(r.Overrides, decisions[b.Name].Overrides(b)...)
	}
	if p.NoCache {
		r.Overrides = append(r.Overrides, "*.no-cache=true")
	}
	if !p.Values.Local && !p.attests() { // LOCAL asks for none
		r.Overrides = append(r.Overrides, engine.NoAttestations()...)
	}
	return r
}

// attests reports whether the result goes where attestations can: into a registry
// or an OCI layout. Docker takes none, in files of a folder they are no
// attestations, and in a cache nobody finds them.
func (p *Plan) attests() bool {
	if p.Goal == Push || p.Values.ByDigest {
		return true
	}
	attributes := bake.ParseAttributes(p.Options.Output)
	pushed, _ := strconv.ParseBool(attributes["push"])
	switch attributes["type"] {
	case "registry", "oci":
		return true
	case "image":
		return pushed
	}
	return p.Print && p.Goal == Auto // what plain bake does, which would not know
}
