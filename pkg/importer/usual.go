package importer

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/importer/bakefile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// Names of files that bake and Docker Compose read without being told, in their order.
var (
	composeFiles         = []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"}
	composeOverrideFiles = []string{
		"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
	}
	usualBakeFiles = []string{"docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl"}
)

func (r *reading) isFile(name string) bool {
	info, err := fs.Stat(r.fsys, name)
	return err == nil && !info.IsDir()
}

// usual are the files that bake reads in a folder by itself: all that are there.
func (r *reading) usual(dir string) []string {
	return r.there(dir, slices.Concat(composeFiles, usualBakeFiles))
}

func (r *reading) there(dir string, names []string) []string {
	var all []string
	for _, name := range names {
		if r.isFile(path.Join(dir, name)) {
			all = append(all, path.Join(dir, name))
		}
	}
	return all
}

// inUsualOrder puts the files of each folder that bake reads by itself in its order, in the
// places that they have: the last one wins.
func inUsualOrder(names []string) []string {
	names = slices.Clone(names)
	at := map[string][]int{}
	for i, name := range names {
		if slices.Contains(usualBakeFiles, path.Base(name)) {
			at[path.Dir(name)] = append(at[path.Dir(name)], i)
		}
	}
	for _, places := range at {
		some := make([]string, 0, len(places))
		for _, i := range places {
			some = append(some, names[i])
		}
		slices.SortFunc(some, func(a, b string) int {
			return slices.Index(usualBakeFiles, path.Base(a)) - slices.Index(usualBakeFiles, path.Base(b))
		})
		for i, name := range some {
			names[places[i]] = name
		}
	}
	return names
}

// composed are the compose files that Docker Compose reads of those that were found: in each
// folder the one with a usual name, and the one over it. Others are read where no file has
// such a name.
func (r *reading) composed() []string {
	var all []string
	done := map[string]bool{}
	for _, name := range r.compose {
		dir := path.Dir(name)
		if done[dir] {
			continue
		}
		done[dir] = true
		usual := r.services(r.there(dir, composeFiles))
		if len(usual) == 0 {
			for _, other := range r.compose {
				if path.Dir(other) == dir {
					all = append(all, other)
				}
			}
			continue
		}
		all = append(all, usual[0])
		if over := r.services(r.there(dir, composeOverrideFiles)); len(over) > 0 {
			all = append(all, over[0])
		}
	}
	for i, f := range r.found {
		if f.Kind == kindCompose && f.Why == "" && !slices.Contains(all, f.Name) {
			r.found[i].Why = "Docker Compose does not read it by itself; name it to import it"
		}
	}
	return all
}

// services are the files of compose that have services.
func (r *reading) services(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		src, err := fact.Read(r.fsys, name)
		return err != nil || bakefile.Other(src) != ""
	})
}

// beside are the compose files that bake merges with the bake files that were found, where
// these name one of their services: others say nothing of what they build.
func (r *reading) beside() []*fact.File {
	var all []*fact.File
	for _, name := range r.compose {
		if !slices.Contains(composeFiles, path.Base(name)) || r.isBakeFile(name) {
			continue
		}
		src, err := fact.Read(r.fsys, name)
		if err != nil {
			continue
		}
		services := bakefile.Services(src)
		if slices.ContainsFunc(r.bakeFiles, func(f *fact.File) bool {
			return path.Dir(f.Name) == path.Dir(name) && slices.Contains(usualBakeFiles, path.Base(f.Name)) &&
				slices.ContainsFunc(services, func(s string) bool { return strings.Contains(string(f.Text), `"`+s+`"`) })
		}) {
			all = append(all, src)
		}
	}
	slices.SortStableFunc(all, func(a, b *fact.File) int {
		return slices.Index(composeFiles, path.Base(a.Name)) - slices.Index(composeFiles, path.Base(b.Name))
	})
	return all
}
