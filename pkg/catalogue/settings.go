package catalogue

import (
	"cmp"

	"github.com/runbake/runbake/pkg/definition"
)

// laid lays settings over one another: maps are merged key by key, the later one
// winning, and everything else is replaced.
func laid(layers ...definition.Settings) definition.Settings {
	var s definition.Settings
	for _, l := range layers {
		s = definition.Settings{
			Registry: cmp.Or(l.Registry, s.Registry), Image: cmp.Or(l.Image, s.Image), Tags: cmp.Or(l.Tags, s.Tags), Aliases: cmp.Or(l.Aliases, s.Aliases),
			Platforms: cmp.Or(l.Platforms, s.Platforms),
			Labels:    joined(s.Labels, l.Labels), Annotations: joined(s.Annotations, l.Annotations),
			Args: joined(s.Args, l.Args), From: joined(s.From, l.From),
			Contexts: joined(s.Contexts, l.Contexts), Context: cmp.Or(l.Context, s.Context),
			Dockerfile: cmp.Or(l.Dockerfile, s.Dockerfile), Target: cmp.Or(l.Target, s.Target), Run: cmp.Or(l.Run, s.Run),

			Secrets: joined(s.Secrets, l.Secrets), SSH: cmp.Or(l.SSH, s.SSH),
			Entitlements: cmp.Or(l.Entitlements, s.Entitlements), Network: cmp.Or(l.Network, s.Network),
			ExtraHosts: joined(s.ExtraHosts, l.ExtraHosts), Ulimits: joined(s.Ulimits, l.Ulimits), ShmSize: cmp.Or(l.ShmSize, s.ShmSize),
		}
	}
	return s
}

// joined lays one map over another; nil for none.
func joined(around, inner *definition.Map) *definition.Map {
	if around == nil || inner == nil {
		return cmp.Or(around, inner)
	}
	return &definition.Map{Items: overlay([]*definition.Map{around, inner}), Range: inner.Range}
}

// items are the entries of a map that may not be there.
func items(m *definition.Map) []definition.Item {
	if m == nil {
		return nil
	}
	return m.Items
}
