package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/platform"
	"github.com/runbake/runbake/pkg/registry"
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
		Long: `Build builds the targets of docker-bake.hcl in one run, each after those that it
needs, and goes on with the others when one fails. Without names it is the default
group, all that is not deprecated. The variables of docker-bake.hcl are read from
the environment, as bake does.

It builds for the platform of this machine, and loads the images into Docker if
there is one; otherwise they stay in BuildKit's cache. --platform all builds all
that the definitions list, and --push pushes the images, of all platforms unless told. An
image that the registry has already, made of the same inputs, is not built again; it only
gets the tags that it lacks: see runbake plan --push. A push that would take a platform, an
attestation or a signature from a tag is refused without --force, with what it would take.

It builds with the builder that --builder names, or the BuildKit at --addr or
BUILDKIT_HOST, or the current buildx builder if it answers, or else a BuildKit that
runbake starts itself: the embedded BuildKit, which needs Linux, root and runc.
Failures of registries and the network are tried again, failed steps are not.

With --reproducible no time in an image is later than the last commit of its
definition, or than SOURCE_DATE_EPOCH, so that the same files make the same digest
wherever the Dockerfile has a say. --verify-reproducible builds twice, the second time
without the cache, compares, and names what differs: layer, file, and what of it.`,
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
	f.StringVar(&opts.platform, "platform", "",
		"platform to build, or all (default: PLATFORM, else all with --push, else that of this machine)")
	f.BoolVar(&opts.push, "push", false, "push the images")
	f.BoolVar(&opts.load, "load", false, "load the images into Docker")
	f.StringVar(&opts.output, "output", "", "where the result goes, as buildx says it; {target} stands for the name of the target")
	f.BoolVar(&opts.noCache, "no-cache", false, "build all steps again, also of what the registry has")
	f.BoolVar(&opts.force, "force", false, "with --push: build what the registry has already, too, and let tags lose what they have")
	jobsFlag(cmd, &opts.builder.engine)
	f.BoolVar(&opts.dryRun, "dry-run", false, "show what would be built, and build nothing")
	f.BoolVar(&opts.print, "print", false, "print what docker buildx bake --print would, and build nothing")
	f.StringVar(&opts.metadataFile, "metadata-file", "", "file for digests and more of each target, as buildx writes it")
	f.BoolVar(&opts.reproducible, "reproducible", false, "no time in an image is later than SOURCE_DATE_EPOCH, else than the last commit of its definition")
	f.BoolVar(&opts.verify, "verify-reproducible", false, "build twice, and name what differs")
	if err := cmd.MarkFlagFilename("metadata-file", "json"); err != nil {
		panic(err) // the flag was defined above
	}
	builderFlags(cmd, &opts.builder)
	progressFlag(cmd, &opts.builder.engine.Display)
	silenceFlag(cmd, &opts.builder.engine)
	if err := cmd.RegisterFlagCompletionFunc("platform", words("all", "linux/amd64", "linux/arm64")); err != nil {
		panic(err) // the flag was defined above
	}
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
	if goals > 1 {
		errs = append(errs, errors.New("--push, --load and --output contradict each other: give one of them"))
	}
	if o.load && o.platform == "all" {
		errs = append(errs, errors.New("--load takes images of one platform: give it with --platform"))
	}
	if o.print && o.dryRun {
		errs = append(errs, errors.New("--print and --dry-run contradict each other: give one of them"))
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
	job := &buildJob{app: a, options: o, file: r.file(), catalogue: r.catalogue}
	if err := job.plan(versions, len(patterns) > 0); err != nil {
		return err
	}
	if err := a.tellStale(job.file); err != nil {
		return err
	}
	if job.epochs, err = a.epochs(ctx, r.catalogue, o.reproducible || o.verify); err != nil {
		return err
	}
	switch {
	case o.print:
		return job.print(ctx)
	case o.dryRun:
		return job.dryRun()
	}
	if err := a.refuseLacking(r, versionsOf(versions, job.builds), platformsOf(job.builds)); err != nil {
		return err
	}
	if err := job.archivesReplaceable(); err != nil {
		return err
	}
	if o.verify {
		err = job.verify(ctx)
	} else {
		err = job.run(ctx)
	}
	if ctx.Err() != nil {
		return &exitError{exitFailed, job.interrupted()}
	}
	return err
}

// versionsOf are the versions that builds are of.
func versionsOf(versions []*catalogue.Version, builds []bake.Build) []*catalogue.Version {
	return slices.DeleteFunc(slices.Clone(versions), func(v *catalogue.Version) bool {
		return !slices.ContainsFunc(builds, func(b bake.Build) bool { return b.Name == v.Target })
	})
}

// platformsOf are the platforms that builds are for.
func platformsOf(builds []bake.Build) []string {
	all := []string{}
	for _, b := range builds {
		all = append(all, b.Platforms...)
	}
	return all
}

// archivesReplaceable refuses to write archives over files that are none.
func (j *buildJob) archivesReplaceable() error {
	if !strings.Contains(j.options.output, "dest=") {
		return nil
	}
	var errs []error
	for _, b := range j.builds {
		dest := outputAttributes(j.output(b))["dest"]
		if info, err := os.Stat(dest); err == nil && info.Mode().IsRegular() {
			errs = append(errs, replaceable(dest, isArchive))
		}
	}
	return errors.Join(errs...)
}

// isArchive reports whether a file is a tar.
func isArchive(have []byte) bool { return len(have) > 262 && string(have[257:262]) == "ustar" }

// goal is where the images go.
type goal string

const (
	goalPush  goal = "pushed"
	goalLoad  goal = "loaded"
	goalOther goal = "exported"
	goalCache goal = "built" // and kept in BuildKit's cache
	goalAuto  goal = ""      // loaded if there is a Docker, else built
)

// buildJob is one run of runbake build.
type buildJob struct {
	app       *app
	options   buildOptions
	file      *bake.File
	catalogue *catalogue.Catalogue
	goal      goal
	values    bake.Values
	builds    []bake.Build
	stands    map[string]*standing // of a push; nil when everything is built
	epochs    map[string]int64     // of targets; nil when times stay what they are
	results   map[string]engine.Result
}

// plan decides what to build, and for which values of the variables.
func (j *buildJob) plan(versions []*catalogue.Version, named bool) error {
	if err := j.setValues(); err != nil {
		return err
	}
	for _, b := range chosen(j.file, versions).Evaluate(j.values) {
		if named || b.Deprecated == "" && (j.values.Platform == "" || slices.Contains(b.Target.Platforms, j.values.Platform)) {
			j.builds = append(j.builds, b)
		}
	}
	if len(j.builds) == 0 {
		return &exitError{exitFailed, "there is nothing to build for " + j.values.Platform}
	}
	if strings.Contains(j.options.output, "dest=") && !strings.Contains(j.options.output, "{target}") && len(j.builds) > 1 {
		return fmt.Errorf("--output=%s: %d images would be written there; put {target} into the name, or name one version", j.options.output, len(j.builds))
	}
	return nil
}

// setValues reads the variables of the emitted file: flags win over the
// environment.
func (j *buildJob) setValues() error {
	o := j.options
	set := map[string]string{}
	switch {
	case o.push:
		j.goal, set["LOCAL"] = goalPush, "false"
	case o.load:
		j.goal, set["LOCAL"] = goalLoad, "true"
	case o.output != "" || o.verify:
		j.goal, set["LOCAL"] = goalOther, "false"
	}
	switch o.platform {
	case "all":
		set["PLATFORM"] = ""
	case "":
		if asked, found := j.app.env.LookupEnv("PLATFORM"); (!found || asked == "") && !o.push {
			set["PLATFORM"] = j.file.Local(platform.Host())
		}
	default:
		name, err := platformFlag(j.file, o.platform)
		if err != nil {
			return err
		}
		set["PLATFORM"] = name
	}
	var err error
	j.values, err = j.file.ValuesFrom(func(name string) (string, bool) {
		if value, found := set[name]; found {
			return value, true
		}
		return j.app.env.LookupEnv(name)
	}, platform.Host())
	if j.goal == goalAuto && j.values.Local {
		j.goal = goalLoad
	}
	return err
}

// request is what the engine is asked for.
func (j *buildJob) request() engine.Request {
	r := engine.Request{File: j.file.Encode(), Dir: j.app.dir, Vars: j.values.Set()}
	for _, b := range j.builds {
		if s := j.stands[b.Name]; s != nil && s.action != actionBuild {
			continue
		}
		r.Targets = append(r.Targets, b.Name)
		if output := j.output(b); output != "" {
			r.Overrides = append(r.Overrides, b.Name+".output="+output)
		}
	}
	if j.options.metadataFile != "" {
		r.Provenance = "min"
		if mode, found := j.app.env.LookupEnv("BUILDX_METADATA_PROVENANCE"); found && mode != "" {
			r.Provenance = mode
		}
	}
	r.Overrides = append(r.Overrides, epochArgs(j.app.dir, j.file.EvaluateAll(j.values), j.epochs)...)
	if j.options.push {
		r.Overrides = append(r.Overrides, "*.push=true")
	}
	for _, b := range j.file.Evaluate(j.values) {
		if s := j.stands[b.Name]; s != nil {
			r.Overrides = append(r.Overrides, s.overrides(b)...)
		}
	}
	if j.options.noCache {
		r.Overrides = append(r.Overrides, "*.no-cache=true")
	}
	if !j.values.Local && !j.attests() { // LOCAL asks for none
		r.Overrides = append(r.Overrides, noAttestations...)
	}
	return r
}

// noAttestations take SBOM and provenance from all targets, those that others
// need among them: BuildKit would scan these, too.
var noAttestations = []string{"*.attest=type=provenance,disabled=true", "*.attest=type=sbom,disabled=true"}

// attests reports whether the result goes where attestations can: into a registry
// or an OCI layout. Docker takes none, in files of a folder they are no
// attestations, and in a cache nobody finds them.
func (j *buildJob) attests() bool {
	if j.goal == goalPush || j.values.ByDigest {
		return true
	}
	attributes := outputAttributes(j.options.output)
	push, _ := strconv.ParseBool(attributes["push"])
	switch attributes["type"] {
	case "registry", "oci":
		return true
	case "image":
		return push
	}
	return j.options.print && j.goal == goalAuto // what plain bake does, which would not know
}

// outputAttributes reads an output as far as a plan shows it.
func outputAttributes(text string) bake.Attributes {
	attributes := bake.Attributes{}
	for field := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(field, "=")
		if !found {
			key, value = "dest", field
		}
		attributes[key] = value
	}
	return attributes
}
