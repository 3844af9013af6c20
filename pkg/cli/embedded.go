package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/engine/embedded"
)

// Variables of the environment for the embedded BuildKit.
const (
	envConfig = "RUNBAKE_BUILDKITD_CONFIG"
	envIdle   = "RUNBAKE_BUILDKIT_IDLE"
)

// embeddedOptions say what the embedded BuildKit is like; config is what a flag
// says of it.
func (a *app) embeddedOptions(config string) (embedded.Options, error) {
	o := embedded.Options{Config: config, Idle: embedded.DefaultIdle, Version: buildkitVersion()}
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
	return o, errors.Join(errs[:]...)
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

// buildkitVersion is the version of BuildKit that this program was built with.
func buildkitVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/moby/buildkit" && m.Replace == nil {
			return m.Version
		}
	}
	return ""
}

// newWatch is the process that the embedded BuildKit runs under. Users do not
// start it.
func newWatch() *cobra.Command {
	var o embedded.Options
	cmd := &cobra.Command{
		Use:    embedded.Command,
		Short:  "Run the embedded BuildKit until nobody uses it",
		Hidden: true,
		Args:   cobra.NoArgs,
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
