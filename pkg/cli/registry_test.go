package cli_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	memory "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// registryCommands are what scripts do to registries.
//
//	registry NAME                            start one; $NAME is its address
//	image REF DAY PLATFORM…                  push an image, made on a day
//	attested REF STATEMENT PLATFORM…         push an image that has a file as the SBOM of each platform
//	unimage REF…                             remove one, by tag or digest
//	built FILE TARGET REPOSITORY PLATFORM    push as one machine does, by digest, and add to its metadata
//	plain FILE RESULT                        write a file, or stdout, with hub.example.com for $HUB, and so on
//	manifest REF                             write what a registry has to manifest.json
//	packed REF FILE                          push the image that a file describes: see packed
var registryCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"registry": func(ts *testscript.TestScript, _ bool, args []string) {
		server := httptest.NewServer(memory.New(memory.Logger(log.New(io.Discard, "", 0))))
		ts.Defer(server.Close)
		ts.Setenv(args[0], strings.TrimPrefix(server.URL, "http://"))
	},
	"image": func(ts *testscript.TestScript, _ bool, args []string) {
		index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
		for _, platform := range args[2:] {
			index = appendImage(ts, index, args[1], platform, false)
		}
		ref, err := name.ParseReference(args[0])
		ts.Check(err)
		ts.Check(remote.WriteIndex(ref, index))
	},
	"attested": func(ts *testscript.TestScript, _ bool, args []string) {
		index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
		for _, platform := range args[2:] {
			index = appendImage(ts, index, "2026-01-01", platform, false)
		}
		manifest, err := index.IndexManifest()
		ts.Check(err)
		for _, image := range manifest.Manifests {
			statement, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{
				Layer:       static.NewLayer([]byte(ts.ReadFile(args[1])), "application/vnd.in-toto+json"),
				Annotations: map[string]string{"in-toto.io/predicate-type": "https://spdx.dev/Document"},
			})
			ts.Check(err)
			index = appendAttestation(index, statement, image.Digest)
		}
		ref, err := name.ParseReference(args[0])
		ts.Check(err)
		ts.Check(remote.WriteIndex(ref, index))
	},
	"unimage": func(ts *testscript.TestScript, _ bool, args []string) {
		for _, arg := range args {
			ref, err := name.ParseReference(arg)
			ts.Check(err)
			ts.Check(remote.Delete(ref))
		}
	},
	"built": func(ts *testscript.TestScript, _ bool, args []string) {
		index := appendImage(ts, mutate.IndexMediaType(empty.Index, types.OCIImageIndex), "2026-11-20", args[3], true)
		digest, err := index.Digest()
		ts.Check(err)
		repo, err := name.NewRepository(args[2])
		ts.Check(err)
		ts.Check(remote.WriteIndex(repo.Digest(digest.String()), index))
		file := map[string]map[string]string{}
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil {
			ts.Check(json.Unmarshal(text, &file))
		}
		file[args[1]] = map[string]string{"containerimage.digest": digest.String(), "image.name": args[2]}
		text, err := json.Marshal(file)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
	},
	"plain": func(ts *testscript.TestScript, _ bool, args []string) {
		text := ts.ReadFile(args[0])
		for _, registry := range []string{"HUB", "OWN", "TWO"} { // an address is as long as these names
			if address := ts.Getenv(registry); address != "" {
				text = strings.ReplaceAll(text, address, strings.ToLower(registry)+".example.com")
			}
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
	},
	"packed": func(ts *testscript.TestScript, _ bool, args []string) {
		var platforms map[string]packed
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &platforms))
		index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
		for _, platform := range slices.Sorted(maps.Keys(platforms)) {
			index = platforms[platform].append(ts, index, platform)
		}
		ref, err := name.ParseReference(args[0])
		ts.Check(err)
		ts.Check(remote.WriteIndex(ref, index))
	},
	"manifest": func(ts *testscript.TestScript, _ bool, args []string) {
		ref, err := name.ParseReference(args[0])
		ts.Check(err)
		got, err := remote.Get(ref)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("manifest.json"), append(got.Manifest, '\n'), 0o600))
	},
}

// appendImage adds an image, which is the same for the same day and platform.
func appendImage(ts *testscript.TestScript, index v1.ImageIndex, day, platform string, attested bool) v1.ImageIndex {
	created, err := time.Parse(time.DateOnly, day)
	ts.Check(err)
	p, err := v1.ParsePlatform(platform)
	ts.Check(err)
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte(day+platform), types.OCILayer))
	ts.Check(err)
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: p.OS, Architecture: p.Architecture, Created: v1.Time{Time: created}})
	ts.Check(err)
	index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: p}})
	if !attested {
		return index
	}
	digest, err := img.Digest()
	ts.Check(err)
	statement, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte(platform), "application/vnd.in-toto+json"))
	ts.Check(err)
	return appendAttestation(index, statement, digest)
}

// appendAttestation adds what belongs to an image, as BuildKit does.
func appendAttestation(index v1.ImageIndex, statement v1.Image, of v1.Hash) v1.ImageIndex {
	return mutate.AppendManifests(index, mutate.IndexAddendum{Add: statement, Descriptor: v1.Descriptor{
		Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of.String()},
	}})
}

// packed describes an image of one platform: how it is run, the files of its layers, and
// what is attested of it, by type of predicate.
type packed struct {
	Config v1.Config
	Layers []map[string]string
	Attest map[string]json.RawMessage
}

func (p packed) append(ts *testscript.TestScript, index v1.ImageIndex, platform string) v1.ImageIndex {
	parsed, err := v1.ParsePlatform(platform)
	ts.Check(err)
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	for _, files := range p.Layers {
		var text bytes.Buffer
		archive := tar.NewWriter(&text)
		for _, file := range slices.Sorted(maps.Keys(files)) {
			ts.Check(archive.WriteHeader(&tar.Header{Name: file, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[file]))}))
			_, err := io.WriteString(archive, files[file])
			ts.Check(err)
		}
		ts.Check(archive.Close())
		img, err = mutate.AppendLayers(img, static.NewLayer(text.Bytes(), types.OCIUncompressedLayer))
		ts.Check(err)
	}
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: parsed.OS, Architecture: parsed.Architecture, Config: p.Config})
	ts.Check(err)
	index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: parsed}})
	if p.Attest == nil {
		return index
	}
	digest, err := img.Digest()
	ts.Check(err)
	statements := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	for _, predicate := range slices.Sorted(maps.Keys(p.Attest)) {
		text := fmt.Appendf(nil, `{"predicateType": %q, "predicate": %s}`, predicate, p.Attest[predicate])
		statements, err = mutate.Append(statements, mutate.Addendum{
			Layer:       static.NewLayer(text, "application/vnd.in-toto+json"),
			Annotations: map[string]string{"in-toto.io/predicate-type": predicate},
		})
		ts.Check(err)
	}
	return mutate.AppendManifests(index, mutate.IndexAddendum{Add: statements, Descriptor: v1.Descriptor{
		Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest.String()},
	}})
}
