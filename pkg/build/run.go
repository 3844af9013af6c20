package build

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/inputs"
	"github.com/runbake/runbake/pkg/push"
	"github.com/runbake/runbake/pkg/registry"
)

// Engine is what builds; [engine.Engine] is one.
type Engine interface {
	Build(ctx context.Context, r engine.Request) (map[string]engine.Result, error)
	Lacking(ctx context.Context, wanted map[string][]string) (map[string]engine.Mismatch, error)
	DockerAnswers(ctx context.Context) bool
	LoadedSize(ctx context.Context, image string) (int64, error)
}

// Runner carries out plans.
type Runner struct {
	Engine Engine
	World  push.World
	Log    func(line string) // takes what there is to say of it
}

// Run builds what must be built, and tags what is there. What was done until an
// error is in the outcome.
func (r *Runner) Run(ctx context.Context, p *Plan) (*Outcome, error) {
	p = r.settle(ctx, p)
	o := &Outcome{Plan: p}
	var err error
	if p.Goal == Push {
		if o.Decisions, err = r.decide(ctx, p); err != nil {
			return o, err
		}
		if err := r.refuseMismatched(ctx, p, o.Decisions); err != nil {
			return o, err
		}
	}
	if request := p.Request(o.Decisions); len(request.Targets) > 0 {
		if o.Results, err = r.Engine.Build(ctx, request); err != nil {
			return o, err
		}
	}
	tagged, err := r.World.Tag(ctx, p.Builds, o.Decisions)
	o.Results = withTagged(o.Results, p.Builds, o.Decisions, tagged)
	return o, err
}

// settle loads the images if there is a Docker, and says so if there is none.
func (r *Runner) settle(ctx context.Context, p *Plan) *Plan {
	if p.Goal != Auto {
		return p
	}
	docker := p.Values.Platform != "" && r.Engine.DockerAnswers(ctx)
	if !docker {
		why := "no Docker answers"
		if p.Values.Platform == "" {
			why = "Docker loads images of one platform"
		}
		r.Log(fmt.Sprintf("the images stay in BuildKit's cache: %s; push them with --push or write them with --output", why))
	}
	return p.settled(docker)
}

// decide says what a push comes to, unless it would take something from tags.
func (r *Runner) decide(ctx context.Context, p *Plan) (push.Decisions, error) {
	anyway := ""
	if p.Force || p.NoCache {
		anyway = "it was asked for"
	}
	decisions, err := r.World.Decide(ctx, p.File, p.Values, p.Builds, anyway)
	if err != nil || p.Force || p.Values.ByDigest {
		return decisions, err
	}
	return decisions, r.World.Keep(ctx, p.Builds, decisions)
}

// refuseMismatched asks BuildKit for the base images of what is to be pushed that
// no lock has, and ends when one is of another platform than it is taken for.
func (r *Runner) refuseMismatched(ctx context.Context, p *Plan, decisions push.Decisions) error {
	var names []string
	for _, b := range p.Builds {
		if decisions.Builds(b.Name) {
			names = append(names, b.Name)
		}
	}
	wanted := wantedOf(inputs.Reach(p.File.EvaluateAll(p.Values), names))
	if len(wanted) == 0 {
		return nil
	}
	found, err := r.Engine.Lacking(ctx, wanted)
	if err != nil {
		return err
	}
	var problems []string
	for _, ref := range slices.Sorted(maps.Keys(found)) {
		m := found[ref]
		problems = append(problems, fmt.Sprintf("%s is an image for %s, and would be pushed as one for %s; "+
			"take one that has the platform, or remove it from platforms", ref, m.Is, strings.Join(m.Wanted, ", ")))
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s", strings.Join(problems, "\n"))
	}
	return nil
}

// wantedOf are the platforms that builds want of each base image which nothing
// pins.
func wantedOf(builds []bake.Build) map[string][]string {
	wanted := map[string][]string{}
	for _, b := range builds {
		for _, base := range b.Bases {
			if b.Pinned(base) {
				continue // the lock says what it has
			}
			for _, p := range base.Platforms {
				if (base.Cross || slices.Contains(b.Platforms, p)) && !slices.Contains(wanted[base.Ref], p) {
					wanted[base.Ref] = append(wanted[base.Ref], p)
				}
			}
		}
	}
	return wanted
}

// withTagged are results with those of images that were only tagged.
func withTagged(results map[string]engine.Result, builds []bake.Build, decisions push.Decisions, tagged map[string]error) map[string]engine.Result {
	all := maps.Clone(results)
	if all == nil {
		all = map[string]engine.Result{}
	}
	for _, b := range builds {
		if err, is := tagged[b.Name]; is {
			all[b.Name] = engine.Result{Err: err, Attempts: 1, Metadata: map[string]string{
				engine.KeyDigest: decisions[b.Name].Digest, engine.KeyImageName: strings.Join(b.Tags, ","),
			}}
		}
	}
	return all
}

// Sizes are those of images, by target, where somebody knows them.
func (r *Runner) Sizes(ctx context.Context, o *Outcome) map[string]int64 {
	sizes := make([]int64, len(o.Plan.Builds))
	client := sync.OnceValues(r.World.Registry)
	var group sync.WaitGroup
	for i, b := range o.Plan.Builds {
		group.Go(func() {
			switch digest := o.Results[b.Name].Metadata[engine.KeyDigest]; {
			case o.state(b) == string(Push) && digest != "":
				if registries, err := client(); err == nil {
					sizes[i], _ = registries.Size(ctx, registry.RepositoryOf(b.Tags[0])+"@"+digest) // 0 where it does not tell
				}
			case o.state(b) == string(Load):
				sizes[i], _ = r.Engine.LoadedSize(ctx, b.Tags[0]) // 0 where Docker does not tell
			}
		})
	}
	group.Wait()
	all := map[string]int64{}
	for i, b := range o.Plan.Builds {
		all[b.Name] = sizes[i]
	}
	return all
}
