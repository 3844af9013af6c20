package testrun

import (
	"cmp"
	"context"
	"path"
	"path/filepath"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/conformance/probe"
)

// Functions that a server can have.
const (
	Fixture   = "fixture"
	Behaviour = "behaviour"
)

// Server is one that somebody else has started.
type Server struct {
	URL, Key string
	Path     string // folder of the function, as the server sees it; "" for that of the repository
	Function string // which one is there; "" for both of an interpreted runtime, else for the fixture
}

// Ask asks a server of a version; dir is the folder of the repository.
func (s Server) Ask(ctx context.Context, v *catalogue.Version, dir string) (conformance.Run, error) {
	compiled := v.Runtime.Kind == catalogue.Compiled
	deployed := func(file, role string) (probe.Deployed, error) {
		if file == "" || s.Function != "" && s.Function != role || s.Function == "" && compiled && role != Fixture {
			return probe.Deployed{}, nil
		}
		folder, err := filepath.Abs(filepath.Join(dir, filepath.FromSlash(path.Dir(file))))
		return probe.Deployed{Path: cmp.Or(s.Path, folder), Entrypoint: path.Base(file)}, err
	}
	fixture, err := deployed(path.Join(v.Runtime.Fixture, v.Runtime.Entrypoint), Fixture)
	if err != nil {
		return conformance.Run{}, err
	}
	behaviour, err := deployed(v.Runtime.Behaviour, Behaviour)
	if err != nil {
		return conformance.Run{}, err
	}
	report, err := probe.Ask(ctx, probe.AskOptions{
		URL: s.URL, Key: s.Key, Compiled: compiled, Fixture: fixture, Behaviour: behaviour, Limits: probe.DefaultLimits(),
	})
	run := conformance.Run{ID: v.ID, Platform: s.URL, Report: report}
	if err != nil {
		run.Error = err.Error()
	}
	return run, nil
}
