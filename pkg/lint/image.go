package lint

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// family is which tools an image has.
type family int

const (
	unknownFamily family = iota
	debian               // GNU tools, dash as sh; what other distributions have is near
	busybox              // Alpine
)

// placed is a file that an instruction put into the image.
type placed struct {
	source string // in the repository; "" when the Dockerfile holds it
	exec   execBit
	at     hcl.Range
}

// execBit says what made a file executable.
type execBit int

const (
	notExecutable execBit = iota
	byCheckout            // the mode that it has in the repository
	byDockerfile
)

// ownFolder is the state of one of the four folders.
type ownFolder struct {
	exists bool
	owner  string      // user:group
	owned  bool        // something gave it an owner
	at     hcl.Range   // what made it, or gave it that owner last
	late   []hcl.Range // what was copied in after that, as root
}

// account is a user or group that the image has.
type account struct {
	id    string // "" when it is not given
	known bool   // that the id is known
	group string // primary group of a user
	at    hcl.Range
}

// command is a CMD or an ENTRYPOINT.
type command struct {
	words []string
	shell bool
	at    hcl.Range
}

// image is what following a Dockerfile, and those of the bases of this
// repository, says of the image that it makes.
type image struct {
	version    *catalogue.Version
	file       *dockerfile.File
	platform   string
	from       hcl.Range // FROM of the stage
	family     family
	installed  []string // by apk and apt
	dirs       map[string]bool
	own        map[string]*ownFolder
	files      map[string]*placed
	opaque     []string // paths that something unknown was written to
	users      map[string]account
	groups     map[string]account
	cmd        *command
	entrypoint *command
	ports      []string
	portsAt    hcl.Range
	userAt     hcl.Range
	workdirAt  hcl.Range
	state      dockerfile.State
	events     map[string][]finding
}

// image follows the Dockerfile of a version; nil when that cannot be done.
func (l *linter) image(v *catalogue.Version) *image {
	if img, done := l.images[v]; done {
		return img
	}
	l.images[v] = nil // also ends circles
	img := l.start(v)
	img.platform = "linux/amd64"
	if len(v.Platforms) > 0 {
		img.platform = v.Platforms[0]
	}
	if img.file = l.parse(v.DockerfilePath()); img.file == nil {
		return nil
	}
	if triggers := l.triggers(v); len(triggers) > 0 {
		img.file = img.file.With(triggers)
	}
	chain, ok := img.file.Chain(v.Stage, v.Args, img.platform, img.state)
	if !ok {
		return nil
	}
	img.from = chain.From
	if img.family == unknownFamily {
		img.family = familyOf(chain)
	}
	for i := range chain.Steps {
		l.follow(img, &chain.Steps[i])
	}
	img.state = chain.End
	img.lateCopies()
	l.images[v] = img
	return img
}

// triggers are the ONBUILD instructions of images of this repository that a
// version is built on.
func (l *linter) triggers(v *catalogue.Version) map[string][]string {
	triggers := map[string][]string{}
	for _, n := range v.Needs {
		if f := l.parse(n.Version.DockerfilePath()); f != nil && n.Version != v {
			if left := f.Triggers(n.Version.Stage); len(left) > 0 {
				triggers[n.Context] = left
			}
		}
	}
	return triggers
}

func (l *linter) parse(name string) *dockerfile.File {
	if f, done := l.files[name]; done {
		return f
	}
	l.files[name] = nil
	if t := l.text(name); t.data != nil {
		if f, diags := dockerfile.Parse(name, t.data); !diags.HasErrors() {
			l.files[name] = f
		}
	}
	return l.files[name]
}

// start is the image that a version is built on: that of a base of this
// repository, or an empty one.
func (l *linter) start(v *catalogue.Version) *image {
	img := &image{
		dirs: map[string]bool{"/": true, "/usr": true, "/usr/local": true, "/tmp": true}, own: map[string]*ownFolder{},
		files: map[string]*placed{}, users: map[string]account{}, groups: map[string]account{},
	}
	for _, n := range v.Needs {
		base := n.Version
		if !n.Root || base == v {
			continue
		}
		if from := l.image(base); from != nil {
			*img = *from
			img.dirs, img.files = maps.Clone(from.dirs), maps.Clone(from.files)
			img.users, img.groups = maps.Clone(from.users), maps.Clone(from.groups)
			img.own = map[string]*ownFolder{}
			for name, f := range from.own {
				clone := *f
				clone.late = nil
				img.own[name] = &clone
			}
			img.opaque, img.installed = slices.Clone(from.opaque), slices.Clone(from.installed)
			for name, f := range from.files {
				clone := *f
				img.files[name] = &clone
			}
			break
		}
	}
	img.version, img.events = v, map[string][]finding{}
	return img
}

// officialDebian are official images that are Debian or Ubuntu unless their
// tag says alpine.
var officialDebian = []string{
	"buildpack-deps", "dart", "debian", "elixir", "erlang", "gcc", "golang", "haskell", "julia", "node", "openjdk",
	"perl", "php",
	"pypy", "python", "r-base", "ruby", "rust", "swift", "ubuntu", "eclipse-temurin", "amazoncorretto",
}

// familyOf guesses from the name of the base image, and from the package
// managers that are used.
func familyOf(c dockerfile.Chain) family {
	if strings.Contains(c.Base, "alpine") || strings.Contains(c.Base, "busybox") {
		return busybox
	}
	for _, s := range c.Steps {
		run, is := s.Command.(*instructions.RunCommand)
		if !is {
			continue
		}
		switch text := " " + strings.Join(run.CmdLine, " "); {
		case strings.Contains(text, " apk add"):
			return busybox
		case strings.Contains(text, " apt-get "), strings.Contains(text, " apt "):
			return debian
		}
	}
	named, err := reference.ParseNormalizedNamed(c.Base)
	if err == nil && reference.Domain(named) == "docker.io" &&
		slices.Contains(officialDebian, strings.TrimPrefix(reference.Path(named), "library/")) {
		return debian
	}
	return unknownFamily
}

func (img *image) event(rule string, f finding) {
	img.events[rule] = append(img.events[rule], f)
}

// follow does what an instruction does to the image.
func (l *linter) follow(img *image, s *dockerfile.Step) {
	switch cmd := s.Command.(type) {
	case *instructions.WorkdirCommand:
		dir := s.Path(s.Expand(cmd.Path))
		img.workdirAt = s.Range
		if !img.dirs[dir] {
			img.makeDir(dir, "root:root", s.Range)
		}
	case *instructions.UserCommand:
		img.userAt = s.Range
	case *instructions.CmdCommand:
		img.cmd = &command{cmd.CmdLine, cmd.PrependShell, s.Range}
	case *instructions.EntrypointCommand:
		img.entrypoint = &command{cmd.CmdLine, cmd.PrependShell, s.Range}
	case *instructions.ExposeCommand:
		for _, p := range cmd.Ports {
			img.ports = append(img.ports, s.Expand(p))
		}
		img.portsAt = s.Range
	case *instructions.CopyCommand:
		l.copy(img, s, copied{cmd.SourcesAndDest, cmd.From, cmd.Chown, cmd.Chmod, cmd.ExcludePatterns, cmd.Parents})
	case *instructions.AddCommand:
		l.copy(img, s, copied{cmd.SourcesAndDest, "", cmd.Chown, cmd.Chmod, cmd.ExcludePatterns, false})
	case *instructions.RunCommand:
		l.run(img, s, cmd)
	}
}

// makeDir makes a folder and those above it.
func (img *image) makeDir(dir, owner string, at hcl.Range) {
	for p := dir; p != "/" && p != "."; p = path.Dir(p) {
		if img.dirs[p] {
			continue
		}
		img.dirs[p] = true
		if slices.Contains(contract.Dirs(), p) {
			img.own[p] = &ownFolder{exists: true, owner: owner, at: at, owned: owner != "root:root"}
		}
	}
	if slices.Contains(contract.Dirs(), dir) && img.own[dir] == nil {
		img.own[dir] = &ownFolder{exists: true, owner: owner, at: at}
	}
}

// removeDir takes a folder away, and what is in it.
func (img *image) removeDir(dir string) {
	for p := range img.dirs {
		if within(p, dir) && p != "/" {
			delete(img.dirs, p)
			delete(img.own, p)
		}
	}
	for p := range img.files {
		if within(p, dir) {
			delete(img.files, p)
		}
	}
}

// within reports whether a path is a folder or below it.
func within(name, dir string) bool {
	return name == dir || dir == "/" || strings.HasPrefix(name, dir+"/")
}

// who is the user that RUN has, with its group.
func (img *image) who(s *dockerfile.Step) string {
	user, _, _ := strings.Cut(s.User, ":")
	if user == "" || user == "root" || user == "0" {
		return "root:root"
	}
	return img.ownerName(s.User, true)
}

// ownerName writes an owner as user:group, with the names of our user.
func (img *image) ownerName(given string, primary bool) string {
	user, group, found := strings.Cut(given, ":")
	if !found && !primary {
		user, group, found = strings.Cut(given, ".")
	}
	if user == contract.UserID {
		user = contract.User
	}
	switch {
	case group == contract.GroupID:
		group = contract.User
	case !found && primary, found && group == "": // the group that the user has
		group = user
		if a, is := img.users[user]; is && a.group != "" {
			group = strings.Replace(a.group, contract.GroupID, contract.User, 1)
		}
	case !found:
		group = "root"
	}
	return user + ":" + group
}

// lateCopies reports what was copied into a folder after it had been given
// away.
func (img *image) lateCopies() {
	for _, dir := range contract.Dirs() {
		f := img.own[dir]
		if f == nil {
			continue
		}
		for _, at := range f.late {
			img.event("owner-order", finding{
				at: at, summary: fmt.Sprintf("Files are copied into %s after it was given to %s", dir, f.owner),
				detail: fmt.Sprintf("They belong to root; the folder was given away at %s.", diag.Place(f.at)),
			})
		}
	}
}

// unknownAt reports whether something that is not followed may have written a
// path.
func (img *image) unknownAt(name string) bool {
	return slices.ContainsFunc(img.opaque, func(p string) bool { return within(name, p) })
}
