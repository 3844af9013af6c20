package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/build"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/engine/embedded"
	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/platform"
)

type doctorOptions struct {
	builder  builderOptions
	format   string
	platform string
}

func newDoctor(a *app) *cobra.Command {
	var opts doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show where it would build, and what is missing",
		Long: `Doctor shows which BuildKit runbake build would use and why, and checks what it
needs: programs, emulation of other platforms, registry credentials, disk space.
For each problem it prints a fix.

If the embedded BuildKit would be used, doctor starts it, unless it would have to be
downloaded or compiled first. The exit code is 1 if a build for the platform of this
machine, or for --platform, would fail.`,
		Example: `  runbake doctor
  runbake doctor --platform all --format json`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.doctor(cmd.Context(), opts)
		},
	}
	formatFlag(cmd, &opts.format, "text", "json")
	platformFlag(cmd, &opts.platform, "that of this machine")
	builderFlags(cmd, &opts.builder)
	return cmd
}

// check is one thing that was looked at.
type check struct {
	Name  string `json:"name"`
	State string `json:"state"` // ok, warning or error
	What  string `json:"what"`
	Fix   string `json:"fix,omitempty"`
}

const (
	checkOK      = "ok"
	checkWarning = "warning"
	checkError   = "error"
)

// diagnosis is all that doctor has to say.
type diagnosis struct {
	Builder *chosen // nil if none was found
	Checks  []check
}

// chosen is the BuildKit that would be used.
type chosen struct {
	Kind engine.Kind `json:"kind"` // builder, addr, current or embedded
	Name string      `json:"name,omitempty"`
	Why  []string    `json:"why,omitempty"`
}

func (d *diagnosis) add(name, state, what, fix string) {
	d.Checks = append(d.Checks, check{name, state, what, fix})
}

func (a *app) doctor(ctx context.Context, o doctorOptions) error {
	if err := errors.Join(checkFormat(o.format, "text", "json"), o.builder.check()); err != nil {
		return err
	}
	r, err := a.load(ctx)
	if err != nil {
		return err
	}
	file := r.File()
	if o.platform, err = build.Platform(file, cmp.Or(o.platform, file.Local(platform.Host()))); err != nil {
		return err
	}
	values, err := file.ValuesFrom(a.env.LookupEnv, platform.Host())
	if err != nil {
		return err
	}
	d, err := a.examine(ctx, o, file.Platforms(), append([]string{values.Registry}, otherRegistries(r.Catalogue, file)...))
	if err != nil {
		return err
	}
	if err := a.examineNeighbours(ctx, d, file); err != nil {
		return err
	}
	write := writeDiagnosis
	if o.format == "json" {
		write = writeDiagnosisJSON
	}
	if err := write(a.env.Stdout, d); err != nil {
		return err
	}
	if slices.ContainsFunc(d.Checks, func(c check) bool { return c.State == checkError }) {
		return &exitError{exitFailed, "building would fail"}
	}
	return nil
}

// examine looks at everything.
func (a *app) examine(ctx context.Context, o doctorOptions, platforms, registries []string) (d *diagnosis, err error) {
	d = &diagnosis{}
	o.builder.engine.Start = a.startReady(o.builder.config)
	e, err := a.openEngine(ctx, o.builder)
	if errors.Is(err, errFirstBuild) {
		d.Builder = &chosen{Kind: engine.KindEmbedded}
		d.add("builder", checkOK, "the embedded BuildKit, which starts with the first build; which platforms it builds is known then", "")
		return d, a.examineEmbedded(d, o)
	}
	if err != nil {
		if e := o.builder.engine; e.Builder != "" || e.Addr != "" && e.Addr != engine.Embedded {
			d.add("builder", checkError, err.Error(), "docker buildx ls lists builders; without --builder and --addr, runbake finds one or starts a BuildKit")
			return d, nil
		}
		d.add("builder", checkError, err.Error(), "mend what is wrong below, or name a builder of buildx with --builder, or a BuildKit with --addr")
		return d, a.examineEmbedded(d, o)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	d.Builder = &chosen{e.Kind, e.Name, []string{e.Why}}
	why := e.Why
	if e.Other != nil {
		why += fmt.Sprintf(" (%v)", e.Other)
	}
	d.add("builder", checkOK, e.Name+": "+why, "")
	if e.Kind == engine.KindEmbedded {
		if err := a.examineEmbedded(d, o); err != nil {
			return d, err
		}
	}
	d.examinePlatforms(ctx, e, platforms, o.platform)
	for _, registry := range registries {
		d.examineRegistry(e, registry)
	}
	if e.DockerAnswers(ctx) {
		d.add("docker", checkOK, "it answers: images can be loaded into it", "")
	} else {
		d.add("docker", checkWarning, "it does not answer: images cannot be loaded, but pushed and written", "start Docker, if you want to run images here")
	}
	return d, nil
}

// examineNeighbours looks for files that plain bake merges with the emitted one.
func (a *app) examineNeighbours(ctx context.Context, d *diagnosis, file *bake.File) error {
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	found, err := budget.Until(ctx, func() ([]bakecheck.Neighbour, error) { return bakecheck.Neighbours(fsys, file) })
	if err != nil {
		return err
	}
	for _, n := range found {
		d.add(n.Name, checkWarning, n.Summary(), bakecheck.NeighbourFix)
	}
	return nil
}

// examineEmbedded looks at what the embedded BuildKit needs.
func (a *app) examineEmbedded(d *diagnosis, o doctorOptions) error {
	options, err := a.embeddedOptions(o.builder.config)
	if err != nil {
		return err
	}
	for _, f := range embedded.Check(options) {
		switch {
		case f.Problem == "":
			d.add(f.Name, checkOK, f.Have, "")
		case f.Works:
			d.add(f.Name, checkWarning, f.Problem, f.Fix)
		default:
			d.add(f.Name, checkError, f.Problem, f.Fix)
		}
	}
	return nil
}

// examinePlatforms looks whether all platforms of the definitions can be built, of
// which one is asked for; "" for all.
func (d *diagnosis) examinePlatforms(ctx context.Context, e *engine.Engine, platforms []string, asked string) {
	known, err := e.Platforms(ctx)
	if err != nil {
		d.add("platforms", checkError, err.Error(), "look at the builder: docker buildx inspect --bootstrap")
		return
	}
	for _, p := range platforms {
		_, arch, _ := strings.Cut(p, "/")
		arch, _, _ = strings.Cut(arch, "/")
		switch {
		case slices.ContainsFunc(known, func(k string) bool { return platform.Fits(p, k) }):
			// what it says of variants is the least that it knows
			d.add(p, checkOK, "it can be built", "")
		case !platform.Runs(p):
			d.add(p, checkWarning, "images of it are built as far as they have no RUN: BuildKit runs on Linux",
				"build it on a BuildKit of that system, or copy files only")
		case len(known) == 0:
			d.add(p, checkWarning, "unknown: the builder does not run yet", "docker buildx inspect --bootstrap")
		default:
			state := checkWarning
			if asked == p || asked == "" {
				state = checkError
			}
			d.add(p, state, "neither native nor emulated", fmt.Sprintf("apt-get install qemu-user-static binfmt-support, or docker run --privileged --rm tonistiigi/binfmt --install %s, and start BuildKit again; or add a node of that platform to the builder", arch))
		}
	}
}

// examineRegistry looks for credentials. Whether they are right, and whether
// they are needed, only the registry knows.
func (d *diagnosis) examineRegistry(e *engine.Engine, registry string) {
	if registry == "" {
		d.add("registry", checkWarning, "REGISTRY is empty: images have bare names, and cannot be pushed", "set REGISTRY, or registry in runbake.hcl")
		return
	}
	named, err := reference.ParseNormalizedNamed(registry + "/x")
	if err != nil {
		d.add("registry", checkError, err.Error(), "set REGISTRY")
		return
	}
	host := reference.Domain(named)
	has, err := e.HasCredentials(host)
	switch {
	case err != nil:
		d.add("registry", checkWarning, err.Error(), "look at credHelpers and credsStore in Docker's config.json")
	case has:
		d.add("registry", checkOK, "there are credentials for "+host, "")
	default:
		d.add("registry", checkWarning, "there are no credentials for "+host+": only a registry that needs none takes images", "docker login "+host+", or auths in $DOCKER_CONFIG/config.json")
	}
}

func writeDiagnosisJSON(w io.Writer, d *diagnosis) error {
	return envelope.Encode(w, struct {
		envelope.Envelope[check]

		Builder *chosen `json:"builder,omitempty"`
	}{envelope.New("doctor", d.Checks), d.Builder})
}

func writeDiagnosis(w io.Writer, d *diagnosis) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CHECK\tSTATE\tWHAT")
	var fixes strings.Builder
	for _, c := range d.Checks {
		fmt.Fprintf(t, "%s\t%s\t%s\n", c.Name, c.State, strings.ReplaceAll(c.What, "\n", " "))
		if c.Fix != "" {
			fmt.Fprintf(&fixes, "%s: %s\n", c.Name, c.Fix)
		}
	}
	if err := t.Flush(); err != nil || fixes.Len() == 0 {
		return err
	}
	_, err := io.WriteString(w, "\n"+fixes.String())
	return err
}
