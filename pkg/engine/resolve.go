package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/distribution/reference"
	"github.com/docker/buildx/driver"
	"github.com/docker/buildx/util/dockerutil/dockerconfig"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/solver/pb"
	"golang.org/x/sync/errgroup"
)

// resolving is how many images are asked for at a time.
const resolving = 8

// Digests asks BuildKit which images some references stand for now: it answers
// what a build would take, by the same mirrors and credentials. What it cannot
// find out is in the errors, by reference; the last error is for what keeps it
// from asking at all.
func (e *Engine) Digests(ctx context.Context, refs []string) (map[string]string, map[string]error, error) {
	found, failed := map[string]string{}, map[string]error{}
	if len(refs) == 0 {
		return found, failed, nil
	}
	var mu sync.Mutex
	ask := func(ctx context.Context, g gateway.Client) (*gateway.Result, error) {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(resolving)
		for _, ref := range refs {
			group.Go(func() error {
				digest, err := e.resolve(ctx, g, ref)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed[ref] = err
				} else {
					found[ref] = digest
				}
				return nil
			})
		}
		return gateway.NewResult(), group.Wait()
	}
	if err := e.withGateway(ctx, ask); err != nil {
		return nil, nil, err
	}
	return found, failed, nil
}

// withGateway asks BuildKit something about base images, with the user's
// credentials.
func (e *Engine) withGateway(ctx context.Context, ask gateway.BuildFunc) error {
	c, err := e.boot(ctx)
	if err != nil {
		return err
	}
	auth := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: dockerconfig.LoadAuthConfig(e.cli)})
	if _, err := c.Build(ctx, client.SolveOpt{Session: []session.Attachable{auth}}, "runbake", ask, nil); err != nil {
		return fmt.Errorf("asking %s for base images: %w", e.Name, err)
	}
	return nil
}

// resolve asks for one image, as Dockerfiles name it.
func (e *Engine) resolve(ctx context.Context, g gateway.Client, ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	ctx, cancel := e.askFor(ctx)
	defer cancel()
	_, digest, _, err := g.ResolveImageConfig(ctx, reference.TagNameOnly(named).String(), sourceresolver.Opt{
		LogName:  "resolving " + ref,
		ImageOpt: &sourceresolver.ResolveImageOpt{ResolveMode: pb.AttrImageResolveModeDefault},
	})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = context.Cause(ctx)
	}
	return digest.String(), err
}

// boot is a connection to the first node that answers.
func (e *Engine) boot(ctx context.Context) (*client.Client, error) {
	err := errors.New("it has no nodes")
	for _, node := range e.nodes {
		if err = node.Err; err != nil {
			continue
		}
		var c *client.Client
		if c, err = driver.Boot(ctx, ctx, node.Driver, nil); err == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", e.Name, err)
}
