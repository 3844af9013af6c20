package registry_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecrets: credentials of Docker's configuration reach the registry, and no
// error, not even when the registry repeats them.
func TestSecrets(t *testing.T) {
	const password, token = "hunter2-planted", "bearer-planted"
	basic := base64.StdEncoding.EncodeToString([]byte("me:" + password))
	s := newServer(t)
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("DOCKER_CONFIG", dir)
	config := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config(fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, s.host, basic))
	for _, scheme := range []string{"Basic", "Bearer"} {
		for _, code := range []int{400, 401, 403, 404, 429, 503} {
			sent := ""
			s.set(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				auth := r.Header.Get("Authorization")
				switch r.URL.Path {
				case "/v2/":
					w.Header().Set("WWW-Authenticate", scheme+` realm="http://`+s.host+`/token",service="x"`)
					w.WriteHeader(http.StatusUnauthorized)
				case "/token":
					fmt.Fprintf(w, `{"token": %q}`, token)
				default:
					sent += auth
					w.WriteHeader(code)
					fmt.Fprintf(w, `{"errors": [{"code": "X", "message": %q}]}`, "you sent "+auth+" "+password)
				}
				return true
			})
			_, err := client(t, never).Resolve(t.Context(), s.host+"/acme/node:24")
			if err == nil {
				t.Fatal("no error")
			}
			for _, secret := range []string{token, basic, password} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s %d: a secret is in %s", scheme, code, err)
				}
			}
			if want := map[string]string{"Basic": basic, "Bearer": token}[scheme]; !strings.Contains(sent, want) {
				t.Errorf("%s was not sent, but %q", scheme, sent)
			}
		}
	}

	// A helper that fails prints what it likes.
	helper := filepath.Join(dir, "docker-credential-planted")
	if err := os.WriteFile(helper, []byte("#!/bin/sh\necho "+password+"\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	config(`{"credsStore": "planted"}`)
	s.set(nil)
	_, err := client(t, never).Resolve(t.Context(), s.host+"/acme/node:24")
	want := fmt.Sprintf("%s/acme/node:24: the credentials for %s cannot be read (error getting credentials - err: exit status 1); try docker login %s", s.host, s.host, s.host)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
