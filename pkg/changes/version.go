package changes

import (
	"cmp"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"
)

// Order compares two versions of a package by the rules of its type: less than 0
// when a is older. known is false when the rules are not known, or do not say.
func Order(kind, a, b string) (order int, known bool) {
	switch kind {
	case "deb":
		return compareDebian(a, b), true
	case "apk":
		x, okX := parseApk(a)
		y, okY := parseApk(b)
		if !okX || !okY {
			return 0, false
		}
		return x.compare(y), true
	}
	a, b = "v"+strings.TrimPrefix(a, "v"), "v"+strings.TrimPrefix(b, "v")
	if !semver.IsValid(a) || !semver.IsValid(b) {
		return 0, false
	}
	return semver.Compare(a, b), true
}

// compareDebian compares [epoch:]upstream[-revision] by
// https://www.debian.org/doc/debian-policy/ch-controlfields.html#version.
func compareDebian(a, b string) int {
	epochA, upstreamA, revisionA := splitDebian(a)
	epochB, upstreamB, revisionB := splitDebian(b)
	return cmp.Or(compareNumbers(epochA, epochB), compareDebianPart(upstreamA, upstreamB), compareDebianPart(revisionA, revisionB))
}

func splitDebian(v string) (epoch, upstream, revision string) {
	if before, after, found := strings.Cut(v, ":"); found {
		epoch, v = before, after
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		v, revision = v[:i], v[i+1:]
	}
	return epoch, v, revision
}

// compareDebianPart compares what is no number by character, then numbers, in turn.
func compareDebianPart(a, b string) int {
	for a != "" || b != "" {
		for i := 0; ; i++ {
			order := cmp.Compare(debianWeight(a, i), debianWeight(b, i))
			if order != 0 {
				return order
			}
			if i >= len(a) || isDigit(a[i]) {
				a, b = a[min(i, len(a)):], b[min(i, len(b)):]
				break
			}
		}
		x, y := digits(a), digits(b)
		if order := compareNumbers(a[:x], b[:y]); order != 0 {
			return order
		}
		a, b = a[x:], b[y:]
	}
	return 0
}

// debianWeight is where a character stands: a tilde before the end, the end and
// numbers before letters, letters before everything else.
func debianWeight(s string, i int) int {
	switch {
	case i >= len(s), isDigit(s[i]):
		return 0
	case s[i] == '~':
		return -1
	case s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z':
		return int(s[i])
	}
	return int(s[i]) + 256
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// digits is how many digits a text starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// compareNumbers compares numbers of any length; none is 0.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// apkVersion is a version of Alpine's packages, in pieces:
// 1.2.3 a _rc1 ~hash -r0, of which only the first has to be there.
type apkVersion struct {
	numbers  []string
	letter   string
	suffixes []apkSuffix
	hash     string
	revision string // "" for none
}

type apkSuffix struct {
	rank   int // below 0 for what comes before the version itself
	number string
}

var (
	apkPattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:~([0-9a-f]+))?(?:-r([0-9]+))?$`)
	apkRanks   = map[string]int{"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "cvs": 1, "svn": 2, "git": 3, "hg": 4, "p": 5}
)

func parseApk(v string) (apkVersion, bool) {
	m := apkPattern.FindStringSubmatch(v)
	if m == nil {
		return apkVersion{}, false
	}
	parsed := apkVersion{numbers: strings.Split(m[1], "."), letter: m[2], hash: m[4], revision: m[5]}
	for s := range strings.SplitSeq(m[3], "_") {
		if word := strings.TrimRight(s, "0123456789"); word != "" {
			parsed.suffixes = append(parsed.suffixes, apkSuffix{apkRanks[word], s[len(word):]})
		}
	}
	return parsed, true
}

// compare compares piece by piece, as apk version -t does.
func (a apkVersion) compare(b apkVersion) int {
	for i := range max(len(a.numbers), len(b.numbers)) {
		if i >= len(a.numbers) || i >= len(b.numbers) {
			return cmp.Compare(len(a.numbers), len(b.numbers))
		}
		x, y := a.numbers[i], b.numbers[i]
		order := compareNumbers(x, y)
		if i > 0 && (x[0] == '0' || y[0] == '0') { // digits behind a point: 1.05 is before 1.1
			order = cmp.Compare(x, y)
		}
		if order != 0 {
			return order
		}
	}
	if order := cmp.Compare(a.letter, b.letter); order != 0 {
		return order
	}
	for i := range max(len(a.suffixes), len(b.suffixes)) {
		var x, y apkSuffix
		if i < len(a.suffixes) {
			x = a.suffixes[i]
		}
		if i < len(b.suffixes) {
			y = b.suffixes[i]
		}
		if order := cmp.Or(cmp.Compare(x.rank, y.rank), compareNumbers(x.number, y.number)); order != 0 {
			return order
		}
	}
	return cmp.Or(cmp.Compare(a.hash, b.hash), compareBool(a.revision != "", b.revision != ""), compareNumbers(a.revision, b.revision))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
