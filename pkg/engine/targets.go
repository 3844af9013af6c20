package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	buildxbake "github.com/docker/buildx/bake"
	"github.com/docker/buildx/build"
	"github.com/docker/buildx/util/confutil"
	"github.com/docker/buildx/util/dockerutil/dockerconfig"
	"github.com/moby/buildkit/session/auth/authprovider"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// Request says what to build.
type Request struct {
	File      []byte   // the emitted file
	Dir       string   // folder that its paths are relative to
	Targets   []string // names of targets or groups
	Overrides []string // as bake's --set: <target>.<key>=<value>
	Vars      map[string]string

	// Provenance is how much of a target's provenance its metadata has, as
	// BUILDX_METADATA_PROVENANCE says it: min, max or disabled; "" for none.
	// BuildKit takes its time to tell.
	Provenance string
}

// NoAttestations are overrides that take SBOM and provenance from all targets,
// those that others need among them: BuildKit would scan these, too.
func NoAttestations() []string {
	return []string{"*.attest=type=provenance,disabled=true", "*.attest=type=sbom,disabled=true"}
}

// Print is what buildx bake --print says of a request.
func Print(ctx context.Context, r Request) ([]byte, error) {
	targets, groups, err := readTargets(ctx, r)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(struct {
		Group  map[string]*buildxbake.Group  `json:"group,omitempty"`
		Target map[string]*buildxbake.Target `json:"target"`
	}{groups, targets}, "", "  ")
	return append(text, '\n'), err
}

// readTargets reads the targets with bake's own parser.
func readTargets(ctx context.Context, r Request) (map[string]*buildxbake.Target, map[string]*buildxbake.Group, error) {
	builtin := map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": platforms.Format(platforms.DefaultSpec())}
	files := []buildxbake.File{{Name: bake.FileName, Data: r.File}}
	entitlements := buildxbake.EntitlementConf{FSRead: []string{"*"}, FSWrite: []string{"*"}} // what the file names is checked by the catalogue
	if err := budget.DotEnv(); err != nil {
		return nil, nil, err
	}
	return buildxbake.ReadTargets(ctx, files, slices.Clone(r.Targets), r.Overrides, builtin, r.Vars, &entitlements)
}

// buildOptions are the targets of a request, and those that they need, as
// buildx's library takes them.
func (e *Engine) buildOptions(ctx context.Context, r Request) (map[string]build.Options, error) {
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return nil, err
	}
	targets, _, err := readTargets(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		relocate(t, dir)
	}
	// buildx itself reads them from the environment of the process.
	if err := secretsSet(targets, os.LookupEnv); err != nil { //nolint:forbidigo // as buildx does
		return nil, err
	}
	options, err := buildxbake.TargetsToBuildOpt(targets, &buildxbake.Input{})
	if err != nil {
		return nil, err
	}
	auth := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: dockerconfig.LoadAuthConfig(e.cli)})
	provenance := confutil.ParseMetadataProvenance(cmp.Or(r.Provenance, string(confutil.MetadataProvenanceModeDisabled)))
	for name, o := range options {
		o.Session = append(o.Session, auth)
		o.ProvenanceResponseMode = provenance
		options[name] = o
	}
	return options, nil
}

// secretsSet names the secrets whose variables are not set: BuildKit would give
// steps an empty one.
func secretsSet(targets map[string]*buildxbake.Target, env func(string) (string, bool)) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		for _, s := range targets[name].Secrets {
			if _, set := env(s.Env); s.Env != "" && !set {
				errs = append(errs, fmt.Errorf("%s needs the secret %q from the variable %s, which is not set", name, s.ID, s.Env))
			}
		}
	}
	return errors.Join(errs...)
}

// relocate makes the paths of a target, those of secrets and keys too, absolute: bake takes them from the
// working directory, which need not be the repository.
func relocate(t *buildxbake.Target, dir string) {
	if t.Context != nil {
		context := contextIn(dir, *t.Context)
		t.Context = &context
	}
	contexts := maps.Clone(t.Contexts)
	for name, value := range contexts {
		contexts[name] = contextIn(dir, value)
	}
	t.Contexts = contexts
	absolute := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, filepath.FromSlash(name))
	}
	for i, s := range t.Secrets {
		moved := *s
		moved.FilePath = absolute(s.FilePath)
		t.Secrets[i] = &moved
	}
	for i, s := range t.SSH {
		moved := *s
		moved.Paths = make([]string, len(s.Paths))
		for n, name := range s.Paths {
			moved.Paths[n] = absolute(name)
		}
		t.SSH[i] = &moved
	}
}

// contextIn is a context with an absolute path, if it has one.
func contextIn(dir, context string) string {
	join := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	layout, isLayout := strings.CutPrefix(context, dockerfile.LayoutScheme)
	switch {
	case isLayout && !filepath.IsAbs(layout):
		return dockerfile.LayoutScheme + join(layout)
	case dockerfile.KindOf(context) != dockerfile.FolderContext, filepath.IsAbs(context),
		strings.Contains(context, "://"), strings.HasPrefix(context, "input:"):
		return context
	}
	return join(context)
}
