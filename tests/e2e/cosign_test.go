package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/runbake/runbake/tests/bench"
)

// signer signs with a key pair where the workflows sign with who runs them,
// which needs servers of GitHub or GitLab, and of Sigstore.
type signer struct {
	cosign string // the program, or what stands for it
	dir    string // with the keys, and a program cosign that takes the commands of the workflows
}

// cosignWithKey is cosign for the commands of the workflows: what says who
// signs is a key instead, and there is no log of signatures.
const cosignWithKey = `#!/bin/sh
set -eu
command=$1
shift
case $command in
login) exit 0 ;; # the registry wants no password
sign) set -- --key "$KEYS/cosign.key" --use-signing-config=false --tlog-upload=false "$@" ;;
verify)
    test "$1 $3" = '--certificate-oidc-issuer --certificate-identity'
    shift 4
    set -- --key "$KEYS/cosign.pub" --insecure-ignore-tlog "$@" ;;
esac
HOME=$KEYS exec "$COSIGN" "$command" "$@"
`

// newSigner has cosign itself where everything is proved; see tests/e2e/signer.
func newSigner(t *testing.T, b *bench.Bench) *signer {
	t.Helper()
	s := &signer{b.Tool("signer"), t.TempDir()}
	if full() {
		s.cosign = cosign(t)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "cosign"), []byte(cosignWithKey), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	s.keys(t)
	return s
}

// cosign compiles the one that workflows install.
func cosign(t *testing.T) string {
	t.Helper()
	find := exec.CommandContext(t.Context(), "go", "tool", "-modfile=.github/tools/cosign/go.mod", "-n", "cosign")
	find.Dir = root
	path, err := find.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(path))
}

// keys makes a key pair, or another one.
func (s *signer) keys(t *testing.T) {
	t.Helper()
	for _, name := range []string{"cosign.key", "cosign.pub"} {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), s.cosign, "generate-key-pair")
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), s.env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// env is for machines on which workflows sign.
func (s *signer) env() []string {
	return []string{"COSIGN=" + s.cosign, "KEYS=" + s.dir, "COSIGN_PASSWORD=", "HOME=" + s.dir}
}

// verify checks the signature of an image, and that it is of this image.
func (s *signer) verify(ctx context.Context, image string) error {
	cmd := exec.CommandContext(ctx, s.cosign, "verify", "--key", filepath.Join(s.dir, "cosign.pub"), "--insecure-ignore-tlog", image)
	cmd.Env = append(os.Environ(), s.env()...)
	return cmd.Run()
}

// checkSigned looks at a signature as somebody does who pulls the image, and
// then at what must not be taken for signed: the image with another annotation,
// the same with the signature of the good one, and a good one for another key.
func (s *signer) checkSigned(t *testing.T, image string) {
	t.Helper()
	if err := s.verify(t.Context(), image); err != nil {
		t.Fatalf("%s is not signed: %v", image, err)
	}
	good, _ := index(t, image)
	repository := image[:strings.LastIndexByte(image, ':')]
	altered, ok := mutate.Annotations(good, map[string]string{"altered": "yes"}).(v1.ImageIndex)
	if !ok {
		t.Fatal("what is made of an index is none")
	}
	pushIndex(t, repository+":altered", altered)
	if s.verify(t.Context(), repository+":altered") == nil {
		t.Error("an image that is not signed is taken for signed")
	}
	signatures, _ := index(t, repository+":"+signatureTag(t, good))
	pushIndex(t, repository+":"+signatureTag(t, altered), signatures)
	if s.verify(t.Context(), repository+":altered") == nil {
		t.Error("an altered image is taken for the one that was signed")
	}
	s.keys(t)
	if s.verify(t.Context(), image) == nil {
		t.Error("another key verifies the signature")
	}
}

// signatureTag is where a registry that knows of no referrers has the
// signatures of an image.
func signatureTag(t *testing.T, of v1.ImageIndex) string {
	t.Helper()
	digest, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(digest.String(), ":", "-", 1)
}

func pushIndex(t *testing.T, image string, index v1.ImageIndex) {
	t.Helper()
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}
