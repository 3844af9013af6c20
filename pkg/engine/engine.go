// Package engine builds targets of an emitted docker-bake.hcl: read by bake's
// own parser, built by buildx's own library on whatever BuildKit there is.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/docker/buildx/builder"
	"github.com/docker/buildx/driver"
	_ "github.com/docker/buildx/driver/docker"           // builders of this kind
	_ "github.com/docker/buildx/driver/docker-container" // builders of this kind
	_ "github.com/docker/buildx/driver/kubernetes"       // builders of this kind
	_ "github.com/docker/buildx/driver/remote"           // builders of this kind
	"github.com/docker/buildx/store"
	"github.com/docker/buildx/util/dockerutil/dockerconfig"
	"github.com/docker/buildx/util/imagetools"
	"github.com/docker/buildx/util/platformutil"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/flags"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto" // BuildKit's messages are encoded faster by it
	"github.com/moby/moby/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Embedded is the address that asks for the BuildKit which runbake starts
// itself, although there may be others.
const Embedded = "embedded"

// Options say where to build, and how it is shown.
type Options struct {
	Builder  string    // name of a buildx builder; "" for the current one
	Addr     string    // address of a BuildKit, or [Embedded]; "" for none. Builder wins
	Start    Start     // starts the embedded BuildKit where nothing else answers; nil for never
	Progress io.Writer // where BuildKit's progress is shown; nil for nowhere
	Display  string    // auto, plain, tty or quiet
	Jobs     int       // how many targets may run steps at a time; 0 for any number

	Silence time.Duration // how long registries may say nothing; 0 for [DefaultSilence]
}

// Start brings up a BuildKit that lasts until release is called, or longer.
type Start func(ctx context.Context) (addr string, release func() error, err error)

// Kind is the sort of place that was chosen.
type Kind string

// The kinds, in the order in which they are considered.
const (
	KindBuilder  Kind = "builder"  // a buildx builder that was named
	KindAddr     Kind = "addr"     // a BuildKit that was named by its address
	KindCurrent  Kind = "current"  // the current buildx builder
	KindEmbedded Kind = "embedded" // what runbake starts itself
)

// Engine is a place to build.
type Engine struct {
	options Options
	cli     *command.DockerCli
	nodes   []builder.Node
	release func() error

	// Kind, Name and Why say for people what was chosen; Other is why no
	// builder of buildx was, if there was none that answers.
	Kind  Kind
	Name  string
	Why   string
	Other error
}

// Open finds the place to build: the builder that is named; else the address;
// else the current builder, if it answers; else the embedded BuildKit. Whether
// a named builder answers is found out when it is needed: it may have to be
// started.
func Open(ctx context.Context, o Options) (*Engine, error) {
	cli, err := dockerCLI()
	if err != nil {
		return nil, err
	}
	if err := quiet(); err != nil {
		return nil, err
	}
	e := &Engine{options: o, cli: cli, release: func() error { return nil }}
	if err := e.choose(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// choose follows the order of [Open].
func (e *Engine) choose(ctx context.Context) error {
	o := e.options
	switch {
	case o.Builder != "":
		e.Kind, e.Why = KindBuilder, "it was named"
		return e.openBuilder(ctx)
	case o.Addr == Embedded && o.Start != nil:
		e.Why = "it was asked for"
		return e.openEmbedded(ctx)
	case o.Addr != "":
		e.Kind, e.Name, e.Why = KindAddr, "BuildKit at "+o.Addr, "its address was given"
		if err := e.openAddr(ctx, o.Addr); err != nil {
			return err
		}
		return e.answers(ctx)
	}
	e.Kind, e.Why = KindCurrent, "it is the current builder of buildx, and answers"
	err := e.openBuilder(ctx)
	if err == nil {
		err = e.answers(ctx)
	}
	if err != nil && o.Start != nil {
		e.Why, e.Other = "no builder of buildx answers", err
		return e.openEmbedded(ctx)
	}
	return err
}

// Close lets go of the place. A BuildKit that was started may stay for others.
func (e *Engine) Close() error { return e.release() }

// dockerCLI has the configuration of Docker: contexts, credentials, builders.
func dockerCLI() (*command.DockerCli, error) {
	cli, err := command.NewDockerCli(command.WithCombinedStreams(io.Discard))
	if err == nil {
		err = cli.Initialize(flags.NewClientOptions())
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of Docker: %w", err)
	}
	return cli, nil
}

// openBuilder takes the nodes of a builder of buildx.
func (e *Engine) openBuilder(ctx context.Context) error {
	b, err := builder.New(e.cli, builder.WithName(e.options.Builder))
	if err != nil {
		return fmt.Errorf("finding the builder: %w", err)
	}
	if e.nodes, err = b.LoadNodes(ctx); err != nil {
		return fmt.Errorf("finding the nodes of builder %s: %w", b.Name, err)
	}
	e.Name = fmt.Sprintf("builder %s (%s)", b.Name, b.Driver)
	return nil
}

// builderConfig is what buildx calls a node's buildkitd.toml.
const builderConfig = "buildkitd.toml"

// Config is the buildkitd.toml that the builder was made with; nil if it has none.
func (e *Engine) Config() []byte {
	for _, node := range e.nodes {
		if text, found := node.Files[builderConfig]; found {
			return text
		}
	}
	return nil
}

// BuilderConfig is [Engine.Config] of a builder that is not asked for anything
// else; "" is the current one. It is nil if there is no such builder.
func BuilderConfig(name string) []byte {
	cli, err := dockerCLI()
	if err != nil {
		return nil
	}
	b, err := builder.New(cli, builder.WithName(name))
	if err != nil || b.NodeGroup == nil {
		return nil
	}
	for _, node := range b.NodeGroup.Nodes {
		if text, found := node.Files[builderConfig]; found {
			return text
		}
	}
	return nil
}

// openEmbedded starts the embedded BuildKit, or joins the one that runs.
func (e *Engine) openEmbedded(ctx context.Context) error {
	addr, release, err := e.options.Start(ctx)
	if err != nil {
		return fmt.Errorf("%s, and the embedded BuildKit does not start: %w", e.Why, err)
	}
	e.Kind, e.Name, e.release = KindEmbedded, "the embedded BuildKit", release
	return e.openAddr(ctx, addr)
}

// openAddr makes the one node of a BuildKit that is named by its address.
func (e *Engine) openAddr(ctx context.Context, addr string) error {
	factory, err := driver.GetFactory("remote", true)
	if err != nil {
		return err
	}
	auth := dockerconfig.LoadAuthConfig(e.cli)
	d, err := driver.GetDriver(ctx, factory, driver.InitConfig{
		Name: "runbake", EndpointAddr: addr, ContextStore: e.cli.ContextStore(), Auth: auth,
	})
	if err != nil {
		return fmt.Errorf("connecting to BuildKit at %s: %w", addr, err)
	}
	e.nodes = []builder.Node{{
		Node: store.Node{Name: "runbake", Endpoint: addr}, Builder: "runbake", Driver: d, ImageOpt: imagetools.Opt{Auth: auth},
	}}
	return nil
}

// answerTimeout is how long a node may take to answer.
const answerTimeout = 5 * time.Second

// answers reports why no node can be built on; nil if one can. A container
// that is stopped can: it is started when it is needed.
func (e *Engine) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	err := errors.New("it has no nodes")
	for _, node := range e.nodes {
		if node.Err != nil {
			err = node.Err
			continue
		}
		info, failed := node.Driver.Info(ctx)
		switch {
		case failed != nil:
			err = failed
		case info.Status != driver.Running && node.Driver.Factory().Name() == "remote":
			err = fmt.Errorf("nothing answers at %s", node.Endpoint)
		default:
			return nil
		}
	}
	return err
}

// Platforms are those that the nodes say they can build, emulated ones among
// them. Nodes that are stopped are not started: they say nothing.
func (e *Engine) Platforms(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var all []string
	for _, node := range e.nodes {
		if node.Err != nil {
			return nil, fmt.Errorf("node %s: %w", node.Name, node.Err)
		}
		known := node.Platforms
		info, err := node.Driver.Info(ctx)
		if err == nil && info.Status == driver.Running && len(known) == 0 {
			known, err = workerPlatforms(ctx, node)
		}
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", node.Name, err)
		}
		all = append(all, platformutil.Format(known)...)
	}
	return all, nil
}

// workerPlatforms asks a node that runs.
func workerPlatforms(ctx context.Context, node builder.Node) ([]ocispecs.Platform, error) {
	c, err := node.Driver.Client(ctx)
	if err != nil {
		return nil, err
	}
	workers, err := c.ListWorkers(ctx)
	var all []ocispecs.Platform
	for _, w := range workers {
		all = append(all, w.Platforms...)
	}
	return all, err
}

// HasCredentials reports whether Docker's configuration has some for a
// registry.
func (e *Engine) HasCredentials(host string) (bool, error) {
	if host == "docker.io" {
		host = "https://index.docker.io/v1/"
	}
	auth, err := e.cli.ConfigFile().GetAuthConfig(host)
	if err != nil {
		return false, fmt.Errorf("asking for the credentials of %s: %w", host, err)
	}
	return auth.Username != "" || auth.IdentityToken != "" || auth.RegistryToken != "", nil
}

// DockerAnswers reports whether there is a Docker to load images into.
func (e *Engine) DockerAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	_, err := e.cli.Client().Ping(ctx, client.PingOptions{})
	return err == nil
}
