package dockerfile_test

import (
	"testing"

	"github.com/runbake/runbake/pkg/dockerfile"
)

func TestKindOf(t *testing.T) {
	for context, want := range map[string]dockerfile.ContextKind{
		".": dockerfile.FolderContext, "runtimes/node": dockerfile.FolderContext, "x.git": dockerfile.FolderContext, "": dockerfile.FolderContext,
		"a@b":                                  dockerfile.FolderContext,
		"target:node-22":                       dockerfile.TargetContext,
		"docker-image://alpine:3.20":           dockerfile.ImageContext,
		"docker-image:alpine":                  dockerfile.ImageContext,
		"oci-layout://out/tools:1":             dockerfile.LayoutContext,
		"https://example.com/src.tar.gz":       dockerfile.RemoteContext,
		"https://example.com/repo.git#v1:a/b":  dockerfile.RemoteContext,
		"git@github.com:acme/repo.git":         dockerfile.RemoteContext,
		"git://example.com/repo.git":           dockerfile.RemoteContext,
		"ssh://git@example.com/repo.git":       dockerfile.RemoteContext,
		"github.com/acme/repo":                 dockerfile.RemoteContext, // bake reads it so
		"https://example.com/repo.git?nope=no": dockerfile.RemoteContext,
	} {
		if got := dockerfile.KindOf(context); got != want {
			t.Errorf("KindOf(%q) = %d, want %d", context, got, want)
		}
	}
}

func TestLayout(t *testing.T) {
	const digest = "@sha256:0000000000000000000000000000000000000000000000000000000000000000"
	for context, want := range map[string]string{
		"oci-layout://out": "out", "oci-layout://out/tools:1": "out/tools", "oci-layout://out" + digest: "out",
		"oci-layout://out/tools:1" + digest: "out/tools",
	} {
		if got := dockerfile.Layout(context); got != want {
			t.Errorf("Layout(%q) = %q, want %q", context, got, want)
		}
	}
}
