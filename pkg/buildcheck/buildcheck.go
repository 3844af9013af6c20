// Package buildcheck runs BuildKit's own checks of Dockerfiles, those of docker
// build --check, without BuildKit and without a network: base images are taken
// to exist and to have no environment of their own.
package buildcheck

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/runbake/runbake/pkg/diag"
)

// Options say which build of a Dockerfile is checked.
type Options struct {
	Stage    string // "" for all
	Args     map[string]string
	Platform string
}

// Finding is what a check has found.
type Finding struct {
	Rule        string
	Description string
	URL         string
	Detail      string
	First, Last int // lines; 0 for the whole file
}

// Check returns what BuildKit's checks say of a Dockerfile, in the order in
// which they say it. err is what keeps BuildKit from building it at all.
func Check(ctx context.Context, src []byte, o Options) (findings []Finding, err *Finding) {
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", src)
	source.Definition = &llb.Definition{} // the source is given, not taken from a build
	opt := dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{BuildArgs: o.Args, Target: o.Stage},
		MetaResolver: resolver{},
		SourceMap:    source,
	}
	if p, err := platforms.Parse(o.Platform); err == nil {
		opt.TargetPlatform = &p
		opt.TargetPlatforms = []ocispecs.Platform{p}
		opt.BuildPlatforms = []ocispecs.Platform{p}
	}
	results, failure := dockerfile2llb.DockerfileLint(ctx, src, opt)
	if failure != nil {
		return nil, &Finding{Detail: failure.Error()}
	}
	for _, w := range results.Warnings {
		if w.RuleName == linter.RuleUndefinedVar.Name && !misspelt(w.Detail, src) {
			continue // the base image may set it
		}
		first, last := lines(w.Location)
		findings = append(findings, Finding{w.RuleName, w.Description, w.URL, w.Detail, first, last})
	}
	if results.Error != nil {
		first, last := lines(&results.Error.Location)
		return findings, &Finding{Detail: results.Error.Message, First: first, Last: last}
	}
	return findings, nil
}

var (
	suggestion  = regexp.MustCompile(`did you mean \$(\w+)\?`)
	declaration = regexp.MustCompile(`(?im)^\s*(?:ARG|ENV)\s.*$`)
)

// misspelt reports whether an undefined variable is one letter away from one
// that the Dockerfile declares.
func misspelt(detail string, src []byte) bool {
	meant := suggestion.FindStringSubmatch(detail)
	if meant == nil {
		return false
	}
	return slices.ContainsFunc(declaration.FindAllString(string(src), -1), func(line string) bool {
		return slices.Contains(strings.FieldsFunc(line,
			func(r rune) bool { return r == ' ' || r == '=' || r == '\t' || r == '\r' }), meant[1])
	})
}

func lines(at *pb.Location) (first, last int) {
	if at == nil || len(at.Ranges) == 0 {
		return 0, 0
	}
	return int(at.Ranges[0].Start.Line), int(at.Ranges[len(at.Ranges)-1].End.Line)
}

// resolver stands in for registries.
type resolver struct{}

// ResolveImageConfig returns the configuration of an image that has the
// platform that is asked for, and nothing else of its own.
func (resolver) ResolveImageConfig(_ context.Context, ref string,
	opt sourceresolver.Opt,
) (string, digest.Digest, []byte, error) {
	image := ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"}}
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		image.Platform = *opt.ImageOpt.Platform
	}
	image.RootFS = ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromString(ref)}}
	config, err := json.Marshal(image)
	if err != nil {
		return "", "", nil, fmt.Errorf("the configuration of %s: %w", ref, err)
	}
	return ref, "", config, nil
}

// Rules lists the checks that can find something here: all that do not need
// the image, and are not experimental.
func Rules() []diag.Rule {
	return []diag.Rule{
		describe(&linter.RuleConsistentInstructionCasing), describe(&linter.RuleCopyIgnoredFile),
		describe(&linter.RuleDuplicateStageName), describe(&linter.RuleExposeInvalidFormat),
		describe(&linter.RuleExposeProtoCasing), describe(&linter.RuleFromAsCasing),
		describe(&linter.RuleFromPlatformFlagConstDisallowed), describe(&linter.RuleInvalidDefaultArgInFrom),
		describe(&linter.RuleJSONArgsRecommended), describe(&linter.RuleLegacyKeyValueFormat),
		describe(&linter.RuleMaintainerDeprecated), describe(&linter.RuleMultipleInstructionsDisallowed),
		describe(&linter.RuleNoEmptyContinuation), describe(&linter.RuleRedundantTargetPlatform),
		describe(&linter.RuleReservedStageName), describe(&linter.RuleSecretsUsedInArgOrEnv),
		describe(&linter.RuleStageNameCasing), describe(&linter.RuleUndefinedArgInFrom),
		describe(&linter.RuleUndefinedVar), describe(&linter.RuleWorkdirRelativePath),
	}
}

func describe[F any](r *linter.LinterRule[F]) diag.Rule {
	return diag.Rule{ID: r.Name, What: r.Description, URL: r.URL, Warning: true}
}
