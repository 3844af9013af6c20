package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
)

//go:embed templates
var templates embed.FS

// fixtures is where functions are, in a repository that has none yet.
const fixtures = "tests/fixtures"

// baseArgument is the build argument of a new Dockerfile.
const baseArgument = "BASE_IMAGE"

// runtime is what the templates of a runtime know.
type runtime struct {
	Key, Version, Name, Title string
	Compiled, BusyBox         bool
	Image                     string
	Run                       string // as the definition writes it
	Entrypoint                string // file name
	Server                    string // file name
	Command                   string // that runs it; "" when only a person knows
	Marker                    string

	folder   string
	fixtures string
	settings settings
}

// newRuntime decides what a runtime that there is not yet starts from.
func newRuntime(o Options, r Repository, l *Library) (*Change, error) {
	rt, problems := resolve(o, r.Catalogue, l)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	extension := path.Ext(rt.Entrypoint)
	other := "handler" + extension
	if other == rt.Entrypoint {
		other = "other" + extension // tests want a name that is not the default
	}
	fixture := path.Join(rt.fixtures, rt.Key)
	behaviour, broken := fixture+"-behaviour", fixture+"-broken"
	kind := catalogue.Interpreted
	if rt.Compiled {
		kind = catalogue.Compiled
	}
	definitionHCL := definitionFile(rt.Key, rt.Version, []text{
		{"name", rt.Name},
		{"kind", string(kind)},
		{"entrypoint", rt.Entrypoint},
		{"fixture", fixture},
		{"behaviour", path.Join(behaviour, other)},
		{"broken", path.Join(broken, rt.Entrypoint)},
	}, rt.settings)
	c := &Change{ID: rt.Key + "-" + rt.Version, folders: []string{rt.folder, fixture, behaviour, broken}}
	add := func(name string, executable bool, content []byte) {
		f := changeset.File{Path: name, Mode: 0o644, Content: content}
		if executable {
			f.Mode = 0o755
		}
		c.Files = append(c.Files, f)
	}
	add(path.Join(rt.folder, definition.RuntimeFile), false, definitionHCL)
	add(path.Join(rt.folder, "Dockerfile"), false, rt.render("Dockerfile"))
	add(path.Join(rt.folder, ".dockerignore"), false, rt.render("dockerignore"))
	add(path.Join(rt.folder, "README.md"), false, rt.render("README.md"))
	add(path.Join(rt.folder, "build.sh"), true, rt.render("build.sh"))
	if !rt.Compiled {
		add(path.Join(rt.folder, "launch.sh"), true, rt.render("launch.sh"))
	}
	add(path.Join(rt.folder, rt.Server), false, comment(rt.Server, string(rt.render("server"))))
	add(path.Join(fixture, rt.Entrypoint), false, comment(rt.Entrypoint, string(rt.render("fixture"))))
	add(path.Join(behaviour, other), false, comment(other, string(rt.render("behaviour"))))
	add(path.Join(broken, rt.Entrypoint), false, comment(rt.Entrypoint, string(rt.render("broken"))))
	c.Next = []string{fmt.Sprintf("write what is marked: grep -rn '%s' %s %s*", contract.Marker, rt.folder, fixture)}
	return c, nil
}

func (rt *runtime) render(name string) []byte {
	var out bytes.Buffer
	t, err := template.ParseFS(templates, "templates/"+name+".tmpl")
	if err == nil {
		err = t.Execute(&out, rt)
	}
	if err != nil {
		panic(err) // the templates are ours
	}
	return out.Bytes()
}

// home is the folder in which runtimes are.
func home(c *catalogue.Catalogue) string {
	if homes := c.Project.Homes(); len(homes) > 0 {
		return homes[0]
	}
	return definition.RuntimesDir
}

// resolve applies defaults to the options of a new runtime.
func resolve(o Options, c *catalogue.Catalogue, l *Library) (*runtime, []error) {
	rt := &runtime{
		Key: o.Key, Version: o.Version, Name: o.Name, Compiled: o.Kind == catalogue.Compiled, Entrypoint: o.Entrypoint, Marker: contract.Marker,
		folder: path.Join(home(c), o.Key), fixtures: fixtureFolder(c),
	}
	if rt.Name == "" {
		rt.Name = nameOf(o.Key)
	}
	if rt.Entrypoint == "" {
		rt.Entrypoint = languages[o.Key].entrypoint
	}
	rt.Command = languages[o.Key].command
	rt.Server = "server" + path.Ext(rt.Entrypoint)
	rt.Title = rt.Name
	if o.Layout == OneVersion {
		rt.folder += "-" + o.Version
		rt.Title += " " + o.Version
	}
	problems := slices.Concat(checkKind(o, c, l), checkName(rt.Name), checkEntrypoint(rt.Entrypoint), rt.image(o), rt.runImage(o, c))
	if o.Layout != "" && o.Layout != Family && o.Layout != OneVersion {
		problems = append(problems, fmt.Errorf("--layout=%s: it is %s or %s", o.Layout, Family, OneVersion))
	}
	if !c.Project.Defines(rt.folder) {
		problems = append(problems, fmt.Errorf("nothing would read %s: definitions of the project name other folders; "+
			"add it to them", path.Join(rt.folder, definition.RuntimeFile)))
	}
	platforms, more := normalised(o.Platforms)
	rt.settings.platforms = platforms
	return rt, append(problems, more...)
}

// fixtureFolder is the folder that the functions of all other runtimes are in,
// or the usual one.
func fixtureFolder(c *catalogue.Catalogue) string {
	folder := ""
	for _, rt := range c.Runtimes {
		if rt.Fixture == "" {
			continue
		}
		parent := path.Dir(path.Clean(rt.Fixture))
		if folder != "" && folder != parent {
			return fixtures
		}
		folder = parent
	}
	if folder == "" || folder == "." {
		return fixtures
	}
	return folder
}

func checkKind(o Options, c *catalogue.Catalogue, l *Library) []error {
	switch o.Kind {
	case catalogue.Interpreted, catalogue.Compiled:
		return nil
	case "":
		var keys []string
		for _, rt := range c.Runtimes {
			keys = append(keys, rt.Key)
		}
		if near := diag.Suggest(o.Key, slices.Concat(keys, l.Keys())); near != "" {
			return []error{fmt.Errorf("there is no runtime %q; did you mean %q? To make it, give --kind", o.Key, near)}
		}
		return []error{fmt.Errorf("give --kind: %s if the image runs the user's source, %s if it makes an executable of it", catalogue.Interpreted, catalogue.Compiled)}
	}
	return []error{fmt.Errorf("--kind=%s: it is %s or %s", o.Kind, catalogue.Interpreted, catalogue.Compiled)}
}

func checkName(name string) []error {
	if strings.TrimSpace(name) == "" || strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return []error{fmt.Errorf("--name=%q: a name is one line of text", name)}
	}
	return nil
}

// plainFile are names that mean themselves in a Dockerfile and in a script.
var plainFile = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]*$`)

func checkEntrypoint(name string) []error {
	if name == "" {
		return []error{errors.New("give --entrypoint, the file that a function has when it says nothing, for example main.exs")}
	}
	problems := texts("--entrypoint: ", catalogue.CheckEntrypoint(name))
	if len(problems) == 0 && !plainFile.MatchString(name) {
		problems = []error{fmt.Errorf("--entrypoint=%q: use letters, digits, dots, dashes and underscores", name)}
	}
	return problems
}

// image takes the one image that a new runtime is built on.
func (rt *runtime) image(o Options) []error {
	if len(o.From) != 1 || strings.Contains(o.From[0], "=") {
		return []error{fmt.Errorf("give one image with --from, for example --from %s:%s-slim", o.Key, o.Version)}
	}
	rt.Image = o.From[0]
	rt.BusyBox = busyBox(rt.Image)
	rt.settings.from = []from{{arg: baseArgument, image: rt.Image}}
	if _, _, ok := parseReference(rt.Image); ok {
		return []error{fmt.Errorf("--from %s: a base has the user and the folders already, which a new Dockerfile makes; start from its image, and change both", rt.Image)}
	}
	return texts("--from: ", catalogue.CheckImage(rt.Image))
}

// runImage finds the base that runs what a compiled runtime makes.
func (rt *runtime) runImage(o Options, c *catalogue.Catalogue) []error {
	if !rt.Compiled {
		if o.Run != "" {
			return []error{errors.New("--run is for compiled runtimes: an interpreted one runs in the image that it builds")}
		}
		return nil
	}
	ref, err := findBase(o.Run, c)
	if err != nil {
		return []error{err}
	}
	rt.settings.run = ref
	rt.Run = ref.String()
	return nil
}
