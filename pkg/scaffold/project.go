package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/definition"
)

// ProjectOptions say what a repository starts with.
type ProjectOptions struct {
	Registry string   // and path, that images are pushed to; "" when nobody knows yet
	Services []string // that workflows are written for; nil for the default
	Force    bool     // add to a .gitattributes that is there
}

const (
	attributesFile = ".gitattributes"
	// attributes keep line ends on every machine: they are in images, and in what
	// generate writes.
	attributes = "* text=auto eol=lf\n"
)

// lineEnds finds what settles the line ends of all files.
var lineEnds = regexp.MustCompile(`(?m)^\*[ \t].*\beol=`)

// NewProject decides what a repository starts with: the definition of its
// project, and how git keeps its files.
func NewProject(o ProjectOptions, fsys fs.FS) (*Change, error) {
	c := &Change{ID: definition.ProjectFile, Files: []changeset.File{
		{Path: definition.ProjectFile, Mode: 0o644, Content: projectFile(o)},
	}}
	if o.Registry == "" {
		c.Next = append(c.Next, fmt.Sprintf("write into %s where images are pushed to, for example registry = \"ghcr.io/acme\"",
			definition.ProjectFile))
	}
	have, err := fs.ReadFile(fsys, attributesFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Files = append(c.Files, changeset.File{Path: attributesFile, Mode: 0o644, Content: []byte(attributes)})
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", attributesFile, err)
	case lineEnds.Match(have):
	case o.Force: // what is there stays
		c.Files = append(c.Files, changeset.File{Path: attributesFile, Mode: 0o644, Content: slices.Concat([]byte(attributes), have), Old: have})
	default:
		c.Next = append(c.Next, fmt.Sprintf("begin %s with a line %q: line ends are the same on every machine then",
			attributesFile, strings.TrimSpace(attributes)))
	}
	slices.SortFunc(c.Files, func(a, b changeset.File) int { return strings.Compare(a.Path, b.Path) })
	return c, nil
}

// projectFile is the smallest definition of a project.
func projectFile(o ProjectOptions) []byte {
	f := hclwrite.NewEmptyFile()
	f.Body().AppendUnstructuredTokens(hclwrite.TokensForIdentifier(
		"# What all images share. docs/definitions.md of Runbake has every attribute.\n"))
	body := f.Body().AppendNewBlock("project", nil).Body()
	registry := o.Registry
	if registry == "" {
		registry = definition.NoRegistry
	}
	body.SetAttributeValue("registry", cty.StringVal(registry))
	if len(o.Services) > 0 {
		o.writeServices(body)
	}
	return hclwrite.Format(f.Bytes())
}

// Untouched reports a project as [NewProject] writes it, to which nobody has added
// anything but a registry, and what it was written for.
func Untouched(fsys fs.FS) (o ProjectOptions, untouched bool) {
	set, diags := definition.Load(fsys)
	if set.Project == nil || set.Project.Registry == nil || diags.HasErrors() {
		return o, false
	}
	if o.Registry = set.Project.Registry.Value; o.Registry == definition.NoRegistry {
		o.Registry = ""
	}
	if set.Project.Workflows != nil {
		for _, item := range set.Project.Workflows.Items {
			if service, diags := item.Value(nil); !diags.HasErrors() && service.Type() == cty.String && service.IsKnown() && !service.IsNull() {
				o.Services = append(o.Services, service.AsString())
			}
		}
	}
	return o, bytes.Equal(set.Sources[definition.ProjectFile], projectFile(o))
}

// Complete adds to the definition of a project what the options say and an import
// does not.
func (o ProjectOptions) Complete(project []byte) []byte {
	start := bytes.Index(project, []byte("project {\n"))
	if len(o.Services) == 0 || start < 0 {
		return project
	}
	line := hclwrite.NewEmptyFile()
	o.writeServices(line.Body())
	at := start + len("project {\n")
	if first := bytes.IndexByte(project[at:], '\n'); first >= 0 {
		at += first + 1 // behind the registry
	}
	return hclwrite.Format(slices.Concat(project[:at], line.Bytes(), project[at:]))
}

// writeServices writes the services that workflows are for.
func (o ProjectOptions) writeServices(body *hclwrite.Body) {
	values := make([]cty.Value, len(o.Services))
	for i, s := range o.Services {
		values[i] = cty.StringVal(s)
	}
	body.SetAttributeValue("workflows", cty.TupleVal(values))
}
