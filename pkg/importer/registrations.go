package importer

import "github.com/hashicorp/hcl/v2"

// hole stands in a text for a part that is not known.
const hole = "\x00"

// registry is what a registry class says of runtimes.
type registry struct {
	Name     string // of the file
	Runtimes []*registered
	usual    string // what the class is made with, if its caller says nothing
}

// versions lists all versions.
func (r *registry) versions() []*registeredVersion {
	if r == nil {
		return nil
	}
	var all []*registeredVersion
	for _, rt := range r.Runtimes {
		all = append(all, rt.Versions...)
	}
	return all
}

// registered is one runtime of a registry class.
type registered struct {
	Key, Name excerpt
	Slots     []excerpt // the keys under which it is put in the list
	Versions  []*registeredVersion
}

// registeredVersion is one addVersion.
type registeredVersion struct {
	Runtime    *registered
	Version    excerpt
	Build      excerpt // image
	Run        excerpt // image
	RunGiven   bool    // and not left out
	Upstream   excerpt // image that the class says it is built on; "" if it says none
	Platforms  []excerpt
	Deprecated *excerpt // the day; "" when the class says none
	Range      hcl.Range

	SupportsGiven bool // the list of platforms, which may be one that is not understood
}

// ownRun reports a version whose functions run in another image than builds
// them.
func (r *registeredVersion) ownRun() bool { return r.Run.Value != r.Build.Value }

// testEntry is one entry of such a table.
type testEntry struct {
	Key        excerpt
	Code       excerpt // archive of the function; what stands before the last hole is not known
	Entrypoint excerpt
	Runtime    excerpt // id of the version
	Archive    excerpt // name of what is built
	Again      *testEntry
	Range      hcl.Range
}
