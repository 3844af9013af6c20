package bakefile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	buildxbake "github.com/docker/buildx/bake"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// needs takes what the steps of a target need besides files.
func (r *reading) needs(b *fact.Build, t *buildxbake.Target) bool {
	text := func(attr, value string) fact.Text {
		return fact.Text{Value: value, Range: r.place(t.Name, attr, "")}
	}
	optional := func(attr string, value *string) *fact.Text {
		if value == nil || *value == "" {
			return nil
		}
		said := text(attr, *value)
		return &said
	}
	for _, s := range t.Secrets {
		source, guessed := fact.SecretSource(s.ID, s.FilePath, s.Env)
		if guessed {
			r.say(entry{
				kind: asGuess, at: r.place(t.Name, "secret", ""),
				text: fmt.Sprintf("%%s: the secret %s is in the variable of that name, as bake looks there first", s.ID),
			}, t)
		}
		b.Secrets = append(b.Secrets, fact.Pair{Name: s.ID, Value: source, Range: r.place(t.Name, "secret", s.ID)})
	}
	for _, k := range t.SSH {
		b.SSH = append(b.SSH, text("ssh", k.String()))
	}
	host := deref(t.NetworkMode) == "host"
	for _, e := range t.Entitlements {
		if host && e == "network.host" {
			continue // the network brings it
		}
		b.Entitlements = append(b.Entitlements, text("entitlements", e))
	}
	b.ExtraHosts = r.pairs(t.Name, "extra-hosts", derefs(t.ExtraHosts))
	for _, limit := range slices.Sorted(slices.Values(t.Ulimits)) {
		name, value, _ := strings.Cut(limit, "=")
		b.Ulimits = append(b.Ulimits, fact.Pair{Name: name, Value: value, Range: r.place(t.Name, "ulimits", "")})
	}
	slices.SortFunc(b.Secrets, func(a, b fact.Pair) int { return cmp.Compare(a.Name, b.Name) })
	b.Network, b.ShmSize = optional("network", t.NetworkMode), optional("shm-size", t.ShmSize)
	return true
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func derefs(m map[string]*string) map[string]string {
	out := make(map[string]string, len(m))
	for key, value := range m {
		if value != nil {
			out[key] = *value
		}
	}
	return out
}
