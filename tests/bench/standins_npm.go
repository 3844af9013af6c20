package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const npmVersion = "11.21.2"

// npmStandIns are releases that packages of npm hold for both platforms.
func npmStandIns() []standIn {
	var list []standIn
	for _, version := range []string{"22.23.3", "24.21.0"} {
		list = append(list, standIn{
			name: "library/node:" + version + "-bookworm-slim", layers: nodeLayers(version),
			config: v1.Config{Env: []string{systemPath, "NODE_VERSION=" + version}, Cmd: []string{"node"}},
		})
	}
	for _, version := range []string{"2.7.7", "2.9.6"} {
		list = append(list, standIn{
			name: "denoland/deno:debian-" + version, layers: onePackage("@deno/linux-%s-glibc", map[string]string{"amd64": "x64", "arm64": "arm64"}, version, "deno", "usr/local/bin"),
			config: v1.Config{
				Env:        []string{systemPath, "DENO_DIR=/deno-dir/", "DENO_INSTALL_ROOT=/usr/local", "DENO_VERSION=" + version},
				Entrypoint: []string{"/tini", "--", "docker-entrypoint.sh"}, Cmd: []string{"eval", "console.log('Welcome to Deno!')"},
			},
		})
	}
	for _, version := range []string{"1.3.14", "1.4.5"} {
		list = append(list, standIn{
			name: "oven/bun:" + version + "-debian", layers: onePackage("@oven/bun-linux-%s", map[string]string{"amd64": "x64", "arm64": "aarch64"}, version, "bin/bun", "usr/local"),
			config: v1.Config{
				Env:        []string{systemPath, "BUN_RUNTIME_TRANSPILER_CACHE_PATH=0", "BUN_INSTALL_BIN=/usr/local/bin"},
				Entrypoint: []string{"/usr/local/bin/docker-entrypoint.sh"}, Cmd: []string{"/usr/local/bin/bun"},
			},
		})
	}
	return list
}

// nodeLayers are the release that npm's packages of Node.js hold, on Debian.
func nodeLayers(version string) func(context.Context, *Bench, string) ([]string, error) {
	return func(ctx context.Context, b *Bench, arch string) ([]string, error) {
		root, err := bookworm.root(ctx, b, arch)
		if err != nil {
			return nil, err
		}
		npmArch := map[string]string{"amd64": "x64", "arm64": "arm64"}[arch]
		layer, err := b.layer(ctx, fmt.Sprintf("node-%s-npm-%s-%s", version, npmVersion, arch), func(dir string) error {
			local := filepath.Join(dir, "usr/local")
			modules := filepath.Join(local, "lib/node_modules/npm")
			bin := filepath.Join(local, "bin")
			return errors.Join(
				b.unpackNPM(ctx, "node-linux-"+npmArch+"@"+version, local, "package/bin"),
				b.unpackNPM(ctx, "npm@"+npmVersion, modules, "package"),
				os.Symlink("../lib/node_modules/npm/bin/npm-cli.js", filepath.Join(bin, "npm")),
				os.Symlink("../lib/node_modules/npm/bin/npx-cli.js", filepath.Join(bin, "npx")),
			)
		})
		return append(root, layer), err
	}
}

// onePackage is a program that a package of npm holds for each architecture,
// on Debian. The name of the package has a place for that; part is what goes
// to a folder.
func onePackage(name string, npmArch map[string]string, version, part, folder string) func(context.Context, *Bench, string) ([]string, error) {
	return func(ctx context.Context, b *Bench, arch string) ([]string, error) {
		root, err := bookworm.root(ctx, b, arch)
		if err != nil {
			return nil, err
		}
		layer, err := b.layer(ctx, fmt.Sprintf("%s-%s-%s", filepath.Base(part), version, arch), func(dir string) error {
			return b.unpackNPM(ctx, fmt.Sprintf(name, npmArch[arch])+"@"+version, filepath.Join(dir, folder), "package/"+part)
		})
		return append(root, layer), err
	}
}
