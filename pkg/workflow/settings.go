package workflow

import (
	"slices"
	"strings"
)

// Settings are what a project says of its workflows. They have been checked.
type Settings struct {
	Runners    map[string][]string // labels of machines, by platform or its beginning: linux, linux/arm
	Branches   []string            // a push to these is tested
	MergeGroup bool                // what a merge queue would merge is tested
	Schedule   string              // cron, in UTC: when all images are built anew; "" for never
	NoLogin    bool                // nobody logs in to a registry
	LoginTests bool                // tests log in too
	Site       bool                // a release publishes a site of the images
}

// services have machines of their own for these.
var native = []string{"linux/amd64", "linux/arm64"}

// given are the labels that the settings have for a platform, by its longest
// beginning that has some, and that beginning.
func (s Settings) given(platform string) (labels []string, by string) {
	for by = platform; by != ""; {
		if labels, found := s.Runners[by]; found {
			return labels, by
		}
		slash := strings.LastIndexByte(by, '/')
		by = by[:max(slash, 0)]
	}
	return nil, ""
}

// labels are those of the machine for a platform: what the settings say, what the
// service has, or the machine that emulates it.
func (s Settings) labels(platform, arm64, amd64 string) []string {
	if labels, _ := s.given(platform); labels != nil {
		return labels
	}
	switch platform {
	case "linux/arm64":
		return []string{arm64}
	case "linux/amd64":
		return []string{amd64}
	}
	return s.labels("linux/amd64", arm64, amd64)
}

// GitHub are the labels of GitHub's machine for a platform.
func (s Settings) GitHub(platform string) []string {
	return s.labels(platform, "ubuntu-24.04-arm", "ubuntu-24.04")
}

// gitLab are the tags of GitLab's machine for a platform.
func (s Settings) gitLab(platform string) []string {
	return s.labels(platform, "saas-linux-small-arm64", "saas-linux-small-amd64")
}

// emulated reports whether the machine for a platform may be one of another
// architecture: where nothing names its own.
func (s Settings) emulated(platform string) bool {
	_, by := s.given(platform)
	if by == "" {
		return !slices.Contains(native, platform)
	}
	return !strings.Contains(by, "/") && platform != "linux/amd64"
}
