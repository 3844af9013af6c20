package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/inputs"
	"github.com/runbake/runbake/pkg/platform"
)

func newInputs(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inputs [runtime…]",
		Short: "Show what goes into images, and their ids",
		Long: `Inputs shows everything that goes into each image: its Dockerfile, the files that
the build reads, build arguments, upstream images, and the images of this
repository that it is built on. The id is the hash of these inputs: an image with
the same id need not be built again.

Files are hashed as BuildKit transfers them: those that the Dockerfile copies and
.dockerignore does not exclude, with content and mode, without times and owners.
The JSON output lists each file. The variables of docker-bake.hcl are read from the
environment, as by bake.`,
		Example: `  runbake inputs
  runbake inputs node-22 --format json | jq '.items[].components[] | select(.kind == "context").files'`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.inputs(cmd.Context(), patterns, format)
		},
	}
	formatFlag(cmd, &format, "text", "json")
	return cmd
}

// inputsEntry is one image and what goes into it.
type inputsEntry struct {
	ID         string             `json:"id"`
	Target     string             `json:"target"`
	Inputs     string             `json:"inputs"`
	Components []inputs.Component `json:"components"`
}

func (a *app) inputs(ctx context.Context, patterns []string, format string) error {
	if err := checkFormat(format, "text", "json"); err != nil {
		return err
	}
	r, versions, err := a.choose(ctx, patterns)
	if err != nil {
		return err
	}
	file := r.File()
	values, err := file.ValuesFrom(a.env.LookupEnv, platform.Host())
	if err != nil {
		return err
	}
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = v.Target
	}
	targets, err := a.inputsOf(ctx, inputs.Reach(file.EvaluateAll(values), names), nil)
	if err != nil {
		return &exitError{exitFailed, err.Error()}
	}
	entries := make([]inputsEntry, len(versions))
	for i, v := range versions {
		t := targets[v.Target]
		entries[i] = inputsEntry{ID: v.ID, Target: v.Target, Inputs: t.ID, Components: t.Components}
	}
	if format == "json" {
		return envelope.Write(a.env.Stdout, "inputs", entries)
	}
	return writeInputs(a.env.Stdout, entries)
}

func writeInputs(w io.Writer, entries []inputsEntry) error {
	var out strings.Builder
	for i, e := range entries {
		if i > 0 {
			out.WriteString("\n")
		}
		line := func(name, value string) { fmt.Fprintf(&out, "  %-11s  %s\n", name, value) }
		out.WriteString(e.ID + "\n")
		line("inputs", e.Inputs)
		for _, c := range e.Components {
			line(string(c.Kind), componentText(c))
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// componentText is one line about a component. Where the digest says more than
// the value it is there too.
func componentText(c inputs.Component) string {
	name := ""
	if c.Name != "" && c.Name != c.Value && c.Kind != inputs.KindAttestation {
		name = c.Name + "="
	}
	switch c.Kind {
	case inputs.KindContext:
		return fmt.Sprintf("%s%s (%s, %s)", name, c.Value, count(len(c.Files), "path"), short(c.Digest))
	case inputs.KindDockerfile, inputs.KindImage:
		return fmt.Sprintf("%s%s (%s)", name, c.Value, short(c.Digest))
	default:
		return name + c.Value
	}
}

// inputsOf says what goes into builds, with the digests of files from the
// user's cache where they are known. bases are the digests of base images.
func (a *app) inputsOf(ctx context.Context, builds []bake.Build, bases map[string]string) (map[string]*inputs.Target, error) {
	fsys, err := a.open()
	if err != nil {
		return nil, err
	}
	defer fsys.Close()
	name, err := a.cacheFile("digests")
	if err != nil {
		return inputs.Of(ctx, fsys, builds, inputs.Options{Bases: bases})
	}
	cache := inputs.ParseCache(readCache(name))
	targets, err := budget.Until(ctx, func() (map[string]*inputs.Target, error) {
		return inputs.Of(ctx, fsys, builds, inputs.Options{Hash: cache.Hash(fsys, a.env.Now), Bases: bases})
	})
	if cache.Changed() {
		cache.Forget(func(name string) bool {
			_, err := fsys.Lstat(name)
			return err == nil
		})
		keepCache(name, cache.Encode())
	}
	return targets, err
}
