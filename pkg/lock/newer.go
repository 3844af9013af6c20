package lock

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tagged is a tag that starts with a version: 24.21.0-bookworm-slim.
type tagged struct {
	prefix  string // "v", or nothing
	numbers []uint64
	suffix  string // with its dash
}

var taggedPattern = regexp.MustCompile(`^(v?)([0-9]+(?:\.[0-9]+)*)(-.*)?$`)

func parseTag(tag string) (tagged, bool) {
	m := taggedPattern.FindStringSubmatch(tag)
	if m == nil {
		return tagged{}, false
	}
	numbers, ok := parseNumbers(m[2])
	return tagged{m[1], numbers, m[3]}, ok
}

func parseNumbers(s string) ([]uint64, bool) {
	var numbers []uint64
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	return numbers, true
}

// Versioned reports whether a tag can have newer ones at all: whether it starts
// with numbers, and more than one.
func Versioned(tag string) bool {
	t, ok := parseTag(tag)
	return ok && len(t.numbers) > 1
}

// Newer lists the tags that are newer than a tag and of its line, the newest
// last: with as many numbers, and the same text around them. The line is what
// the name of the version says that is built from the image, as long as the tag
// starts with it (24.21.0 for Node.js 24: all of 24); otherwise it is all
// numbers but the last.
func Newer(tag string, all, versions []string) []string {
	now, ok := parseTag(tag)
	if !ok {
		return nil
	}
	line := line(now.numbers, versions)
	if line == 0 || line >= len(now.numbers) {
		return nil
	}
	var newer []string
	for _, t := range all {
		other, ok := parseTag(t)
		if !ok || other.prefix != now.prefix || other.suffix != now.suffix || len(other.numbers) != len(now.numbers) {
			continue
		}
		if slices.Equal(other.numbers[:line], now.numbers[:line]) && slices.Compare(other.numbers, now.numbers) > 0 {
			newer = append(newer, t)
		}
	}
	slices.SortFunc(newer, func(a, b string) int {
		left, _ := parseTag(a)
		right, _ := parseTag(b)
		return cmp.Or(slices.Compare(left.numbers, right.numbers), cmp.Compare(a, b))
	})
	return slices.Compact(newer)
}

// line is how many numbers of a tag do not change within its line.
func line(numbers []uint64, versions []string) int {
	longest := 0
	for _, v := range versions {
		named, ok := parseNumbers(v)
		if ok && len(named) <= len(numbers) && slices.Equal(named, numbers[:len(named)]) {
			longest = max(longest, len(named))
		}
	}
	if longest == 0 {
		return len(numbers) - 1
	}
	return longest
}
