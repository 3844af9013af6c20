// Speed times whole processes: what runbake does for repositories of many
// versions, beside what buildx needs to read the result. It writes the table of
// docs/benchmarks.md to stdout.
//
//	go run ./tests/speed                   # generating
//	go run ./tests/speed -what inputs      # hashing a context of 2 GB
//	go run ./tests/speed -what affected    # comparing 100,000 files
//	go run ./tests/speed -what build       # pushing the images of this repository; as root
//	go run ./tests/speed -what cold        # the same, on BuildKits that know nothing
//	go run ./tests/speed -what runtimes    # what each of them is like; as root
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// perFamily is how many versions share a folder and a Dockerfile.
const perFamily = 12

func main() {
	sizes := flag.String("sizes", "100,1000,5000", "numbers of versions")
	runs := flag.Int("runs", 7, "counted runs of each command; the median is shown")
	what := flag.String("what", "generate", "generate, inputs, affected, build, cold or runtimes")
	platform := flag.String("platform", "all", "platform that cold builds for")
	builds := flag.String("builds", "linux/amd64", "platforms whose builds runtimes times")
	state := flag.String("state", "warm", "name of the BuildKit in the bench's cache that runtimes uses")
	flag.Parse()
	var err error
	switch *what {
	case "runtimes":
		err = timeRuntimes(context.Background(), *state, strings.Split(*builds, ","), flag.Args())
	case "cold":
		err = timeCold(context.Background(), *platform)
	case "build":
		err = timeBuild(context.Background(), *runs)
	case "generate", "inputs", "affected":
		err = run(context.Background(), *what, strings.Split(*sizes, ","), *runs)
	default:
		err = fmt.Errorf("-what %s: it is generate, inputs, affected, build, cold or runtimes", *what)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, what string, sizes []string, runs int) (err error) {
	dir, err := os.MkdirTemp("", "runbake-speed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	runbake := filepath.Join(dir, "runbake")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", runbake, "./cmd/runbake").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	switch what {
	case "inputs":
		return timeInputs(ctx, dir, runbake, runs)
	case "affected":
		return timeAffected(ctx, dir, runbake, runs)
	}
	return timeGenerate(ctx, dir, runbake, sizes, runs)
}

// timeGenerate times what writes and reads the emitted file.
func timeGenerate(ctx context.Context, dir, runbake string, sizes []string, runs int) error {
	buildx, err := exec.CommandContext(ctx, "go", "tool", "-n", "buildx").Output()
	if err != nil {
		return err
	}
	cache := filepath.Join(dir, "cache")
	if err := os.Setenv("XDG_CACHE_HOME", cache); err != nil {
		return err
	}
	forget := func() error { return os.RemoveAll(cache) }
	keep := func() error { return nil }
	commands := []struct {
		name   string
		args   []string
		before func() error
	}{
		{"runbake --version", []string{runbake, "--version"}, keep},
		{"runbake generate --verify=false", []string{runbake, "generate", "--verify=false"}, keep},
		{"runbake generate", []string{runbake, "generate"}, forget},
		{"runbake generate, again", []string{runbake, "generate"}, keep},
		{"runbake lint", []string{runbake, "lint"}, keep},
		{"buildx bake --print", []string{strings.TrimSpace(string(buildx)), "bake", "--print"}, keep},
	}
	fmt.Println("| versions | command | median | fastest | memory |\n|---:|---|---:|---:|---:|")
	var points []point
	for _, size := range sizes {
		n, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		repo := filepath.Join(dir, size)
		if err := write(repo, n, perFamily); err != nil {
			return err
		}
		for _, c := range commands {
			counted := runs
			if n > 1000 && c.args[1] == "bake" {
				counted = 1 // a minute each
			}
			m, err := measureAfter(ctx, repo, counted, c.args, c.before)
			if err != nil {
				return err
			}
			if c.name == fitted {
				points = append(points, point{float64(n), m.median.Seconds() * 1000})
			}
			fmt.Printf("| %d | `%s` | %s | %s | %d MiB |\n", n, c.name, show(m.median), show(m.fastest), m.memory>>20)
		}
	}
	if err := lintFolders(ctx, dir, runbake, runs); err != nil {
		return err
	}
	if len(points) > 2 {
		fmt.Printf("\n`%s` fits %s.\n", fitted, fit(points))
	}
	return nil
}

// lintFolders times lint for a hundred runtimes that share nothing: each has a
// folder, a Dockerfile and scripts of its own.
func lintFolders(ctx context.Context, dir, runbake string, runs int) error {
	const folders = 100
	repo := filepath.Join(dir, "folders")
	if err := write(repo, folders, 1); err != nil {
		return err
	}
	m, err := measure(ctx, repo, runs, []string{runbake, "lint"})
	if err != nil {
		return err
	}
	fmt.Printf("| %d, a folder each | `runbake lint` | %s | %s | %d MiB |\n", folders, show(m.median), show(m.fastest), m.memory>>20)
	return nil
}

// fitted is the command whose growth is shown.
const fitted = "runbake generate --verify=false"

// point is a number of versions and the milliseconds that they took.
type point struct{ x, y float64 }

// fit is the line of least squares.
func fit(points []point) string {
	var sumX, sumY, sumXX, sumXY, sumYY float64
	n := float64(len(points))
	for _, p := range points {
		sumX, sumY = sumX+p.x, sumY+p.y
		sumXX, sumXY, sumYY = sumXX+p.x*p.x, sumXY+p.x*p.y, sumYY+p.y*p.y
	}
	slope := (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
	covariance := n*sumXY - sumX*sumY
	square := covariance * covariance / ((n*sumXX - sumX*sumX) * (n*sumYY - sumY*sumY))
	return fmt.Sprintf("%.1f ms + %.3f ms a version (R² = %.4f)", (sumY-slope*sumX)/n, slope, square)
}

func show(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

type measurement struct {
	median, fastest time.Duration
	memory          int64 // bytes, the largest
}

// measure runs a command once without counting, and then some times. The
// emitted file is taken away before a run that writes it.
func measure(ctx context.Context, dir string, runs int, command []string) (measurement, error) {
	return measureAfter(ctx, dir, runs, command, func() error { return nil })
}

// measureAfter does something before each run that is not counted.
func measureAfter(ctx context.Context, dir string, runs int, command []string, before func() error) (measurement, error) {
	var m measurement
	var times []time.Duration
	for i := range runs + 1 {
		if len(command) > 1 && command[1] == "generate" {
			if err := os.RemoveAll(filepath.Join(dir, "docker-bake.hcl")); err != nil {
				return m, err
			}
		}
		if err := before(); err != nil {
			return m, err
		}
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = dir
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return m, fmt.Errorf("%v: %w: %s", command, err, out)
		}
		if i > 0 || runs == 1 {
			times = append(times, time.Since(start))
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			m.memory = max(m.memory, usage.Maxrss*1024)
		}
		if runs == 1 {
			break
		}
	}
	slices.Sort(times)
	m.median, m.fastest = times[len(times)/2], times[0]
	return m, nil
}

// write makes a repository that lints clean: families of some versions, a third
// of them compiled, on one base.
func write(dir string, versions, family int) error {
	files := map[string]string{
		"runbake.hcl":                     "project {\n  registry = \"docker.io/acme\"\n}\n",
		"runtimes/debian/runtime.hcl":     "base \"debian\" {\n  name = \"Debian\"\n\n  version \"12\" {\n    from = { BASE_IMAGE = \"debian:bookworm-slim\" }\n  }\n}\n",
		"runtimes/debian/Dockerfile":      dockerfile("launch.sh", "EXPOSE 3000\nCMD [\"/usr/local/src/launch.sh\"]"),
		"runtimes/debian/launch.sh":       "#!/bin/sh\nset -e\ntar -xzf /tmp/code.tar.gz -C /usr/code\nexec /usr/code/runtime\n",
		"runtimes/debian/README.md":       readme,
		"tests/fixtures/all/main.x":       "function\n",
		"runtimes/debian/.dockerignore":   "*\n!launch.sh\n",
		"tests/fixtures/all/package.list": "nothing\n",
	}
	for i := 0; i*family < versions-1; i++ {
		key := fmt.Sprintf("lang%d", i)
		at := "runtimes/" + key + "/"
		files[at+"runtime.hcl"] = definitionOf(key, i, min(family, versions-1-i*family))
		files[at+"README.md"] = readme
		if i%3 == 0 {
			files[at+"Dockerfile"] = dockerfile("build.sh", `CMD ["tail", "-f", "/dev/null"]`)
			files[at+"build.sh"] = "#!/bin/sh\nset -e\ncompile \"/usr/code/$ENTRYPOINT_NAME\" -o /usr/code/runtime\n"
			continue
		}
		files[at+"Dockerfile"] = dockerfile("build.sh launch.sh", "EXPOSE 3000\nCMD [\"/usr/local/src/launch.sh\"]")
		files[at+"build.sh"] = "#!/bin/sh\nset -e\ncd /usr/code\nif [ -f package.list ]; then\n    install-all package.list\nfi\n"
		files[at+"launch.sh"] = "#!/bin/sh\nset -e\ntar -xzf /tmp/code.tar.gz -C /usr/code\nexec serve /usr/local/src/server.x\n"
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

const readme = "# A runtime\n\nThe base image, the server, and where dependencies come from.\n"

// definitionOf is that of one runtime; each third is compiled.
func definitionOf(key string, number, versions int) string {
	kind := `"interpreted"`
	if number%3 == 0 {
		kind = "\"compiled\"\n  run  = base.debian[\"12\"]"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "runtime %q {\n  name = \"Language %d\"\n  kind = %s\n  entrypoint = \"main.x\"\n  fixture = \"tests/fixtures/all\"\n", key, number, kind)
	for v := range versions {
		fmt.Fprintf(&b, "\n  version \"%d.%d\" {\n    from = { BASE_IMAGE = \"lang%d:%d.%d-slim\" }\n    args = { TOOL = \"%d\" }\n  }\n", number, v, number, number, v, v)
	}
	b.WriteString("}\n")
	return b.String()
}

// dockerfile has two stages, and what the contract asks for.
func dockerfile(scripts, end string) string {
	return `ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE} AS build
ARG TOOL
RUN make ${TOOL}

FROM ${BASE_IMAGE}
RUN groupadd --gid 2000 appwrite \
 && useradd --create-home --uid 2001 --gid appwrite appwrite \
 && mkdir -p /usr/local/src /usr/code /usr/workspace /usr/builtCode
WORKDIR /usr/local/src
COPY --from=build /x /x
RUN --mount=type=cache,target=/c true
COPY --chmod=0755 ` + scripts + ` ./
RUN chown -R appwrite:appwrite /usr/local/src /usr/code /usr/workspace /usr/builtCode
USER appwrite
` + end + "\n"
}
