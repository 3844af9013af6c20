package cli

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/build"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/platform"
	"github.com/runbake/runbake/pkg/registry"
	"github.com/runbake/runbake/pkg/repository"
)

type buildOptions struct {
	builder      builderOptions
	format       string
	platform     string
	push         bool
	load         bool
	output       string
	noCache      bool
	force        bool
	dryRun       bool
	print        bool
	metadataFile string
	reproducible bool
	verify       bool
}

func newBuild(a *app) *cobra.Command {
	var opts buildOptions
	cmd := &cobra.Command{
		Use:   "build [runtime…]",
		Short: "Build images with BuildKit",
		Long: `Build builds the targets of docker-bake.hcl in one run, in the order of their
dependencies, and continues with the others if one fails. Without arguments that is
the default group: all versions that are not deprecated. The variables of
docker-bake.hcl are read from the environment, as by bake.

By default it builds for the platform of this machine, and loads the images into
Docker if there is one; otherwise they stay in BuildKit's cache. --platform all
builds for all platforms of the definitions, and so does --push, which pushes the
images. An image that the registry already has with the same inputs is not built
again; only missing tags are added: see runbake plan --push. A push that would
remove a platform, an attestation or a signature from a tag is refused without
--force.

It uses the builder of --builder, or the BuildKit at --addr or BUILDKIT_HOST, or the
current buildx builder if it answers, or else the embedded BuildKit, which runbake
starts itself on Linux. Registry and network failures are retried; failed build
steps are not.

With --reproducible no timestamp in an image is later than the last commit of its
definition, or than SOURCE_DATE_EPOCH, so that the same files give the same digest
as far as the Dockerfile allows it. --verify-reproducible builds twice, the second
time without cache, and lists the differences by layer and file.`,
		Example: `  runbake build node-22
  REGISTRY=ghcr.io/acme runbake build --push --platform all
  runbake build --dry-run
  runbake build go --output 'type=oci,dest=out/{target}.tar'
  runbake build --verify-reproducible node-22`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.build(cmd.Context(), patterns, opts)
		},
	}
	f := cmd.Flags()
	formatFlag(cmd, &opts.format, "text", "json")
	platformFlag(cmd, &opts.platform, "PLATFORM, else all with --push, else that of this machine")
	f.BoolVar(&opts.push, "push", false, "push the images")
	f.BoolVar(&opts.load, "load", false, "load the images into Docker")
	outputFlag(cmd, &opts.output, "an output of buildx, in which {target} is the name of the target")
	noCacheFlag(cmd, &opts.noCache, "build all steps again, also of what the registry has")
	forceFlag(cmd, &opts.force, "with --push, build what the registry has already, and let tags lose what they have")
	jobsFlag(cmd, &opts.builder.engine)
	dryRunFlag(cmd, &opts.dryRun, "show what would be built")
	f.BoolVar(&opts.print, "print", false, "print what docker buildx bake --print would, and build nothing")
	f.StringVar(&opts.metadataFile, "metadata-file", "", "file for digests and more of each target, as buildx writes it")
	f.BoolVar(&opts.reproducible, "reproducible", false, "no time in an image is later than SOURCE_DATE_EPOCH, else than the last commit of its definition")
	f.BoolVar(&opts.verify, "verify-reproducible", false, "build twice, and list the differences")
	if err := cmd.MarkFlagFilename("metadata-file", "json"); err != nil {
		panic(err) // the flag was defined above
	}
	builderFlags(cmd, &opts.builder)
	progressFlag(cmd, &opts.builder.engine.Display)
	silenceFlag(cmd, &opts.builder.engine)
	return cmd
}

// defaultJobs keeps a hundred images from being built at once. It is well above
// what a machine can run: BuildKit knows how many steps that is, and images whose
// steps are cached would wait for each other.
func defaultJobs() int { return max(16, 8*runtime.NumCPU()) }

// check finds wrong flags, all at once.
func (o *buildOptions) check() error {
	errs := []error{
		checkFormat(o.format, "text", "json"),
		o.builder.checkBuild(),
	}
	goals := 0
	for _, set := range []bool{o.push, o.load, o.output != ""} {
		if set {
			goals++
		}
	}
	errs = append(errs,
		checkExclusive(map[string]bool{"push": o.push, "load": o.load, "output": o.output != ""}),
		checkExclusive(map[string]bool{"print": o.print, "dry-run": o.dryRun}))
	if o.load && o.platform == "all" {
		errs = append(errs, errors.New("--load takes images of one platform: give it with --platform"))
	}
	if o.verify && (goals > 0 || o.print || o.dryRun || o.metadataFile != "" || o.noCache || o.force) {
		errs = append(errs, errors.New("--verify-reproducible keeps nothing of what it builds: "+
			"--push, --load, --output, --print, --dry-run, --metadata-file, --no-cache and --force do not go with it"))
	}
	return errors.Join(errs...)
}

func (a *app) build(ctx context.Context, patterns []string, o buildOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	if err := replaceable(o.metadataFile, registry.IsMetadata); err != nil {
		return err
	}
	r, versions, err := a.choose(ctx, patterns)
	if err != nil {
		return err
	}
	plan, err := a.planBuild(ctx, r, versions, len(patterns) > 0, o)
	if err != nil {
		return err
	}
	switch {
	case o.print:
		text, err := engine.Print(ctx, plan.Request(nil))
		if err != nil {
			return err
		}
		_, err = a.env.Stdout.Write(text)
		return err
	case o.dryRun:
		return a.dryRun(plan, o.format)
	}
	if err := a.refuseLacking(r, plan.Versions(versions), plan.Platforms()); err != nil {
		return err
	}
	if err := archivesReplaceable(plan.Archives()); err != nil {
		return err
	}
	outcome, err := a.carryOut(ctx, plan, o)
	if ctx.Err() != nil {
		return &exitError{exitFailed, interrupted("not done", outcome.Left())}
	}
	return err
}

// planBuild decides what to build, and says when the committed file is another.
func (a *app) planBuild(ctx context.Context, r *repository.Repository, versions []*catalogue.Version,
	named bool, o buildOptions,
) (*build.Plan, error) {
	file := r.File()
	plan, err := build.New(file, versions, named, build.Options{
		Dir: a.dir, Platform: o.platform, Push: o.push, Load: o.load, Output: o.output, NoCache: o.noCache, Force: o.force,
		Metadata: o.metadataFile != "", Verify: o.verify, Print: o.print,
	}, a.env.LookupEnv, platform.Host())
	if nothing, is := errors.AsType[*build.NothingError](err); is {
		return nil, &exitError{exitFailed, nothing.Error()}
	} else if err != nil {
		return nil, err
	}
	if err := a.tellStale(file); err != nil {
		return nil, err
	}
	times, err := a.times(ctx, r.Catalogue, o.reproducible || o.verify)
	if err != nil {
		return nil, err
	}
	arguments, err := a.timeArguments(times, file.EvaluateAll(plan.Values))
	if err != nil {
		return nil, err
	}
	return plan.Dated(times, arguments), nil
}

// carryOut builds, and writes what became of it. The outcome is never nil.
func (a *app) carryOut(ctx context.Context, plan *build.Plan, o buildOptions) (outcome *build.Outcome, err error) {
	outcome = &build.Outcome{Plan: plan}
	e, err := a.openEngine(ctx, o.builder)
	if err != nil {
		return outcome, &exitError{exitFailed, err.Error()}
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	runner := &build.Runner{Engine: e, World: a.pushWorld(e, o.builder), Log: a.log}
	if o.verify {
		var images []build.Verified
		if images, outcome, err = runner.Verify(ctx, plan); err != nil {
			return outcome, &exitError{exitFailed, err.Error()}
		}
		return outcome, a.reportVerified(outcome, images, o.format)
	}
	if outcome, err = runner.Run(ctx, plan); err != nil {
		return outcome, &exitError{exitFailed, err.Error()}
	}
	if o.metadataFile != "" {
		if err := writeMetadata(o.metadataFile, outcome.Metadata()); err != nil {
			return outcome, err
		}
	}
	return outcome, a.reportBuilt(outcome, outcome.Images(runner.Sizes(ctx, outcome)), o.format)
}

// interrupted says what was not done when it was.
func interrupted(what string, left []string) string {
	if len(left) == 0 {
		return "interrupted"
	}
	return "interrupted\n" + what + ": " + strings.Join(left, ", ")
}

// archivesReplaceable refuses to write archives over files that are none.
func archivesReplaceable(names []string) error {
	var errs []error
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			errs = append(errs, replaceable(name, isArchive))
		}
	}
	return errors.Join(errs...)
}

// isArchive reports whether a file is a tar.
func isArchive(have []byte) bool { return len(have) > 262 && string(have[257:262]) == "ustar" }
