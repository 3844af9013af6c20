package bakefile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// ledger collects what is said of targets, so that what holds for many of them is
// said once.
type ledger struct {
	entries []*entry
}

// entry is one sentence about some targets. Where text has a %s their names
// stand.
type entry struct {
	kind    string // of a note, or the severity of a finding
	rule    string
	text    string
	detail  string
	at      hcl.Range
	targets []string
}

// Kinds of entries.
const (
	asNote    = "note"
	asGuess   = "guess"
	asWarning = "warning"
	asError   = "error"
)

// add notes a sentence for a target. The place is that of the first one.
func (l *ledger) add(e entry, target string) {
	at := slices.IndexFunc(l.entries, func(o *entry) bool {
		return o.kind == e.kind && o.rule == e.rule && o.text == e.text && o.detail == e.detail
	})
	if at < 0 {
		l.entries = append(l.entries, &e)
		at = len(l.entries) - 1
	}
	if !slices.Contains(l.entries[at].targets, target) {
		l.entries[at].targets = append(l.entries[at].targets, target)
	}
}

// tell writes everything into a set.
func (l *ledger) tell(set *fact.Set) {
	for _, e := range l.entries {
		text := strings.Replace(e.text, "%s", enumerate(e.targets), 1)
		switch e.kind {
		case asNote:
			set.Note(fact.Note{Range: e.at, Text: text, Kind: fact.LeftOut})
		case asGuess:
			set.Note(fact.Note{Range: e.at, Text: text, Kind: fact.Inferred})
		case asWarning:
			set.Warn(e.rule, e.at, text, e.detail)
		default:
			set.Fail(e.rule, e.at, text, e.detail)
		}
	}
}

// enumerate lists names, the first ones of many.
func enumerate(names []string) string {
	const most = 3
	switch {
	case len(names) == 1:
		return names[0]
	case len(names) <= most:
		last := len(names) - 1
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
}
