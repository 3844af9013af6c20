package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/pkg/platform"
)

// Lacking asks BuildKit which platforms images are not for although it would
// take them for these: one that is no index it takes for any. wanted are the
// platforms of each reference. The result says for each what it is. Images that
// BuildKit does not find are not in it: builds say that.
func (e *Engine) Lacking(ctx context.Context, wanted map[string][]string) (map[string]Mismatch, error) {
	found := map[string]Mismatch{}
	var mu sync.Mutex
	err := e.withGateway(ctx, func(ctx context.Context, g gateway.Client) (*gateway.Result, error) {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(resolving)
		for ref, names := range wanted {
			group.Go(func() error {
				var m Mismatch
				for _, name := range names {
					is, err := e.platformOf(ctx, g, ref, name)
					if err == nil && is != "" && !platform.Fits(is, name) {
						m.Is, m.Wanted = is, append(m.Wanted, name)
					}
				}
				if len(m.Wanted) > 0 {
					mu.Lock()
					defer mu.Unlock()
					found[ref] = m
				}
				return nil
			})
		}
		return gateway.NewResult(), group.Wait()
	})
	return found, err
}

// Mismatch is an image of one platform that is taken for others.
type Mismatch struct {
	Is     string
	Wanted []string
}

// platformOf is the platform of the image that BuildKit takes for another.
func (e *Engine) platformOf(ctx context.Context, g gateway.Client, ref, wanted string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	p, err := platforms.Parse(wanted)
	if err != nil {
		return "", err
	}
	ctx, cancel := e.askFor(ctx)
	defer cancel()
	_, _, config, err := g.ResolveImageConfig(ctx, reference.TagNameOnly(named).String(), sourceresolver.Opt{
		LogName:  fmt.Sprintf("looking for %s of %s", wanted, ref),
		ImageOpt: &sourceresolver.ResolveImageOpt{ResolveMode: pb.AttrImageResolveModeDefault, Platform: &p},
	})
	if err != nil {
		return "", err
	}
	return configPlatform(config), nil
}

// configPlatform is what the configuration of an image says that it is for; ""
// when it does not say.
func configPlatform(config []byte) string {
	var p ocispecs.Platform
	if err := json.Unmarshal(config, &p); err != nil || slices.Contains([]string{p.OS, p.Architecture}, "") {
		return ""
	}
	return platforms.Format(platforms.Normalize(ocispecs.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}))
}
