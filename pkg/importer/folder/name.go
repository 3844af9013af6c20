package folder

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxParts bounds how much of a path is in the name of an image.
const maxParts = 8

// suffix is what the name of a Dockerfile says besides that: 22 of Dockerfile.22,
// web of web.Dockerfile.
func suffix(base string) (string, bool) {
	lower := strings.ToLower(base)
	for _, word := range []string{"dockerfile", "containerfile"} {
		if lower == word {
			return "", true
		}
		for _, mark := range []string{".", "-", "_"} {
			if strings.HasPrefix(lower, word+mark) && len(lower) > len(word)+1 {
				return base[len(word)+1:], true
			}
		}
		if before, is := strings.CutSuffix(lower, "."+word); is && before != "" {
			return base[:len(before)], true
		}
	}
	return "", false
}

// around are folders that say where images are, and not what they are called.
var around = []string{
	".devcontainer", ".docker", "apps", "build", "containers", "deploy", "docker", "dockerfiles", "images", "packages", "runtimes",
	"services", "src",
}

// variants are words that tell images of one name apart, as versions do.
var variants = []string{
	"alpine", "amd64", "apache", "arm64", "base", "bookworm", "bullseye", "ci", "cli", "cpu", "cuda", "debian", "debug", "dev", "development",
	"distroless", "edge", "fips", "fpm", "full", "gpu", "jammy", "jdk", "jre", "latest", "lite", "local", "main", "mini", "minimal", "musl",
	"nightly", "noble", "prod", "production", "release", "rootless", "scratch", "slim", "stable", "staging", "test", "trixie", "ubi", "ubuntu",
	"windows", "zts",
}

var (
	versionWord = regexp.MustCompile(`^v?[0-9]+([._][0-9]+)*([-._+].*)?$`)
	nameVersion = regexp.MustCompile(`^(.+?)[-_](v?[0-9]+([._][0-9]+)*([-._].*)?)$`)
	notName     = regexp.MustCompile(`[^a-z0-9._-]+`)
	separators  = regexp.MustCompile(`[._-]{2,}`)
)

// parts are the words of a path that can be in the name of an image.
func parts(name string) []string {
	var all []string
	dir, base := path.Split(name)
	for word := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if word != "" && !slices.Contains(around, strings.ToLower(word)) {
			all = append(all, cleaned(word))
		}
	}
	word, _ := suffix(base)
	all = append(all, cleaned(word))
	all = slices.DeleteFunc(all, func(word string) bool { return word == "" })
	return all[max(0, len(all)-maxParts):]
}

// cleaned is a word as it may be in the name of an image, and in its tag.
func cleaned(word string) string {
	word = separators.ReplaceAllString(notName.ReplaceAllString(strings.ToLower(word), "-"), "-")
	return strings.Trim(word, "._-")
}

// call finds name and version in the words of a path; the name is "" where the
// repository has it. suffixed says that the last word is no folder.
func call(parts []string, suffixed bool) (name, version string) {
	if at := slices.IndexFunc(parts, versionWord.MatchString); at >= 0 {
		if at > 0 {
			name = parts[at-1]
		}
		return name, strings.Join(parts[at:], "-")
	}
	for at, word := range parts {
		if m := nameVersion.FindStringSubmatch(word); m != nil {
			return m[1], strings.Join(append([]string{m[2]}, parts[at+1:]...), "-")
		}
	}
	last := len(parts) - 1
	switch {
	case last < 0:
		return "", "latest"
	case slices.Contains(variants, parts[last]) && last > 0:
		return parts[last-1], parts[last]
	case slices.Contains(variants, parts[last]) && suffixed && parts[last] != "base":
		return "", parts[last]
	}
	return parts[last], "latest"
}
