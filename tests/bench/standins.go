package bench

import (
	"context"
	"crypto/sha256"
	_ "embed" // the scanner's source, for the name of its layer
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"
)

// goVersion is the Go of the stand-in.
const goVersion = "1.26.8"

//go:embed scanner/main.go
var scannerSource []byte

// scannerImage is what BuildKit runs for SBOMs when nothing else is named.
const scannerImage = "docker/buildkit-syft-scanner:stable-1"

// standIn is an image under an official name that holds the same language in
// the same version, from a source that this machine reaches.
type standIn struct {
	name string // as on Docker Hub
	// layers are tar files, for one architecture, the lowest first.
	layers func(ctx context.Context, b *Bench, arch string) ([]string, error)
	config v1.Config
}

var archs = []string{"amd64", "arm64"}

const systemPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func standIns() []standIn {
	shell := v1.Config{Env: []string{systemPath}, Cmd: []string{"bash"}}
	list := []standIn{
		{name: "library/debian:bookworm-slim", layers: bookworm.root, config: shell},
		{name: "library/debian:trixie-slim", layers: trixie.root, config: shell},
		{name: "library/golang:" + goVersion + "-bookworm", layers: goLayers, config: v1.Config{
			Env: []string{"PATH=/go/bin:/usr/local/go/bin:" + strings.TrimPrefix(systemPath, "PATH="), "GOPATH=/go", "GOTOOLCHAIN=local", "GOLANG_VERSION=" + goVersion},
			Cmd: []string{"bash"}, WorkingDir: "/go",
		}},
		{name: scannerImage, layers: scannerLayers, config: v1.Config{Entrypoint: []string{"/scanner"}}},
	}
	return slices.Concat(list, debianStandIns(), newerStandIns(), npmStandIns())
}

// StandIns lists the images that a bench can have, without library/.
func StandIns() []string {
	var names []string
	for _, s := range standIns() {
		names = append(names, strings.TrimPrefix(s.name, "library/"))
	}
	return names
}

// MakeStandIns brings images into the mirror that are not there yet, by their
// names on Docker Hub; see [StandIns].
func (b *Bench) MakeStandIns(ctx context.Context, names []string) error {
	all := standIns()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for _, n := range names {
		i := slices.IndexFunc(all, func(s standIn) bool { return s.name == n || s.name == "library/"+n })
		if i < 0 {
			return fmt.Errorf("the bench has no stand-in for %s; it has %s", n, strings.Join(StandIns(), ", "))
		}
		group.Go(func() error {
			if err := b.makeStandIn(ctx, all[i]); err != nil {
				return fmt.Errorf("making the stand-in for %s: %w", n, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (b *Bench) makeStandIn(ctx context.Context, s standIn) (err error) {
	file := strings.NewReplacer("/", "_", ":", "_").Replace(s.name)
	unlock, err := b.cache.lock("standin-" + file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	layers := map[string][]string{}
	recipe := sha256.New()
	for _, arch := range archs {
		if layers[arch], err = s.layers(ctx, b, arch); err != nil {
			return err
		}
		fmt.Fprintln(recipe, arch, layers[arch], s.config)
	}
	// The mark stands in the mirror, and goes with it.
	mark := b.cache.path("mirror", file+fmt.Sprintf("-%x", recipe.Sum(nil)[:8]))
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	err = b.step(ctx, "pushing the stand-in for "+s.name, func(ctx context.Context) error { return b.pushStandIn(ctx, s, layers) })
	if err != nil {
		return err
	}
	return os.WriteFile(mark, nil, 0o600)
}

// pushStandIn assembles an index of both platforms and pushes it.
func (b *Bench) pushStandIn(ctx context.Context, s standIn, layers map[string][]string) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range archs {
		image, err := assemble(layers[arch], arch, s.config)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	ref, err := name.ParseReference(b.mirror.addr+"/"+s.name, name.Insecure)
	if err != nil {
		return err
	}
	return remote.WriteIndex(ref, index, remote.WithContext(ctx))
}

func assemble(files []string, arch string, config v1.Config) (v1.Image, error) {
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	image, err := mutate.ConfigFile(image, &v1.ConfigFile{OS: "linux", Architecture: arch, Config: config, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		layer, err := tarball.LayerFromFile(file, tarball.WithMediaType(types.OCILayer))
		if err != nil {
			return nil, err
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return nil, err
		}
	}
	return image, nil
}

// goLayers are a release of Go, on Debian.
func goLayers(ctx context.Context, b *Bench, arch string) ([]string, error) {
	root, err := bookworm.root(ctx, b, arch)
	if err != nil {
		return nil, err
	}
	layer, err := b.layer(ctx, "go-release-"+goVersion+"-"+arch, func(dir string) error {
		return b.step(ctx, "unpacking Go for "+arch, func(ctx context.Context) error {
			return b.copyGo(ctx, filepath.Join(dir, "usr/local/go"), arch)
		})
	})
	return append(root, layer), err
}

func scannerLayers(ctx context.Context, b *Bench, arch string) ([]string, error) {
	sum := sha256.Sum256(scannerSource)
	layer, err := b.layer(ctx, fmt.Sprintf("scanner-%x-%s", sum[:8], arch), func(dir string) error {
		program := filepath.Join(b.Mounted("scanner"), "linux", arch, "scanner")
		_, err := run(ctx, nil, "cp", program, filepath.Join(dir, "scanner"))
		return err
	})
	return []string{layer}, err
}
