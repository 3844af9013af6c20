// Package envelope is the shape of everything that runbake writes as JSON: a
// version, a kind, and items. docs/schemas describes each kind.
package envelope

import (
	"encoding/json"
	"io"
)

// Version is that of the shape. It changes when a program that reads an envelope
// would have to; another property is no change.
const Version = 1

// Envelope is what is written. What is about all of it rather than about one item
// stands beside the items: a kind that has such things embeds the envelope.
type Envelope[T any] struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"` // the name of its schema
	Items   []T    `json:"items"`
}

// New is an envelope, whose items are a list even if there are none.
func New[T any](kind string, items []T) Envelope[T] {
	if items == nil {
		items = []T{}
	}
	return Envelope[T]{Version, kind, items}
}

// Write writes an envelope of items and nothing beside them.
func Write[T any](w io.Writer, kind string, items []T) error {
	return Encode(w, New(kind, items))
}

// Encode writes an envelope for programs, and for people who look what they get.
func Encode(w io.Writer, envelope any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(envelope)
}

// Place is a place in a file.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // from 1, in grapheme clusters
}
