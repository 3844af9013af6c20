package upstream

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/registry"
)

// tried is how many newer tags of an image are looked at.
const tried = 8

// Newest is the newest tag of the same line that has all platforms that are built,
// "" when no newer one has.
func Newest(ctx context.Context, client *registry.Client, b lock.Base, e Entry) (string, error) {
	repository, _ := lock.Split(b.Name)
	for i, tag := range slices.Backward(e.Newer) {
		if i < len(e.Newer)-tried {
			break
		}
		image, err := client.Resolve(ctx, repository+":"+tag)
		if errors.Is(err, registry.ErrNotFound) {
			continue // it has gone since it was listed
		}
		if err != nil {
			return "", err
		}
		if len(lock.Missing(b.Platforms, platformNames(image))) == 0 {
			return tag, nil
		}
	}
	return "", nil
}

// Move is a base image that gets another tag.
type Move struct {
	Image string // in full, with the tag that it has
	Tag   string // that it gets
}

// Left is a place where a move cannot be written.
type Left struct {
	Move
	Range hcl.Range
}

// Rewrite writes moves into the files that name the images: tags alone, and nothing
// beside them. A file that does not have the name in one piece, such as one that
// puts it together of variables, is left, and so is what source does not give.
func Rewrite(c *catalogue.Catalogue, source func(name string) []byte, moves []Move) (files map[string][]byte, left []Left) {
	files = map[string][]byte{}
	var done []Left
	for _, v := range c.Versions() {
		for _, image := range v.Bases {
			i := slices.IndexFunc(moves, func(m Move) bool { return m.Image == image.Name })
			if i < 0 {
				continue
			}
			at := Left{moves[i], image.Range}
			if slices.Contains(done, at) {
				continue
			}
			done = append(done, at)
			src := source(at.Range.Filename)
			word := nameIn(src, at.Range, at.Image)
			if word == "" {
				left = append(left, at)
				continue
			}
			if files[at.Range.Filename] == nil {
				files[at.Range.Filename] = src
			}
			_, tag := lock.Split(word)
			moved := strings.TrimSuffix(word, tag) + at.Tag
			files[at.Range.Filename] = replaceWord(files[at.Range.Filename], word, moved)
		}
	}
	return files, left
}

// nameIn is the name of an image as it is written at a place; "" where it is not
// there in one piece.
func nameIn(src []byte, at hcl.Range, image string) string {
	if at.Start.Byte < 0 || at.End.Byte > len(src) || at.Start.Byte > at.End.Byte {
		return ""
	}
	for _, word := range words.FindAllString(string(src[at.Start.Byte:at.End.Byte]), -1) {
		if full, digest := lock.Name(word); digest == "" && full == image {
			return word
		}
	}
	return ""
}

// words are what names of images are made of.
var words = regexp.MustCompile(`[A-Za-z0-9._:/@-]+`)

// replaceWord replaces a word wherever it stands but in comments: a Dockerfile may
// name an image more than once, and so may a definition.
func replaceWord(src []byte, word, by string) []byte {
	var out strings.Builder
	for line := range strings.Lines(string(src)) {
		code, comment := line, ""
		if i := strings.IndexByte(line, '#'); i >= 0 && strings.Count(line[:i], `"`)%2 == 0 {
			code, comment = line[:i], line[i:]
		}
		out.WriteString(words.ReplaceAllStringFunc(code, func(w string) string {
			if w == word {
				return by
			}
			return w
		}))
		out.WriteString(comment)
	}
	return []byte(out.String())
}
