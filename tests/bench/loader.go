package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// loaderStages follow the stages of the emitted tests: they start the same
// server with the same function, and ask more of it.
const loaderStages = `
FROM run AS loaded
ARG TARGETARCH ENTRYPOINT BEHAVIOUR LOAD
RUN --network=none --mount=from=loader,target=/.runbake/load \
    --mount=from=build-fixture,source=/tmp/runbake,target=/.runbake/fixture \
    --mount=from=build-behaviour,source=/tmp/runbake,target=/.runbake/behaviour \
    eval "/.runbake/load/linux/$TARGETARCH/load $LOAD"

FROM scratch
COPY --from=loaded /tmp/load/report.json /
`

// Functions of a runtime, as arguments of the program of tests/load.
const (
	LoadFixture   = " -code /.runbake/fixture/code.tar.gz -file $ENTRYPOINT "
	LoadBehaviour = " -code /.runbake/behaviour/code.tar.gz -file $BEHAVIOUR "
)

// Loader runs the program of tests/load in the run images of a repository, with
// the functions of the emitted tests.
type Loader struct {
	buildx *Buildx
	root   string // of the repository
	file   string // overrides what the emitted tests share
	probe  string // folder of the probe
}

// NewLoader prepares it.
func (b *Bench) NewLoader(buildx *Buildx, root string) (*Loader, error) {
	dir, err := b.Dir("load")
	if err != nil {
		return nil, err
	}
	stages, err := os.ReadFile(filepath.Join(root, "bake/test.Dockerfile"))
	if err != nil {
		return nil, err
	}
	const overrides = "target \"_test\" {\n  contexts = { loader = %q }\n  dockerfile-inline = <<EOT\n%s%sEOT\n}\n"
	file := filepath.Join(dir, "load.hcl")
	return &Loader{buildx, root, file, b.Mounted("probe")}, os.WriteFile(file, fmt.Appendf(nil, overrides, b.Mounted("load"), stages, loaderStages), 0o600)
}

// Run runs the program for some versions on one platform, some at a time, with
// arguments that the shell expands. It returns what was reported, by id.
func (l *Loader) Run(ctx context.Context, platform, args string, ids ...string) (_ map[string][]byte, err error) {
	out, err := os.MkdirTemp(filepath.Dir(l.file), "reports-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(out)) }()
	command := []string{"bake", "--progress=plain", "--file=docker-bake.hcl", "--file=" + l.file, "--allow=fs=*"}
	for _, id := range ids {
		target := "test-" + strings.ReplaceAll(id, ".", "_")
		command = append(command, target, "--set="+target+".args.LOAD="+args, "--set="+target+".no-cache-filter=loaded",
			"--set="+target+".output=type=local,dest="+filepath.Join(out, id))
	}
	if _, err := l.buildx.Run(ctx, l.root, []string{"PLATFORM=" + platform, "PROBE=" + l.probe}, command...); err != nil {
		return nil, err
	}
	reports := map[string][]byte{}
	for _, id := range ids {
		if reports[id], err = os.ReadFile(filepath.Join(out, id, "report.json")); err != nil {
			return nil, err
		}
	}
	return reports, nil
}
