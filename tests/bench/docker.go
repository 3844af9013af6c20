package bench

import (
	"context"
	"path/filepath"
)

// Docker is a running Docker daemon, without a network.
type Docker struct {
	Host string // unix:///…, for DOCKER_HOST
}

// StartDocker starts Debian's Docker with a root of its own.
func (b *Bench) StartDocker(ctx context.Context) (*Docker, error) {
	if err := b.install(ctx, "docker.io"); err != nil {
		return nil, err
	}
	dir, err := b.Dir("docker")
	if err != nil {
		return nil, err
	}
	d := &Docker{Host: "unix://" + filepath.Join(dir, "docker.sock")}
	b.onClose(func() error { return unmountBelow(dir) })
	_, err = b.spawn(ctx, "dockerd", func(ctx context.Context) error {
		_, err := d.Run(ctx, "version")
		return err
	}, "/usr/sbin/dockerd", "--host", d.Host, "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "docker.pid"), "--iptables=false", "--bridge=none")
	return d, err
}

// Run runs the docker client.
func (d *Docker) Run(ctx context.Context, args ...string) (string, error) {
	return run(ctx, nil, append([]string{"docker", "--host", d.Host}, args...)...)
}
