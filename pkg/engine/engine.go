// Package engine builds targets of an emitted docker-bake.hcl: read by bake's
// own parser, built by buildx's own library on whatever BuildKit there is.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	buildxbake "github.com/docker/buildx/bake"
	"github.com/docker/buildx/build"
	"github.com/docker/buildx/builder"
	"github.com/docker/buildx/driver"
	_ "github.com/docker/buildx/driver/docker"           // builders of this kind
	_ "github.com/docker/buildx/driver/docker-container" // builders of this kind
	_ "github.com/docker/buildx/driver/remote"           // builders of this kind
	"github.com/docker/buildx/store"
	"github.com/docker/buildx/util/confutil"
	"github.com/docker/buildx/util/dockerutil"
	"github.com/docker/buildx/util/dockerutil/dockerconfig"
	"github.com/docker/buildx/util/imagetools"
	"github.com/docker/buildx/util/progress"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/flags"
	"github.com/moby/buildkit/session/auth/authprovider"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto" // BuildKit's messages are encoded faster by it
	"github.com/moby/buildkit/util/progress/progressui"

	"github.com/runbake/runbake/bake"
)

// Options say where to build, and how it is shown.
type Options struct {
	Builder  string    // name of a buildx builder; "" for the current one
	Addr     string    // address of a BuildKit, which wins over builders; "" for none
	Progress io.Writer // where BuildKit's progress is shown; nil for nowhere
	Display  string    // auto, plain, tty or quiet
}

// Engine is a place to build.
type Engine struct {
	options Options
	cli     *command.DockerCli
	nodes   []builder.Node
	name    string // for people
}

// Open finds the place to build. It does not fail when that does not answer:
// the first build does.
func Open(ctx context.Context, o Options) (*Engine, error) {
	cli, err := command.NewDockerCli(command.WithCombinedStreams(io.Discard))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of Docker: %w", err)
	}
	if err := cli.Initialize(flags.NewClientOptions()); err != nil {
		return nil, fmt.Errorf("reading the configuration of Docker: %w", err)
	}
	e := &Engine{options: o, cli: cli}
	if o.Addr != "" {
		if err := e.openAddr(ctx); err != nil {
			return nil, err
		}
		return e, nil
	}
	b, err := builder.New(cli, builder.WithName(o.Builder))
	if err != nil {
		return nil, fmt.Errorf("finding the builder: %w", err)
	}
	if e.nodes, err = b.LoadNodes(ctx); err != nil {
		return nil, fmt.Errorf("finding the nodes of builder %s: %w", b.Name, err)
	}
	e.name = fmt.Sprintf("builder %s (%s)", b.Name, b.Driver)
	return e, nil
}

// openAddr makes the one node of a BuildKit that is named by its address.
func (e *Engine) openAddr(ctx context.Context) error {
	factory, err := driver.GetFactory("remote", true)
	if err != nil {
		return err
	}
	auth := dockerconfig.LoadAuthConfig(e.cli)
	d, err := driver.GetDriver(ctx, factory, driver.InitConfig{
		Name: "runbake", EndpointAddr: e.options.Addr, ContextStore: e.cli.ContextStore(), Auth: auth,
	})
	if err != nil {
		return fmt.Errorf("connecting to BuildKit at %s: %w", e.options.Addr, err)
	}
	e.name = "BuildKit at " + e.options.Addr
	e.nodes = []builder.Node{{
		Node: store.Node{Name: "runbake", Endpoint: e.options.Addr}, Builder: "runbake", Driver: d, ImageOpt: imagetools.Opt{Auth: auth},
	}}
	return nil
}

// Name says for people where it builds.
func (e *Engine) Name() string { return e.name }

// Request says what to build.
type Request struct {
	File      []byte   // the emitted file
	Dir       string   // folder that its paths are relative to
	Targets   []string // names of targets or groups
	Overrides []string // as bake's --set: <target>.<key>=<value>
	Vars      map[string]string
}

// Build builds targets in one run, in the order of what they need, and goes on
// when one fails. It returns the error of each asked target that failed; the
// error is for what keeps it from building at all.
func (e *Engine) Build(ctx context.Context, r Request) (map[string]error, error) {
	options, err := e.buildOptions(ctx, r)
	if err != nil {
		return nil, err
	}
	out := e.options.Progress
	if out == nil {
		out = io.Discard
	}
	printer, err := progress.NewPrinter(context.WithoutCancel(ctx), out, progressui.DisplayMode(e.options.Display), progress.WithDesc("building with "+e.name, e.name))
	if err != nil {
		return nil, err
	}
	failed, err := e.run(ctx, options, printer)
	return failed, errors.Join(err, printer.Wait())
}

// run builds, and collects what failed.
func (e *Engine) run(ctx context.Context, options map[string]build.Options, printer *progress.Printer) (map[string]error, error) {
	failed := map[string]error{}
	var mu sync.Mutex
	handler := &build.Handler{
		Completed: func(name string, result build.TargetResult) {
			mu.Lock()
			defer mu.Unlock()
			if result.Err != nil {
				failed[name] = result.Err
			}
		},
	}
	handler.Execution.Mode = build.ExecutionModeDeferError
	_, err := build.Build(ctx, e.nodes, options, dockerutil.NewClient(e.cli), confutil.NewConfig(e.cli), printer, handler)
	mu.Lock()
	defer mu.Unlock()
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if len(failed) > 0 {
		return failed, nil
	}
	return failed, err
}

// buildOptions reads the targets with bake's own parser.
func (e *Engine) buildOptions(ctx context.Context, r Request) (map[string]build.Options, error) {
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return nil, err
	}
	builtin := map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": platforms.Format(platforms.DefaultSpec())}
	files := []buildxbake.File{{Name: bake.FileName, Data: r.File}}
	entitlements := buildxbake.EntitlementConf{FSRead: []string{"*"}, FSWrite: []string{"*"}} // what the file names is checked by the catalogue
	targets, _, err := buildxbake.ReadTargets(ctx, files, r.Targets, r.Overrides, builtin, r.Vars, &entitlements)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		relocate(t, dir)
	}
	options, err := buildxbake.TargetsToBuildOpt(targets, &buildxbake.Input{})
	if err != nil {
		return nil, err
	}
	auth := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: dockerconfig.LoadAuthConfig(e.cli)})
	for name, o := range options {
		o.Session = append(o.Session, auth)
		options[name] = o
	}
	return options, nil
}

// relocate makes the paths of a target absolute: bake takes them from the
// working directory, which need not be the repository.
func relocate(t *buildxbake.Target, dir string) {
	if t.Context != nil && isFolder(*t.Context) {
		absolute := filepath.Join(dir, filepath.FromSlash(*t.Context))
		t.Context = &absolute
	}
	contexts := maps.Clone(t.Contexts)
	for name, value := range contexts {
		if isFolder(value) {
			contexts[name] = filepath.Join(dir, filepath.FromSlash(value))
		}
	}
	t.Contexts = contexts
}

// isFolder reports whether a context is a relative path, and neither an image
// nor another target nor something remote.
func isFolder(context string) bool {
	schemes := []string{"target:", "docker-image:", "oci-layout:", "input:"}
	return !filepath.IsAbs(context) && !strings.Contains(context, "://") &&
		!slices.ContainsFunc(schemes, func(s string) bool { return strings.HasPrefix(context, s) })
}
