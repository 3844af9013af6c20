package dockerfile

import (
	"errors"
	"net/url"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
)

// Source forms of contexts that are no folders.
const (
	// TargetScheme begins contexts that are other targets of a bake file.
	TargetScheme = "target:"
	// ImageScheme begins contexts that are images.
	ImageScheme = "docker-image://"
	// LayoutScheme begins contexts that are images in a folder.
	LayoutScheme = "oci-layout://"
)

// ContextKind says what a context is.
type ContextKind int

// The kinds of contexts, as bake tells them apart.
const (
	FolderContext ContextKind = iota
	TargetContext
	ImageContext
	LayoutContext
	RemoteContext // in a git repository, or what an HTTP server gives
)

// KindOf says what a context is, main or named.
func KindOf(context string) ContextKind {
	switch {
	case !strings.Contains(context, ":") && !strings.HasPrefix(context, "github.com/"):
		return FolderContext // as most are, without parsing
	case strings.HasPrefix(context, TargetScheme):
		return TargetContext
	case strings.HasPrefix(context, "docker-image:"):
		return ImageContext
	case strings.HasPrefix(context, LayoutScheme):
		return LayoutContext
	case strings.HasPrefix(context, "http://"), strings.HasPrefix(context, "https://"):
		return RemoteContext
	}
	if _, is, _ := dfgitutil.ParseGitRef(context); is { // what is wrong with one is for who gives it
		return RemoteContext
	}
	return FolderContext
}

// Layout is the folder of a context that is an image in one: what is left of it
// without tag and digest.
func Layout(context string) string {
	folder := strings.TrimPrefix(context, LayoutScheme)
	folder, _, _ = strings.Cut(folder, "@")
	if colon := strings.LastIndexByte(folder, ':'); colon > strings.LastIndexByte(folder, '/') {
		folder = folder[:colon]
	}
	return folder
}

// CheckRemote says what is wrong with an address that is a context; named
// contexts cannot be taken from all places that the main one can.
func CheckRemote(context string, named bool) error {
	if strings.ContainsFunc(context, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		return errors.New("it has a space in it")
	}
	if u, err := url.Parse(context); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			return errors.New("it has a password in it, which would be in the emitted file; use secrets or ssh")
		}
	}
	if named && (strings.HasPrefix(context, "ssh://") || strings.HasPrefix(context, "github.com/")) {
		return errors.New("BuildKit takes named contexts from git@<host>:<path>, git://, http:// and https:// alone")
	}
	_, is, err := dfgitutil.ParseGitRef(context)
	if is && err != nil {
		return err
	}
	if u, err := url.Parse(context); !is && (err != nil || u.Host == "") {
		return errors.New("it names no host")
	}
	return nil
}
