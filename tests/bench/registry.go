package bench

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// registry is a running registry that takes everything from everybody.
type registry struct {
	addr string // host:port
}

const registryConfig = `version: 0.1
log:
  level: warn
storage:
  filesystem:
    rootdirectory: %s
  delete:
    enabled: true
http:
  addr: %s
`

func (b *Bench) startRegistry(ctx context.Context, name, storage string) (*registry, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	r := &registry{addr: fmt.Sprintf("127.0.0.1:%d", port)}
	config := filepath.Join(b.dir, name+".yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, registryConfig, storage, r.addr), 0o600); err != nil {
		return nil, err
	}
	_, err = b.spawn(ctx, name, r.ready, "docker-registry", "serve", config)
	return r, err
}

func (r *registry) ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.addr+"/v2/", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
