package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/engine/embedded"
	"github.com/runbake/runbake/pkg/registry"
	"github.com/runbake/runbake/pkg/repofs"
)

// builderClient speaks to registries as the BuildKit does that builds: what one
// reaches without TLS, or with certificates of its own, the other does too.
func (a *app) builderClient(e *engine.Engine, o builderOptions) (*registry.Client, error) {
	hosts, err := a.hosts(e.Config(), o.config)
	if err != nil {
		return nil, err
	}
	return registry.New(registry.Options{Retry: registry.Retry{Timeout: e.AnswerTimeout()}, Hosts: hosts})
}

// client speaks to registries for commands that do not build, as the current
// builder would.
func (a *app) client(o registry.Options) (*registry.Client, error) {
	name, _ := a.env.LookupEnv("BUILDX_BUILDER")
	hosts, err := a.hosts(engine.BuilderConfig(name), "")
	if err != nil {
		return nil, err
	}
	o.Hosts = hosts
	return registry.New(o)
}

// hosts reads how registries are reached from the configuration of a builder,
// else from the file that was given or that the environment names, else from
// that of the system.
func (a *app) hosts(builder []byte, given string) (*registry.Hosts, error) {
	where, text := "the builder's buildkitd.toml", builder
	if text == nil {
		named, _ := a.env.LookupEnv(envConfig)
		named = cmp.Or(given, named)
		where = cmp.Or(named, embedded.SystemConfig)
		var err error
		if text, err = repofs.ReadFile(where); errors.Is(err, fs.ErrNotExist) && named == "" {
			return &registry.Hosts{}, nil // nothing is said of any registry
		} else if err != nil {
			return nil, err
		}
	}
	hosts, err := registry.ParseHosts(text)
	if err != nil {
		return nil, fmt.Errorf("reading registries from %s: %w", where, err)
	}
	return hosts, nil
}
