package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/platform"
	"github.com/runbake/runbake/pkg/push"
)

type planOptions struct {
	format  string
	push    bool
	builder builderOptions
}

func newPlan(a *app) *cobra.Command {
	var opts planOptions
	cmd := &cobra.Command{
		Use:   "plan [runtime…]",
		Short: "Show what would be built",
		Long: `Plan shows what docker buildx bake would build: platforms, tags, contexts, upstream
images and cache of each target. Without arguments that is the default group: all
versions that are not deprecated. The variables of docker-bake.hcl are read from the
environment, as by bake.

With --push it resolves the upstream images, queries the registry, and shows what
runbake build --push would do with each image, and why: build, tag or skip.`,
		Example: `  runbake plan
  runbake plan --push
  runbake plan node-22
  REGISTRY=ghcr.io/acme REVISION=$(git rev-parse HEAD) CACHE=registry runbake plan --format json`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.plan(cmd.Context(), patterns, opts)
		},
	}
	formatFlag(cmd, &opts.format, "text", "json")
	cmd.Flags().BoolVar(&opts.push, "push", false, "push the images: show what that would build, tag or skip")
	builderFlags(cmd, &opts.builder)
	silenceFlag(cmd, &opts.builder.engine)
	return cmd
}

// planEntry is one target of the plan.
type planEntry struct {
	Target     string            `json:"target"`
	ID         string            `json:"id"`
	Platforms  []string          `json:"platforms"`
	Tags       []string          `json:"tags"`
	Context    string            `json:"context"`
	Dockerfile string            `json:"dockerfile"`
	Contexts   map[string]string `json:"contexts,omitempty"`
	Args       map[string]string `json:"args,omitempty"`
	Bases      []string          `json:"bases,omitempty"`
	Needs      []string          `json:"needs,omitempty"`
	Run        string            `json:"run,omitempty"`
	CacheFrom  []bake.Attributes `json:"cacheFrom,omitempty"`
	CacheTo    []bake.Attributes `json:"cacheTo,omitempty"`
	Output     []bake.Attributes `json:"output,omitempty"`
	Action     push.Action       `json:"action,omitempty"` // with --push
	Why        []string          `json:"why,omitempty"`
}

func (a *app) plan(ctx context.Context, patterns []string, o planOptions) error {
	if err := errors.Join(checkFormat(o.format, "text", "json"), o.builder.check(), checkSilence(o.builder.engine.Silence)); err != nil {
		return err
	}
	r, versions, err := a.choose(ctx, patterns)
	if err != nil {
		return err
	}
	if len(patterns) == 0 {
		versions = slices.DeleteFunc(versions, func(v *catalogue.Version) bool { return v.Deprecated != "" })
	}
	file := r.File()
	values, err := file.ValuesFrom(a.env.LookupEnv, platform.Host())
	if err != nil {
		return err
	}
	builds := slices.DeleteFunc(file.Narrow(versions).Evaluate(values), func(b bake.Build) bool {
		return len(patterns) == 0 && values.Platform != "" && !slices.Contains(b.Target.Platforms, values.Platform)
	})
	var decisions push.Decisions
	if o.push {
		if decisions, err = a.decidePush(ctx, o.builder, file, values, builds); err != nil {
			return &exitError{exitFailed, err.Error()}
		}
	}
	var entries []planEntry
	for _, b := range builds {
		e := newPlanEntry(b)
		if d := decisions[b.Name]; d != nil {
			e.Action, e.Why = d.Action, d.Why
		}
		entries = append(entries, e)
	}
	if o.format == "json" {
		return envelope.Write(a.env.Stdout, "plan", entries)
	}
	return writePlan(a.env.Stdout, entries)
}

// decidePush says what a push comes to.
func (a *app) decidePush(ctx context.Context, o builderOptions,
	file *bake.File, values bake.Values, builds []bake.Build,
) (_ push.Decisions, err error) {
	o.engine.Display = "quiet"
	e, err := a.openEngine(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return a.pushWorld(e, o).Decide(ctx, file, values, builds, "")
}

func newPlanEntry(b bake.Build) planEntry {
	e := planEntry{
		Target: b.Name, ID: b.ID, Platforms: b.Platforms, Tags: b.Tags,
		Context: b.Context, Dockerfile: b.DockerfileName(), Contexts: b.Contexts, Args: b.Args,
		Needs: b.Needs, Run: b.Run, CacheFrom: b.CacheFrom, CacheTo: b.CacheTo, Output: b.Output,
	}
	for _, base := range b.Bases {
		e.Bases = append(e.Bases, base.Ref)
	}
	return e
}

func writePlan(w io.Writer, entries []planEntry) error {
	var out strings.Builder
	images := 0
	for _, e := range entries {
		images += len(e.Platforms)
		fmt.Fprintf(&out, "%s\n", e.ID)
		line := func(name string, values ...string) {
			for i, v := range values {
				if i > 0 {
					name = ""
				}
				fmt.Fprintf(&out, "  %-10s  %s\n", name, v)
			}
		}
		line("platforms", strings.Join(e.Platforms, ", "))
		line("tags", e.Tags...)
		line("context", e.Context+" ("+e.Dockerfile+")")
		line("contexts", bake.Attributes(e.Contexts).Pairs()...)
		line("args", bake.Attributes(e.Args).Pairs()...)
		line("from", e.Bases...)
		if e.Run != "" {
			line("run by", e.Run)
		}
		line("cache from", attributes(e.CacheFrom)...)
		line("cache to", attributes(e.CacheTo)...)
		line("output", attributes(e.Output)...)
		if e.Action != "" {
			line("push", string(e.Action)+": "+strings.Join(e.Why, "; "))
		}
		out.WriteString("\n")
	}
	fmt.Fprintf(&out, "%s, %s\n", count(len(entries), "target"), count(images, "image"))
	_, err := io.WriteString(w, out.String())
	return err
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func attributes(entries []bake.Attributes) []string {
	var list []string
	for _, e := range entries {
		list = append(list, e.Text())
	}
	return list
}
