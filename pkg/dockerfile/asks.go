package dockerfile

import (
	"path"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// Ask is what a RUN wants of whoever builds, besides files and images.
type Ask struct {
	Kind     AskKind
	ID       string // of the secret or agent, or the entitlement
	Required bool   // the build fails without
	Range    hcl.Range
}

// AskKind is a kind of what a RUN wants.
type AskKind string

// Kinds of what a RUN wants.
const (
	AskSecret      AskKind = "secret"
	AskSSH         AskKind = "ssh"
	AskEntitlement AskKind = "entitlement"
)

// Asks lists what the RUNs want that a build of a stage ("" for the last one)
// reaches, over all the platforms, each once.
func (f *File) Asks(stage string, args map[string]string, targets []string) []Ask {
	var asks []Ask
	add := func(a Ask) {
		same := func(b Ask) bool { return a.Kind == b.Kind && a.ID == b.ID }
		if i := slices.IndexFunc(asks, same); i < 0 {
			asks = append(asks, a)
		} else if a.Required && !asks[i].Required {
			asks[i] = a
		}
	}
	if !f.dependsOnPlatform() && len(targets) > 1 {
		targets = targets[:1]
	}
	for _, target := range targets {
		w := f.walk(args, target)
		start, ok := w.find(stage)
		if !ok {
			return nil
		}
		w.stage(start, true)
		for i := range f.stages {
			for _, cmd := range w.commands[i] {
				if run, ok := cmd.(*instructions.RunCommand); ok && w.done[i] {
					f.asksOf(run, add)
				}
			}
		}
	}
	return asks
}

// asksOf adds what one RUN wants. What has variables is not known.
func (f *File) asksOf(run *instructions.RunCommand, add func(Ask)) {
	_ = run.Expand(func(word string) (string, error) { return word, nil }) // reads the flags; nothing is expanded
	at := f.place(run.Location())
	for _, m := range instructions.GetMounts(run) {
		id := m.CacheID
		switch m.Type {
		case instructions.MountTypeSecret:
			if id == "" {
				id = path.Base(m.Target)
			}
			add(Ask{AskSecret, id, m.Required, at})
		case instructions.MountTypeSSH:
			if id == "" {
				id = "default"
			}
			add(Ask{AskSSH, id, m.Required, at})
		}
	}
	if instructions.GetNetwork(run) == instructions.NetworkHost {
		add(Ask{AskEntitlement, "network.host", true, at})
	}
	if instructions.GetSecurity(run) == instructions.SecurityInsecure {
		add(Ask{AskEntitlement, "security.insecure", true, at})
	}
}
