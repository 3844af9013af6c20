package bakecheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/budget"
)

// defaultFiles are what bake reads, and merges in this order, when no file is
// named.
var defaultFiles = []string{
	"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
	"docker-bake.json", bake.FileName, "docker-bake.override.json", "docker-bake.override.hcl",
}

// Neighbour is a file beside docker-bake.hcl that bake merges with it.
type Neighbour struct {
	Name    string
	Changes string // what it does to the builds; "" for nothing
}

// NeighbourFix is what can be done about one.
const NeighbourFix = "Remove it, or name the file: docker buildx bake -f " + bake.FileName + ". What runbake writes and builds names it."

// Summary says what bake does with the file.
func (n Neighbour) Summary() string {
	if n.Changes == "" {
		return fmt.Sprintf("bake reads %s together with %s, where no file is named; today it changes nothing", n.Name, bake.FileName)
	}
	return fmt.Sprintf("bake reads %s together with %s, where no file is named: %s", n.Name, bake.FileName, n.Changes)
}

// Warnings are diagnostics about files that plain bake would merge with the
// emitted one.
func Warnings(neighbours []Neighbour) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, n := range neighbours {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: n.Summary(), Detail: NeighbourFix,
			Subject: &hcl.Range{Filename: n.Name, Start: hcl.InitialPos, End: hcl.InitialPos},
		})
	}
	return diags
}

// Neighbours finds the files of a folder that bake reads besides the emitted
// one, and says what each changes.
func Neighbours(fsys fs.FS, f *bake.File) ([]Neighbour, error) {
	var found []Neighbour
	own := buildxbake.File{Name: bake.FileName}
	var without *buildxbake.Config
	for i, name := range defaultFiles {
		if name == bake.FileName {
			continue
		}
		data, err := fs.ReadFile(fsys, name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(data) == 0 { // bake passes over both
			continue
		}
		if err != nil {
			return nil, err
		}
		if without == nil {
			own.Data = f.Encode()
			if without, err = parseAll(own); err != nil {
				return nil, fmt.Errorf("bake cannot read the emitted file: %w", err)
			}
		}
		files := []buildxbake.File{{Name: name, Data: data}, own}
		if i > slices.Index(defaultFiles, bake.FileName) {
			slices.Reverse(files)
		}
		n := Neighbour{Name: name}
		if reason := refused(name, data); reason != "" {
			n.Changes = "it is not compared: " + reason
		} else if n.Changes, err = compare(without, files); err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, nil
}

// refused says why bake is not asked to read a file; "" if it is.
func refused(name string, data []byte) string {
	if strings.HasSuffix(name, ".hcl") {
		if file, diags := budget.ParseHCL(data, name); file == nil {
			return fmt.Sprintf("%s: %s", diags[0].Subject, diags[0].Summary)
		}
	} else if at, deep := budget.Brackets(data); deep {
		return fmt.Sprintf("more than %d brackets are open on line %d", budget.MaxDepth, 1+bytes.Count(data[:at], []byte("\n")))
	}
	return ""
}

// compare says what differs when files are read together.
func compare(without *buildxbake.Config, files []buildxbake.File) (string, error) {
	with, err := budget.Within(func() (*buildxbake.Config, error) { return parseAll(files...) })
	switch {
	case errors.Is(err, budget.ErrPatience):
		return fmt.Sprintf("bake takes longer than %v to read it", budget.Patience), nil
	case err != nil:
		return "bake cannot read both, and builds nothing", nil //nolint:nilerr // it is what there is to say
	}
	return changes(without, with)
}

// parseAll reads files as bake does, with no variable set.
func parseAll(files ...buildxbake.File) (*buildxbake.Config, error) {
	if err := budget.DotEnv(); err != nil {
		return nil, err
	}
	if err := os.Setenv("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP", "1"); err != nil {
		return nil, err
	}
	builtin := map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": localPlatform}
	c, _, err := buildxbake.ParseFiles(files, builtin, nil)
	return c, err
}

// changes says what differs between two readings.
func changes(without, with *buildxbake.Config) (string, error) {
	var list []string
	before, err := attributesOf(without)
	if err != nil {
		return "", err
	}
	after, err := attributesOf(with)
	if err != nil {
		return "", err
	}
	var added []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		old, known := before[name]
		if !known {
			added = append(added, name)
			continue
		}
		var changed []string
		for _, key := range slices.Sorted(maps.Keys(after[name])) {
			if !reflect.DeepEqual(old[key], after[name][key]) {
				changed = append(changed, key)
			}
		}
		if len(changed) > 0 {
			list = append(list, fmt.Sprintf("%s of %s", strings.Join(changed, ", "), name))
		}
	}
	if len(list) > 0 {
		list = []string{"it changes " + few(list)}
	}
	if len(added) > 0 {
		list = append(list, "it adds "+few(added))
	}
	return strings.Join(list, "; "), nil
}

// few names some of many.
func few(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], "; "), len(names)-most)
	}
	return strings.Join(names, "; ")
}

// attributesOf are the attributes of targets and groups, by their names.
func attributesOf(c *buildxbake.Config) (map[string]map[string]any, error) {
	all := map[string]map[string]any{}
	var errs []error
	add := func(name string, v any) {
		if all[name] != nil { // of two groups with one name bake takes the first
			return
		}
		text, err := json.Marshal(v)
		if err != nil {
			errs = append(errs, fmt.Errorf("comparing %s: %w", name, err))
			return
		}
		var attributes map[string]any
		errs = append(errs, json.Unmarshal(text, &attributes))
		all[name] = attributes
	}
	for _, t := range c.Targets {
		add(t.Name, t)
	}
	for _, g := range c.Groups {
		add("group "+g.Name, g)
	}
	return all, errors.Join(errs...)
}
