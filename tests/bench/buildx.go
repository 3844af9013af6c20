package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Buildx runs buildx as a user would, with configuration of its own.
type Buildx struct {
	program string
	config  string
	builder string // "" for the default of buildx
}

// Node is one BuildKit of a builder.
type Node struct {
	Addr      string
	Platforms []string // nil for all that it can build
}

// NewBuildx prepares buildx with one builder, of one node or several.
func (b *Bench) NewBuildx(ctx context.Context, nodes ...Node) (*Buildx, error) {
	config, err := b.Dir("buildx-config")
	if err != nil {
		return nil, err
	}
	x := &Buildx{program: b.Tool("buildx"), config: config}
	for i, n := range nodes {
		args := []string{"create", "--name", builder, "--driver", "remote", "--node", fmt.Sprintf("node%d", i)}
		if i > 0 {
			args = append(args, "--append")
		}
		if len(n.Platforms) > 0 {
			args = append(args, "--platform", strings.Join(n.Platforms, ","))
		}
		if _, err := x.Run(ctx, b.dir, nil, append(args, n.Addr)...); err != nil {
			return nil, err
		}
	}
	if len(nodes) > 0 {
		x.builder = builder
	}
	return x, nil
}

const builder = "bench"

// WithProgram is the same configuration used by another buildx.
func (x *Buildx) WithProgram(path string) *Buildx {
	return &Buildx{program: path, config: x.config, builder: x.builder}
}

// Env is what other programs need to use the same builder.
func (x *Buildx) Env() []string {
	return []string{"BUILDX_CONFIG=" + x.config, "DOCKER_CONFIG=" + x.config, "BUILDX_BUILDER=" + x.builder}
}

// Run runs buildx in a folder, with variables added to a clean environment. It
// returns stdout; the error has stderr.
func (x *Buildx) Run(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	out, _, err := x.RunBoth(ctx, dir, env, args...)
	return out, err
}

// RunBoth is Run that returns stderr too, where buildx shows its progress.
func (x *Buildx) RunBoth(ctx context.Context, dir string, env []string, args ...string) (stdout, stderr string, err error) {
	cmd := exec.CommandContext(ctx, x.program, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + x.config, "BUILDX_CONFIG=" + x.config, "DOCKER_CONFIG=" + x.config,
	}, env...)
	if x.builder != "" {
		cmd.Env = append(cmd.Env, "BUILDX_BUILDER="+x.builder)
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		text := errOut.String()
		return out.String(), text, fmt.Errorf("buildx %s: %w\n%s", strings.Join(args, " "), err, text[max(0, len(text)-6000):])
	}
	return out.String(), errOut.String(), nil
}

// Logs are the steps of every build that its BuildKits have done.
func (x *Buildx) Logs(ctx context.Context) (string, error) {
	builds, err := x.Run(ctx, "", nil, "history", "ls", "--format={{.Ref}}")
	if err != nil {
		return "", err
	}
	var logs strings.Builder
	for _, ref := range strings.FieldsSeq(builds) {
		stdout, stderr, err := x.RunBoth(ctx, "", nil, "history", "logs", "--progress=plain", ref)
		if err != nil {
			return "", err
		}
		logs.WriteString(stdout + stderr)
	}
	return logs.String(), nil
}

// Prune takes all that its BuildKits keep.
func (x *Buildx) Prune(ctx context.Context) error {
	_, err := x.Run(ctx, "", nil, "prune", "--all", "--force")
	return err
}
