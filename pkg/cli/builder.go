package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/epoch"
	"github.com/runbake/runbake/pkg/push"
	"github.com/runbake/runbake/pkg/registry"
)

// builderOptions say where to build.
type builderOptions struct {
	engine engine.Options
	config string // a buildkitd.toml for the embedded BuildKit
}

// builderFlags adds the flags that say where to build.
func builderFlags(cmd *cobra.Command, o *builderOptions) {
	f := cmd.Flags()
	f.StringVar(&o.engine.Builder, "builder", "", "buildx builder (default: BUILDX_BUILDER, else the current one if it answers)")
	f.StringVar(&o.engine.Addr, "addr", "", "address of a BuildKit, or embedded for one of runbake's own (default: BUILDKIT_HOST)")
	f.StringVar(&o.config, "buildkitd-config", "", "buildkitd.toml of the embedded BuildKit (default: "+envConfig+", else that of the system)")
	if err := cmd.MarkFlagFilename("buildkitd-config", "toml"); err != nil {
		panic(err) // the flag was defined above
	}
}

// progressFlag adds --progress with its completion.
func progressFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "progress", "auto", "progress of the builds, on stderr: auto, plain, tty or quiet")
	if err := cmd.RegisterFlagCompletionFunc("progress", words(progressWords()...)); err != nil {
		panic(err) // the flag was defined above
	}
}

// silenceFlag adds --registry-timeout for what BuildKit does.
func silenceFlag(cmd *cobra.Command, o *engine.Options) {
	cmd.Flags().DurationVar(&o.Silence, flagSilence, engine.DefaultSilence, silenceText)
}

// answerFlag adds --registry-timeout for what runbake itself asks.
func answerFlag(cmd *cobra.Command, o *registry.Options) {
	cmd.Flags().DurationVar(&o.Retry.Timeout, flagSilence, time.Minute, silenceText)
}

const (
	flagSilence = "registry-timeout"
	silenceText = "how long a registry may say nothing"
)

// checkSilence checks the value of --registry-timeout.
func checkSilence(d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("--%s=%v: give a time such as 5m", flagSilence, d)
	}
	return nil
}

func progressWords() []string { return []string{"auto", "plain", "tty", "quiet"} }

// jobsFlag adds --jobs.
func jobsFlag(cmd *cobra.Command, o *engine.Options) {
	cmd.Flags().IntVar(&o.Jobs, "jobs", defaultJobs(), "how many images run their steps at a time; 0 for any number")
}

// check finds wrong flags and contradictions.
func (o *builderOptions) check() error {
	errs := []error{checkExclusive(map[string]bool{"builder": o.engine.Builder != "", "addr": o.engine.Addr != ""})}
	if o.engine.Jobs < 0 {
		errs = append(errs, fmt.Errorf("--jobs=%d: give 0 or more", o.engine.Jobs))
	}
	return errors.Join(errs...)
}

// checkBuild finds those of commands that build.
func (o *builderOptions) checkBuild() error {
	return errors.Join(
		checkWord("progress", o.engine.Display, progressWords()...), checkSilence(o.engine.Silence), o.check())
}

// openEngine finds the place to build.
func (a *app) openEngine(ctx context.Context, o builderOptions) (*engine.Engine, error) {
	env := func(name string) string {
		value, _ := a.env.LookupEnv(name)
		return value
	}
	if o.engine.Builder == "" {
		o.engine.Addr = cmp.Or(o.engine.Addr, env("BUILDKIT_HOST"))
	}
	if o.engine.Addr == "" {
		o.engine.Builder = cmp.Or(o.engine.Builder, env("BUILDX_BUILDER"))
	}
	o.engine.Progress = a.env.Stderr
	if o.engine.Start == nil {
		o.engine.Start = a.startEmbedded(o.config)
	}
	e, err := engine.Open(ctx, o.engine)
	if err == nil && e.Kind == engine.KindEmbedded {
		fmt.Fprintf(a.env.Stderr, "building with %s: %s\n", e.Name, e.Why)
	}
	return e, err
}

// pushWorld is who a push asks for what is there.
func (a *app) pushWorld(e *engine.Engine, o builderOptions) push.World {
	return push.World{
		Registry: func() (push.Registry, error) { return a.builderClient(e, o) },
		Digests:  e.Digests,
		Inputs:   a.inputsOf,
	}
}

// times are those that the images get: what the environment says, else those of
// the last commits. nil when times stay what they are: unless wanted, that is when
// the environment says nothing.
func (a *app) times(ctx context.Context, c *catalogue.Catalogue, wanted bool) (epoch.Times, error) {
	value, _ := a.env.LookupEnv(epoch.Variable)
	switch {
	case value != "":
		return epoch.Given(value, c)
	case wanted:
		return epoch.Committed(ctx, a.dir, c, a.log)
	}
	return nil, nil
}

// timeArguments tell the Dockerfiles that ask for it their time.
func (a *app) timeArguments(times epoch.Times, builds []bake.Build) ([]string, error) {
	fsys, err := a.open()
	if err != nil {
		return nil, err
	}
	defer fsys.Close()
	return times.Arguments(fsys, builds), nil
}

// log tells people something on stderr.
func (a *app) log(line string) { fmt.Fprintln(a.env.Stderr, line) }
