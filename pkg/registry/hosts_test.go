package registry_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	memory "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/runbake/runbake/pkg/registry"
)

func hosts(t *testing.T, text string) *registry.Hosts {
	t.Helper()
	h, err := registry.ParseHosts([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func clientOf(t *testing.T, o registry.Options) *registry.Client {
	t.Helper()
	o.Retry.Attempts = 1
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestMirrors: base images come from the mirrors that BuildKit is told of, in
// their order, and from their own registry when these have none.
func TestMirrors(t *testing.T) {
	own, mirror, empty := newServer(t), newServer(t), newServer(t)
	both := map[string]v1.Image{"linux/amd64": image(t, "linux/amd64", "a"), "linux/arm64": image(t, "linux/arm64", "b")}
	push(t, mirror.host+"/cache/library/node", attested(t, both), "24")
	push(t, own.host+"/library/other", attested(t, both), "1")
	text := fmt.Sprintf("[registry.%q]\n  mirrors = [%q, %q]\n", own.host, empty.host, mirror.host+"/cache")
	for name, c := range map[string]struct {
		image   string
		mirrors bool
		found   bool
	}{
		"only in a mirror":          {own.host + "/library/node:24", true, true},
		"only in its registry":      {own.host + "/library/other:1", true, true},
		"nowhere":                   {own.host + "/library/none:1", true, false},
		"of a client without any":   {own.host + "/library/node:24", false, false},
		"of another registry":       {empty.host + "/library/node:24", true, false},
		"its own, without a mirror": {own.host + "/library/other:1", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			client := clientOf(t, registry.Options{Hosts: hosts(t, text), Mirrors: c.mirrors})
			found, err := client.Resolve(t.Context(), c.image)
			if (err == nil) != c.found || err == nil && len(found.Platforms) != 2 {
				t.Errorf("got %+v, %v", found, err)
			}
			if err != nil && !strings.Contains(err.Error(), own.host) && !strings.Contains(err.Error(), empty.host) {
				t.Errorf("the error names no registry: %v", err)
			}
			if _, err := client.Head(t.Context(), c.image); (err == nil) != c.found {
				t.Errorf("head: %v", err)
			}
		})
	}
	client := clientOf(t, registry.Options{Hosts: hosts(t, text), Mirrors: true})
	if tags, err := client.Tags(t.Context(), own.host+"/library/node"); err != nil || len(tags) == 0 {
		t.Errorf("got %v, %v", tags, err)
	}
}

// TestCertificates: a registry with a certificate of its own is trusted if the
// configuration says so, and not otherwise.
func TestCertificates(t *testing.T) {
	web := httptest.NewTLSServer(memory.New(memory.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(web.Close)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	host := strings.TrimPrefix(web.URL, "https://")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, trusted := range map[string]bool{
		"":                                   false,
		"[registry.%q]\n  http = false\n":    false,
		"[registry.%q]\n  insecure = true\n": true,
		"[registry.%q]\n  http = false\n  ca = [" + fmt.Sprintf("%q", ca) + "]\n": true,
	} {
		if text != "" {
			text = fmt.Sprintf(text, host)
		}
		client := clientOf(t, registry.Options{Hosts: hosts(t, text)})
		_, err := client.Resolve(t.Context(), host+"/acme/node:24")
		answered := err != nil && strings.Contains(err.Error(), "no such image")
		if answered != trusted {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestHostsErrors: what is no buildkitd.toml is refused.
func TestHostsErrors(t *testing.T) {
	for _, text := range []string{"[registry", "[registry.\"a\"]\n  http = 3\n", "[registry.\"a\"]\n  ca = [\"/nowhere/ca.pem\"]\n"} {
		if _, err := registry.ParseHosts([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// FuzzParseHosts: whatever a file says, it is read or refused.
func FuzzParseHosts(f *testing.F) {
	f.Add("[registry.\"docker.io\"]\n  mirrors = [\"a/b\"]\n  http = true\n")
	f.Add("debug = true\n[worker.oci]\n  max-parallelism = 4\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "tls") || strings.Contains(text, "ca") || strings.Contains(text, "key") {
			return // it may name files of this machine
		}
		if h, err := registry.ParseHosts([]byte(text)); (h == nil) == (err == nil) {
			t.Errorf("%v, %v", h, err)
		}
	})
}
