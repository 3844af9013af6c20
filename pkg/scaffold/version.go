package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
)

// sibling is the newest version of a runtime: what the new one is like.
type sibling struct {
	block   *definition.Block
	version *definition.Version
	folder  string // of its definition
}

// newVersion decides how a runtime gets another version: as a block in the
// file of the newest one or, where that has a folder of its own, as a folder
// like it.
func newVersion(o Options, r Repository, rt *catalogue.Runtime) (*Change, error) {
	s, err := newest(r.Set, rt)
	if err != nil {
		return nil, err
	}
	given, problems := s.settings(o, r.Catalogue, rt)
	for _, v := range rt.Versions {
		if v.Name == o.Version {
			problems = append(problems, fmt.Errorf("%s exists already, at %s", v.ID, diag.Place(v.Range)))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	id := o.Key + "-" + o.Version
	if path.Base(s.folder) == o.Key+"-"+s.version.Name.Value && len(s.block.Versions) == 1 {
		return s.copied(id, o.Version, given, r.FS)
	}
	file := s.block.Range.Filename
	old := r.Set.Sources[file]
	place := s.elsewhere(o.Version, r.FS)
	given.place = place.attributes
	text, err := insertVersion(old, file, o.Key, s.version.Name.Value, o.Version, versionBlock(o.Version, given))
	if err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o644)
	if info, err := fs.Stat(r.FS, file); err == nil {
		mode = info.Mode().Perm()
	}
	c := &Change{ID: id, Files: []changeset.File{{Path: file, Mode: mode, Content: text, Old: old}}}
	if err := place.copy(c, s, o.Version, given, r.FS); err != nil {
		return nil, err
	}
	if others := s.others(given); len(others) > 0 {
		c.Next = append(c.Next, fmt.Sprintf("version %s also has %s: give it to version %s if that needs it", s.version.Name.Value, strings.Join(others, ", "), o.Version))
	}
	if readme := path.Join(s.folder, "README.md"); len(given.from) > 0 && exists(r.FS, readme) {
		c.Next = append(c.Next, "name its base image in "+readme)
	}
	return c, nil
}

func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return err == nil
}

// newest finds where the newest version was written.
func newest(set *definition.Set, rt *catalogue.Runtime) (*sibling, error) {
	last := rt.Versions[len(rt.Versions)-1]
	for _, b := range set.Blocks {
		for _, v := range b.Versions {
			if b.Key.Value == rt.Key && v.Range == last.Range {
				return &sibling{block: b, version: v, folder: b.Dir}, nil
			}
		}
	}
	return nil, fmt.Errorf("%s is in no definition", last.ID)
}

// settings checks what was given for a version.
func (s *sibling) settings(o Options, c *catalogue.Catalogue, rt *catalogue.Runtime) (settings, []error) {
	var given settings
	var problems []error
	for name, value := range map[string]string{
		"--kind": string(o.Kind), "--name": o.Name, "--entrypoint": o.Entrypoint, "--layout": o.Layout,
	} {
		if value != "" {
			problems = append(problems, fmt.Errorf("%s: %s exists already, and a version of it does not choose that; see %s", name, o.Key, diag.Place(s.block.Range)))
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if o.Run != "" && rt.Kind != catalogue.Compiled {
		problems = append(problems, fmt.Errorf("--run is for compiled runtimes; %s is %s", o.Key, rt.Kind))
	} else if o.Run != "" {
		ref, err := findBase(o.Run, c)
		if err != nil {
			problems = append(problems, err)
		}
		given.run = ref
	}
	var more []error
	given.from, more = s.from(o)
	problems = append(problems, more...)
	given.platforms, more = normalised(o.Platforms)
	return given, append(problems, more...)
}

// from gives each image to its build argument: those that the newest version
// names for itself must be given.
func (s *sibling) from(o Options) ([]from, []error) {
	own := keys(s.version.From)
	names := own
	if len(names) == 0 {
		names = keys(s.block.From)
	}
	var given []from
	var problems []error
	for _, text := range o.From {
		arg, image, named := strings.Cut(text, "=")
		if !named {
			arg, image = "", text
			if len(names) == 1 {
				arg = names[0]
			}
		}
		switch same := func(f from) bool { return f.arg == arg }; {
		case arg == "" && len(names) == 0:
			problems = append(problems, fmt.Errorf("--from %s: the versions of %s name no image; write the ARG in its Dockerfile, then --from ARG=%s", text, o.Key, image))
		case arg == "":
			problems = append(problems, fmt.Errorf("--from %s: say which it is of %s, as in --from %s=%s", text, strings.Join(names, ", "), names[0], image))
		case slices.ContainsFunc(given, same):
			problems = append(problems, fmt.Errorf("--from: there are two images for %s", arg))
		default:
			f := from{arg: arg, image: image}
			if key, name, ok := parseReference(image); ok {
				f.base = &reference{key, name}
			} else {
				problems = append(problems, texts("--from: ", catalogue.CheckImage(image))...)
			}
			given = append(given, f)
		}
	}
	for _, name := range own {
		if !slices.ContainsFunc(given, func(f from) bool { return f.arg == name }) && len(problems) == 0 {
			problems = append(problems, fmt.Errorf("give the image of %s with --from: each version of %s has its own", name, o.Key))
		}
	}
	return given, problems
}

func keys(m *definition.Map) []string {
	if m == nil {
		return nil
	}
	var list []string
	for _, item := range m.Items {
		list = append(list, item.Key.Value)
	}
	return list
}

// others lists the attributes of the newest version that a new one does not
// get by itself.
func (s *sibling) others(given settings) []string {
	v := s.version
	var names []string
	for _, a := range []struct {
		name  string
		given bool
	}{
		{"aliases", v.Aliases != nil},
		{"annotations", v.Annotations != nil},
		{"args", v.Args != nil},
		{"budget", v.Budget != nil},
		{"contexts", v.Contexts != nil},
		{"entitlements", v.Entitlements != nil},
		{"extra_hosts", v.ExtraHosts != nil},
		{"image", v.Image != nil},
		{"labels", v.Labels != nil},
		{"network", v.Network != nil},
		{"platforms", v.Platforms != nil && given.platforms == nil},
		{"registry", v.Registry != nil},
		{"run", v.Run != nil && given.run == nil},
		{"secrets", v.Secrets != nil},
		{"shm_size", v.ShmSize != nil},
		{"ssh", v.SSH != nil},
		{"tags", v.Tags != nil},
		{"target", v.Target != nil},
		{"ulimits", v.Ulimits != nil},
		{"variant", v.Variants != nil},
	} {
		if a.given {
			names = append(names, a.name)
		}
	}
	return names
}
