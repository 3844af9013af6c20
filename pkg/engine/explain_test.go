package engine

import (
	"errors"
	"strings"
	"testing"
)

// TestExplain: what BuildKit says, and what is said of it besides.
func TestExplain(t *testing.T) {
	for text, want := range map[string]string{
		"failed to solve: failed to resolve source metadata for docker.io/docker/buildkit-syft-scanner:stable-1: failed to do request: dial tcp: no such host": "attest { sbom = false }",
		"process \"buildkit-syft-scanner\" did not complete successfully: exit code: 1":                                                                        "",
		"failed to solve: debian:12: not found":                 "",
		"rpc error: code = Unavailable desc = connection error": "build again",
	} {
		got := explain(errors.New(text)).Error()
		if !strings.HasSuffix(got, text) || (got != text) != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%s\nis explained as\n%s\nwant %q in it", text, got, want)
		}
	}
}
