package catalogue

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// shared is a warning about a place that several versions share: it is told once, of all
// for which it is true. What a block says for all its versions is fine if it is for one.
type shared struct {
	at   hcl.Range
	ids  []string
	say  func(ids string) (summary, detail string)
	fine bool
}

// warnOf warns about a place, for one of the versions that share it.
func (r *resolver) warnOf(at hcl.Range, what, id string, say func(ids string) (summary, detail string)) {
	s := r.sharedAt(at, what)
	if s.say == nil {
		s.say = say
	}
	if !slices.Contains(s.ids, id) {
		s.ids = append(s.ids, id)
	}
}

// fineFor says that a place is right for one of the versions that share it.
func (r *resolver) fineFor(at hcl.Range, what string) { r.sharedAt(at, what).fine = true }

func (r *resolver) sharedAt(at hcl.Range, what string) *shared {
	key := at.String() + " " + what
	s := r.sharedBy[key]
	if s == nil {
		s = &shared{at: at}
		r.sharedBy[key] = s
		r.shared = append(r.shared, s)
	}
	return s
}

// tellShared reports what was found of places that versions share.
func (r *resolver) tellShared() {
	for _, s := range r.shared {
		if len(s.ids) > 0 && !s.fine {
			summary, detail := s.say(named(s.ids))
			r.warn(s.at, summary, detail)
		}
	}
}

// named lists ids in a sentence, the first ones of many.
func named(ids []string) string {
	const most = 3
	switch {
	case len(ids) > most+1:
		return strings.Join(ids[:most], ", ") + " and others"
	case len(ids) > 1:
		return strings.Join(ids[:len(ids)-1], ", ") + " and " + ids[len(ids)-1]
	}
	return ids[0]
}
