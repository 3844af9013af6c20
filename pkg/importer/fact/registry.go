package fact

import "github.com/hashicorp/hcl/v2"

// Hole stands in a text for a part that is not known.
const Hole = "\x00"

// Registry is what a registry class says of runtimes.
type Registry struct {
	Name     string // of the file
	Runtimes []*Runtime
	Usual    string // what the class is made with, if its caller says nothing
}

// Versions lists all versions.
func (r *Registry) Versions() []*Version {
	if r == nil {
		return nil
	}
	var all []*Version
	for _, rt := range r.Runtimes {
		all = append(all, rt.Versions...)
	}
	return all
}

// Clone is the same in values of its own, which may be completed.
func (r *Registry) Clone() *Registry {
	if r == nil {
		return nil
	}
	c := *r
	c.Runtimes = make([]*Runtime, 0, len(r.Runtimes))
	for _, rt := range r.Runtimes {
		own := *rt
		own.Versions = make([]*Version, 0, len(rt.Versions))
		for _, v := range rt.Versions {
			version := *v
			version.Runtime = &own
			own.Versions = append(own.Versions, &version)
		}
		c.Runtimes = append(c.Runtimes, &own)
	}
	return &c
}

// Runtime is one runtime of a registry class.
type Runtime struct {
	Key, Name Text
	Slots     []Text // the keys under which it is put in the list
	Versions  []*Version
}

// Version is one version of a runtime of a registry class.
type Version struct {
	Runtime    *Runtime
	Version    Text
	Build      Text // image
	Run        Text // image
	RunGiven   bool // and not left out
	Upstream   Text // image that the class says it is built on; "" if it says none
	Platforms  []Text
	Deprecated *Text // the day; "" when the class says none
	Range      hcl.Range

	SupportsGiven bool // the list of platforms, which may be one that is not understood
}

// OwnRun reports a version whose functions run in another image than builds
// them.
func (r *Version) OwnRun() bool { return r.Run.Value != r.Build.Value }

// Test is one entry of a table of tests: which function proves which version.
type Test struct {
	Key        Text
	Code       Text // archive of the function; what stands before the last hole is not known
	Entrypoint Text
	Runtime    Text  // id of the version
	Archive    Text  // name of what is built
	Again      *Test // a later entry with the same key, which takes its place
	Range      hcl.Range
}
