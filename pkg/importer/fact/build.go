package fact

import (
	"path"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Source is what one source that was asked for, mostly a script, does with
// images, in its order.
type Source struct {
	Name   string
	Events []Event
}

// Event is something that a source does with images: a build, a push, or names
// given to what is built.
type Event struct {
	Build  *Build
	Push   *Text  // the name, or all names of a repository, with the tag *
	Target *Text  // of a tag, or of images joined to one
	From   []Text // what is tagged, or joined
	Range  hcl.Range
}

// Build is one build of an image.
type Build struct {
	Script     string // the source that was asked for, which may read others
	Tags       []Text // as written
	Platforms  []Text // normalised; none if the machine's
	Context    Text   // from the root of the repository, or an address
	Remote     bool   // it is an address, of git or HTTP
	Dockerfile *Text  // from the root, or where the context is an address from there; nil for the context's
	Target     *Text
	Args       []Pair
	Labels     []Pair
	// Annotations are of the index or the manifests, whatever their level was.
	Annotations []Pair
	Contexts    []Pair // folders from the root
	Images      []Pair // named contexts that are images which other builds make, by one of their tags
	Upstream    []Pair // named contexts that are elsewhere: docker-image://, oci-layout://, git, http
	Requirements
	Push bool
	// Loaded says that a pipeline builds it for the machine that it runs on: nothing but a
	// push publishes it.
	Loaded bool
	Named  bool  // its source gives each image a name of its own, whatever folder it is built of
	Title  *Text // what the script said before
	// Parent is the name of an image that its source has built on this one, if it
	// knows of images what they are for.
	Parent *Text
	Range  hcl.Range

	Arms []Arm // the branches that it stands in
}

// Requirements are what the steps of a build need besides files.
type Requirements struct {
	Secrets      []Pair // id → env=<variable> or src=<file>
	SSH          []Text
	Entitlements []Text
	Network      *Text
	ExtraHosts   []Pair
	Ulimits      []Pair
	ShmSize      *Text
}

// environmentName is a name that a variable of the environment may have.
var environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// SecretSource is where a secret comes from, as definitions have it. Docker and bake look
// for a variable of its name first where nothing else is said, and then for such a file;
// guessed says that it is the variable.
func SecretSource(id, file, variable string) (source string, guessed bool) {
	switch {
	case file != "":
		return "src=" + file, false
	case variable != "":
		return "env=" + variable, false
	case environmentName.MatchString(id):
		return "env=" + id, true
	}
	return "src=" + id, false
}

// Remote reports a context that is at an address, of git or HTTP, as Docker and bake
// tell it from a folder. Whether it is a good one is for who writes it down.
func Remote(context string) bool {
	for _, scheme := range []string{"http://", "https://", "git://", "ssh://", "git@", "github.com/"} {
		if strings.HasPrefix(context, scheme) {
			return true
		}
	}
	return false
}

// DockerfilePath is the Dockerfile of a build, from the root. At an address it is no
// file that is there.
func (b *Build) DockerfilePath() string {
	if b.Remote && b.Dockerfile != nil {
		return path.Join(b.Context.Value, b.Dockerfile.Value)
	}
	if b.Dockerfile != nil {
		return b.Dockerfile.Value
	}
	return path.Join(b.Context.Value, "Dockerfile")
}

// Arm is one way through an if or a case: builds in different arms of one
// command do not happen together.
type Arm struct {
	Node any // the command; it is only compared
	Way  int
}
