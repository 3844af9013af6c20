package script

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// need takes an option that says what steps of a build need besides files.
func (e *evaluator) need(b *fact.Build, name string, value fact.Text) {
	switch name {
	case "secret":
		e.secret(b, value)
	case "ssh":
		b.SSH = append(b.SSH, value)
	case "allow":
		b.Entitlements = append(b.Entitlements, value)
	case "network":
		b.Network = &value
	case "shm-size":
		b.ShmSize = &value
	case "add-host":
		host, address, given := strings.Cut(value.Value, "=")
		if !given {
			host, address, _ = strings.Cut(value.Value, ":")
		}
		b.ExtraHosts = put(b.ExtraHosts, fact.Pair{Name: host, Value: address, Range: value.Range})
	case "ulimit":
		limit, numbers, _ := strings.Cut(value.Value, "=")
		b.Ulimits = put(b.Ulimits, fact.Pair{Name: limit, Value: numbers, Range: value.Range})
	}
}

// put adds a pair, instead of one of the same name, in the order of names.
func put(list []fact.Pair, p fact.Pair) []fact.Pair {
	list = append(slices.DeleteFunc(list, func(o fact.Pair) bool { return o.Name == p.Name }), p)
	slices.SortFunc(list, func(a, b fact.Pair) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// secret is id=<id>[,src=<file>|,env=<variable>]: docker takes the variable of its name,
// where nothing else is said, and then the file.
func (e *evaluator) secret(b *fact.Build, value fact.Text) {
	said := map[string]string{}
	for attribute := range strings.SplitSeq(value.Value, ",") {
		name, text, _ := strings.Cut(attribute, "=")
		said[strings.ToLower(name)] = text
	}
	id, file, variable := said["id"], cmp.Or(said["src"], said["source"]), said["env"]
	if said["type"] == "env" {
		file, variable = "", cmp.Or(variable, said["src"], said["source"])
	}
	source, guessed := fact.SecretSource(id, file, variable)
	if guessed {
		e.Note(fact.Note{Range: value.Range, Text: fmt.Sprintf(
			"the secret %s is in the variable of that name, as docker looks there first", id)})
	}
	if id == "" {
		e.Fail(fact.RuleNotUnderstood, value.Range, "Not understood: "+fact.Shorten(e.source(value.Range)),
			"A secret has an id: id=token,env=TOKEN.")
		return
	}
	b.Secrets = put(b.Secrets, fact.Pair{Name: id, Value: source, Range: value.Range})
}
