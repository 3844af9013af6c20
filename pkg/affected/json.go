package affected

import (
	"io"

	"github.com/runbake/runbake/pkg/envelope"
)

// work is what a change asks to be done with an image.
type work string

const (
	workBuild work = "build"
	workTest  work = "test"
	workNone  work = "none" // the version is gone
)

type jsonItem struct {
	ID         string   `json:"id"`
	Work       work     `json:"work"`
	Target     string   `json:"target,omitempty"` // of the work
	Platforms  []string `json:"platforms,omitempty"`
	Deprecated string   `json:"deprecated,omitempty"`
	Why        []string `json:"why"`
}

// jsonReport says, beside what is touched, what was compared.
type jsonReport struct {
	envelope.Envelope[jsonItem]

	Since      string `json:"since"`
	Until      string `json:"until"`
	Everything string `json:"everything,omitempty"` // why everything counts as touched
}

// WriteJSON writes a report of this comparison for programs: an item for each image
// to build, then for each to test, then for each that is gone.
func (c *Comparison) WriteJSON(w io.Writer, r *Report) error {
	var items []jsonItem
	add := func(what work, changes []Change) {
		for _, t := range changes {
			items = append(items, jsonItem{t.ID, what, t.Target, t.Platforms, t.Deprecated, t.Reasons})
		}
	}
	add(workBuild, r.Build)
	add(workTest, r.Test)
	for _, id := range r.Removed {
		items = append(items, jsonItem{ID: id, Work: workNone, Why: []string{"removed"}})
	}
	return envelope.Encode(w, jsonReport{envelope.New("affected", items), c.Since, c.Until, c.Everything})
}
