package catalogue

// Entry is what a platform needs to know of one version: its registry entry.
// docs/schemas/list.json describes its JSON form.
type Entry struct {
	ID         string   `json:"id"`
	Key        string   `json:"key"`
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Kind       Kind     `json:"kind"`
	BuildImage string   `json:"buildImage"`
	RunImage   string   `json:"runImage"` // the build image, unless the runtime is compiled
	Platforms  []string `json:"platforms"`
	Entrypoint string   `json:"entrypoint,omitempty"`
	Fixture    string   `json:"fixture,omitempty"`
	Deprecated string   `json:"deprecated,omitempty"` // since when; "" if it is not
	EndOfLife  string   `json:"endOfLife,omitempty"`  // when its makers end its support; "" if not known
}

// Entries are the registry entries of versions, in their order.
func (c *Catalogue) Entries(versions []*Version) []Entry {
	entries := make([]Entry, 0, len(versions))
	for _, v := range versions {
		entries = append(entries, Entry{
			ID: v.ID, Key: v.Runtime.Key, Name: v.Runtime.Name, Version: v.Name, Kind: v.Runtime.Kind,
			BuildImage: c.Ref(v), RunImage: c.Ref(v.RunImage()),
			Platforms: v.Platforms, Entrypoint: v.Runtime.Entrypoint, Fixture: v.Runtime.Fixture, Deprecated: v.Deprecated, EndOfLife: v.EndOfLife,
		})
	}
	return entries
}
