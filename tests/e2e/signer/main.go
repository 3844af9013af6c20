// Signer stands for cosign where compiling it would take minutes: it signs an
// image with a key pair and verifies that, takes the flags of cosign's that the
// rehearsal gives, and keeps a signature where cosign does in a registry that
// knows of no referrers. Its format is its own. The rehearsal of everything has
// cosign itself.
package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/sigstore/sigstore/pkg/signature"
)

// mediaType is that of the layer with a signature.
const mediaType = "application/vnd.runbake.test.signature"

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "signer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: signer generate-key-pair|sign|verify")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	key := flags.String("key", "", "file of the key")
	for _, known := range []string{"yes", "use-signing-config", "tlog-upload", "insecure-ignore-tlog"} {
		flags.Bool(known, false, "as cosign has it")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "generate-key-pair":
		return generate()
	case "sign":
		return each(flags.Args(), func(image name.Reference) error { return sign(ctx, *key, image) })
	case "verify":
		return each(flags.Args(), func(image name.Reference) error { return verify(ctx, *key, image) })
	}
	return fmt.Errorf("%s: it is generate-key-pair, sign or verify", args[0])
}

func each(images []string, do func(name.Reference) error) error {
	if len(images) == 0 {
		return errors.New("no image is named")
	}
	for _, image := range images {
		ref, err := name.ParseReference(image, name.Insecure)
		if err != nil {
			return err
		}
		if err := do(ref); err != nil {
			return fmt.Errorf("%s: %w", image, err)
		}
	}
	return nil
}

// generate writes a key pair to this folder.
func generate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile("cosign.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
		os.WriteFile("cosign.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600))
}

func sign(ctx context.Context, key string, image name.Reference) error {
	signer, err := signature.LoadSignerVerifierFromPEMFile(key, crypto.SHA256, nil)
	if err != nil {
		return err
	}
	digest, at, err := place(ctx, image)
	if err != nil {
		return err
	}
	signed, err := signer.SignMessage(strings.NewReader(digest))
	if err != nil {
		return err
	}
	holder, err := mutate.AppendLayers(empty.Image, static.NewLayer(signed, mediaType))
	if err != nil {
		return err
	}
	return remote.WriteIndex(at, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: holder}), remote.WithContext(ctx))
}

func verify(ctx context.Context, key string, image name.Reference) error {
	verifier, err := signature.LoadVerifierFromPEMFile(key, crypto.SHA256)
	if err != nil {
		return err
	}
	digest, at, err := place(ctx, image)
	if err != nil {
		return err
	}
	index, err := remote.Index(at, remote.WithContext(ctx))
	if err != nil {
		return err
	}
	signed, err := content(index)
	if err != nil {
		return err
	}
	return verifier.VerifySignature(bytes.NewReader(signed), strings.NewReader(digest))
}

// place is where the signature of an image is.
func place(ctx context.Context, image name.Reference) (digest string, at name.Tag, err error) {
	head, err := remote.Head(image, remote.WithContext(ctx))
	if err != nil {
		return "", at, err
	}
	digest = head.Digest.String()
	return digest, image.Context().Tag(strings.Replace(digest, ":", "-", 1)), nil
}

func content(index v1.ImageIndex) ([]byte, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("there are %d signatures", len(manifest.Manifests))
	}
	holder, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return nil, err
	}
	layers, err := holder.Layers()
	if err != nil || len(layers) != 1 {
		return nil, errors.Join(err, fmt.Errorf("it has %d layers", len(layers)))
	}
	blob, err := layers[0].Compressed()
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	return io.ReadAll(blob)
}
