package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/engine/embedded"
	"github.com/runbake/runbake/pkg/platform"
	"github.com/runbake/runbake/pkg/registry"
)

// Variables of the environment for the embedded BuildKit.
const (
	envConfig = "RUNBAKE_BUILDKITD_CONFIG"
	envIdle   = "RUNBAKE_BUILDKIT_IDLE"
	envImage  = "RUNBAKE_BUILDKIT_IMAGE"
)

// embeddedOptions say what the embedded BuildKit is like; config is what a flag
// says of it.
func (a *app) embeddedOptions(config string) (embedded.Options, error) {
	o := embedded.Options{Config: config, Idle: embedded.DefaultIdle, Version: versionsOf(a.env.Build).BuildKit}
	o.Log = a.log
	if config, found := a.env.LookupEnv(envConfig); found && o.Config == "" {
		o.Config = config
	}
	var errs [3]error
	if idle, found := a.env.LookupEnv(envIdle); found {
		if o.Idle, errs[0] = time.ParseDuration(idle); errs[0] != nil || o.Idle <= 0 {
			errs[0] = fmt.Errorf("%s=%q: it is a time such as 5m", envIdle, idle)
		}
	}
	o.Self, errs[1] = os.Executable()
	o.State, errs[2] = a.stateFolder()
	if named, _ := a.env.LookupEnv(envImage); named != "" {
		o.Image = named
	} else if o.Version != "" {
		o.Image = buildkitImage + ":" + o.Version
		if os.Geteuid() > 0 {
			o.Image += "-rootless" // it has rootlesskit
		}
	}
	if o.Image != "" {
		o.Files = func(ctx context.Context, take func(string, io.Reader) error) (string, error) {
			return a.imageFiles(ctx, o.Image, o.Config, take)
		}
	}
	return o, errors.Join(errs[:]...)
}

// buildkitImage is BuildKit's own, which has a tag for each version.
const buildkitImage = "docker.io/moby/buildkit"

// imageFiles hands over the files of an image for this machine.
func (a *app) imageFiles(ctx context.Context, image, config string, take func(string, io.Reader) error) (digest string, err error) {
	hosts, err := a.hosts(nil, config)
	if err != nil {
		return "", err
	}
	client, err := registry.New(registry.Options{Hosts: hosts, Mirrors: true})
	if err != nil {
		return "", err
	}
	return client.Files(ctx, image, platform.Host(), take)
}

// stateFolder is where runbake keeps what it can make again.
func (a *app) stateFolder() (string, error) {
	if dir, found := a.env.LookupEnv("XDG_STATE_HOME"); found && filepath.IsAbs(dir) {
		return filepath.Join(dir, "runbake"), nil
	}
	home, found := a.env.LookupEnv("HOME")
	if !found || !filepath.IsAbs(home) {
		return "", errors.New("there is no folder for the state of the embedded BuildKit: neither XDG_STATE_HOME nor HOME is set")
	}
	return filepath.Join(home, ".local", "state", "runbake"), nil
}

// startEmbedded starts the embedded BuildKit when it is needed.
func (a *app) startEmbedded(config string) engine.Start {
	return func(ctx context.Context) (string, func() error, error) {
		o, err := a.embeddedOptions(config)
		if err != nil {
			return "", nil, err
		}
		release, err := embedded.Start(ctx, o)
		return o.Addr(), release, err
	}
}

// errFirstBuild keeps the embedded BuildKit from being started where its programs
// would have to be fetched or compiled first.
var errFirstBuild = errors.New("it starts with the first build")

// startReady starts the embedded BuildKit if all of it is there.
func (a *app) startReady(config string) engine.Start {
	return func(ctx context.Context) (string, func() error, error) {
		o, err := a.embeddedOptions(config)
		if err != nil {
			return "", nil, err
		}
		blocks := func(f embedded.Finding) bool { return f.Problem != "" && !f.Works }
		if !o.Ready() && !slices.ContainsFunc(embedded.Check(o), blocks) {
			return "", nil, errFirstBuild
		}
		return a.startEmbedded(config)(ctx)
	}
}

// newWatch is the process that the embedded BuildKit runs under. Users do not
// start it.
func newWatch() *cobra.Command {
	var o embedded.Options
	cmd := &cobra.Command{
		Use:    embedded.Command,
		Short:  "Run the embedded BuildKit until nobody uses it",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := embedded.Watch(cmd.Context(), o); err != nil {
				return &exitError{exitFailed, err.Error()}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&o.State, "state", "", "folder of everything that it writes")
	cmd.Flags().DurationVar(&o.Idle, "idle", embedded.DefaultIdle, "how long it stays without a user")
	if err := errors.Join(cmd.MarkFlagRequired("state"), cmd.MarkFlagDirname("state")); err != nil {
		panic(err) // the flag was defined above
	}
	return cmd
}
