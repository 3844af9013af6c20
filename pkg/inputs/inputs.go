// Package inputs says what goes into each image: its Dockerfile, the files that
// a build can see, arguments, base images, and the images of the repository
// that it is built on. Two builds with the same inputs make the same image as
// far as the repository has a say, so that the hash of them, the id, tells
// whether an image has to be built.
//
// Not part of an id is what no image holds: names of folders, times and owners
// of files, tags, caches, and the registry.
package inputs

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
)

// Label is the name of the label and annotation that carries an image's id.
const Label = "dev.runbake.inputs"

// format is the version of what goes into an id, and of what runbake emits as
// far as it changes images.
const format = "1"

// Kind is the sort of a component.
type Kind string

// The kinds of components.
const (
	KindDockerfile  Kind = "dockerfile"  // its text
	KindContext     Kind = "context"     // files of a folder
	KindReference   Kind = "reference"   // a named context that is an image or an address
	KindArgument    Kind = "argument"    // a build argument
	KindBase        Kind = "base"        // an image of others
	KindImage       Kind = "image"       // an image of this repository
	KindPlatform    Kind = "platform"    // one that is built for
	KindLabel       Kind = "label"       // a label, which is an annotation too
	KindStage       Kind = "stage"       // the target stage
	KindAnnotation  Kind = "annotation"  // an annotation that is no label
	KindAttestation Kind = "attestation" // what the image carries beside itself
	KindSetting     Kind = "setting"     // of the machine that steps see, or of the exporter
	KindFormat      Kind = "format"      // the version of ids
)

// Component is one thing that goes into an image.
type Component struct {
	Kind Kind `json:"kind"`
	// Name tells components of a kind apart: of a context ("" for the main
	// one), of an argument.
	Name string `json:"name,omitempty"`
	// Value is what people read: a path, the value of an argument, a reference.
	Value string `json:"value,omitempty"`
	// Digest is the hash of what is there. It does not depend on the folder in
	// which it is.
	Digest string `json:"digest"`
	// Files are the files of a context, sorted by path.
	Files []File `json:"files,omitempty"`
}

// File is an entry of a context: a file, a folder or a symbolic link.
type File struct {
	Path   string
	Mode   fs.FileMode
	Digest string // of a file's content
	Link   string // target of a symbolic link
}

// MarshalJSON writes the mode as ls does.
func (f File) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Path   string `json:"path"`
		Mode   string `json:"mode"`
		Digest string `json:"digest,omitempty"`
		Link   string `json:"link,omitempty"`
	}{f.Path, f.Mode.String(), f.Digest, f.Link})
}

// Target is what goes into one image.
type Target struct {
	Name       string      `json:"target"`
	ID         string      `json:"id"`
	Components []Component `json:"components"` // sorted
}

// Summary is the components without the files of contexts: enough to tell
// later which of them has changed, and small enough for an annotation.
func (t *Target) Summary() []Component {
	summary := slices.Clone(t.Components)
	for i := range summary {
		summary[i].Files = nil
	}
	return summary
}

// id hashes components, which are sorted.
func id(components []Component) string {
	h := sha256.New()
	for _, c := range components {
		fmt.Fprintf(h, "%s %q %s\n", c.Kind, c.Name, c.Digest)
	}
	return digest(h.Sum(nil))
}

func digest(sum []byte) string {
	return "sha256:" + hex.EncodeToString(sum)
}

// text is the digest of a short text.
func text(s string) string {
	sum := sha256.Sum256([]byte(s))
	return digest(sum[:])
}

func compareComponents(a, b Component) int {
	return cmp.Or(slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind), cmp.Compare(a.Name, b.Name))
}

// kinds in the order in which components are shown.
var kinds = []Kind{
	KindFormat, KindDockerfile, KindStage, KindContext, KindReference, KindArgument, KindBase, KindImage, KindPlatform, KindLabel, KindAnnotation, KindAttestation,
}
