package registry_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestHostileAnswers: a registry that says more than any has to say is an error,
// soon, and names what it was asked for.
func TestHostileAnswers(t *testing.T) {
	s := newServer(t)
	endless := func(w io.Writer) {
		piece := bytes.Repeat([]byte(" "), 1<<20)
		for range 64 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}
	manifest := func(w http.ResponseWriter, r *http.Request, mediaType, text string) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))))
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		if r.Method == http.MethodGet {
			fmt.Fprint(w, text)
		}
	}
	digest := "sha256:" + strings.Repeat("0", 64)
	entry := `{"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1, "digest": "` + digest + `"}`
	asked := 0
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		ask    func(image string) error
		want   string
	}{
		"pages without end": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", fmt.Sprintf(`</v2/acme/node/tags/list?last=%d>; rel="next"`, asked))
				fmt.Fprint(w, `{"tags": ["a"]}`)
			},
			func(image string) error { _, err := client(t, never).Tags(t.Context(), image); return err },
			"its list of tags has no end: more than 1000 pages or 1000000 tags",
		},
		"an answer without end": {
			func(w http.ResponseWriter, _ *http.Request) { endless(w) },
			func(image string) error { _, err := client(t, quick).Tags(t.Context(), image); return err },
			"its answer is larger than 32 MiB",
		},
		"an error without end": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest); endless(w) },
			func(image string) error { _, err := client(t, quick).Tags(t.Context(), image); return err },
			"unexpected answer of the registry",
		},
		"an index of 40,000 entries": {
			func(w http.ResponseWriter, r *http.Request) {
				manifest(w, r, "application/vnd.oci.image.index.v1+json", `{"schemaVersion": 2, "manifests": [`+strings.Repeat(entry+",", 39_999)+entry+`]}`)
			},
			func(image string) error { _, err := client(t, quick).Resolve(t.Context(), image); return err },
			"its index has 40000 entries; 1000 are read",
		},
		"a large configuration": {
			func(w http.ResponseWriter, r *http.Request) {
				manifest(w, r, "application/vnd.oci.image.manifest.v1+json", `{"schemaVersion": 2, "layers": [], "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 10000000000, "digest": "`+digest+`"}}`)
			},
			func(image string) error { _, err := client(t, quick).Resolve(t.Context(), image); return err },
			"its configuration has 10000000000 bytes; 8388608 are read",
		},
		"led to another machine without TLS": {
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://192.0.2.1/x", http.StatusTemporaryRedirect)
			},
			func(image string) error { _, err := client(t, quick).Resolve(t.Context(), image); return err },
			`192.0.2.1 is asked without TLS only where a buildkitd.toml says so: [registry."192.0.2.1"] http = true`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			asked = 0
			s.set(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				asked++
				if r.URL.Path == "/v2/" {
					return false
				}
				c.answer(w, r)
				return true
			})
			err := c.ask(s.host + "/acme/node")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), s.host+"/acme/node") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if asked > 1010 {
				t.Errorf("it was asked %d times", asked)
			}
		})
	}
}

// TestUnprotected: credentials do not go to another machine without TLS, also
// when a registry names it as the one that gives tokens.
func TestUnprotected(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("DOCKER_CONFIG", dir)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), fmt.Appendf(nil, `{"auths": {%q: {"auth": "bWU6aHVudGVyMg=="}}}`, s.host), 0o600); err != nil {
		t.Fatal(err)
	}
	s.set(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://192.0.2.1/token",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	if _, err := client(t, quick).Resolve(t.Context(), s.host+"/acme/node:24"); err == nil || !strings.Contains(err.Error(), `192.0.2.1 is asked without TLS only where a buildkitd.toml says so: [registry."192.0.2.1"] http = true`) {
		t.Errorf("got %v", err)
	}
}
