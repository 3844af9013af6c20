// Package lock is the file that pins base images: which image each name stood
// for when it was last asked. It is written by runbake and committed, so that a
// build takes the same images tomorrow.
package lock

import (
	"cmp"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// FileName is the name of the lock, at the root of a repository.
const FileName = "runbake.lock.hcl"

// File is a lock.
type File struct {
	Images []Image // sorted by name, each name once
}

// Image is what a name of an image stands for.
type Image struct {
	Name      string // in full: docker.io/library/node:24-slim
	Digest    string // of the index, or of the image when there is no index
	Platforms []Platform
	Range     hcl.Range // of its header, when it was read
}

// Platform is the image of one platform.
type Platform struct {
	Name   string
	Digest string
}

// Name writes out what a reference leaves to the reader: docker.io, library/ and
// :latest. The digest is "" unless the reference has one; then a lock has
// nothing to add. It is the reference itself when that is invalid.
func Name(ref string) (name, digest string) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref, ""
	}
	if digested, ok := named.(reference.Digested); ok {
		name, _, _ = strings.Cut(named.String(), "@")
		return name, digested.Digest().String()
	}
	return reference.TagNameOnly(named).String(), ""
}

// Familiar is the short form of a name, as Dockerfiles have it.
func Familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.FamiliarString(named)
}

// Find is the image of a name in full.
func (f *File) Find(name string) (Image, bool) {
	i, found := slices.BinarySearchFunc(f.Images, name, func(i Image, name string) int { return cmp.Compare(i.Name, name) })
	if !found {
		return Image{}, false
	}
	return f.Images[i], true
}

// Digests maps names to the digests that they are pinned to.
func (f *File) Digests() map[string]string {
	m := make(map[string]string, len(f.Images))
	for _, i := range f.Images {
		m[i.Name] = i.Digest
	}
	return m
}

// Set adds an image, or replaces that of its name.
func (f *File) Set(image Image) {
	i, found := slices.BinarySearchFunc(f.Images, image.Name, func(i Image, name string) int { return cmp.Compare(i.Name, name) })
	if found {
		f.Images[i] = image
		return
	}
	f.Images = slices.Insert(f.Images, i, image)
}

// Keep drops the images whose names are not wanted.
func (f *File) Keep(wanted func(name string) bool) {
	f.Images = slices.DeleteFunc(f.Images, func(i Image) bool { return !wanted(i.Name) })
}

// Clone is a copy to change.
func (f *File) Clone() *File { return &File{Images: slices.Clone(f.Images)} }

const header = `# Written by runbake lock. DO NOT EDIT.
#
#   runbake lock              write what is missing, drop what is not used
#   runbake lock --update     take what the registries have now
#   runbake lock --check      show what has changed, there or in definitions
`

// Encode writes a lock: the same bytes for the same images, in canonical form.
func (f *File) Encode() []byte {
	out := hclwrite.NewEmptyFile()
	for _, i := range f.Images {
		out.Body().AppendNewline()
		body := out.Body().AppendNewBlock("image", []string{i.Name}).Body()
		body.SetAttributeValue("digest", cty.StringVal(i.Digest))
		platforms := make(map[string]cty.Value, len(i.Platforms))
		for _, p := range i.Platforms {
			platforms[p.Name] = cty.StringVal(p.Digest)
		}
		body.SetAttributeValue("platforms", cty.ObjectVal(platforms))
	}
	return append([]byte(header), hclwrite.Format(out.Bytes())...)
}

// Change is how the image of one name differs between two locks.
type Change struct {
	Name string
	Old  string // digest; "" when it is new
	New  string // digest; "" when it is gone
}

// Diff lists what is new, gone or moved, sorted by name.
func Diff(before, after *File) []Change {
	var changes []Change
	for _, i := range before.Images {
		now, found := after.Find(i.Name)
		if !found || now.Digest != i.Digest {
			changes = append(changes, Change{i.Name, i.Digest, now.Digest})
		}
	}
	for _, i := range after.Images {
		if _, found := before.Find(i.Name); !found {
			changes = append(changes, Change{i.Name, "", i.Digest})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	return changes
}

// valid reports names that are references.
func valid(name string) bool {
	_, err := reference.ParseNormalizedNamed(name)
	return err == nil
}
