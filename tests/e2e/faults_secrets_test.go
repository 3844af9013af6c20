package e2e_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runbake/runbake/tests/bench"
)

// Secrets that are planted, and what is no secret and must be found where it is
// looked for: else nothing would be proved by not finding the others.
const (
	user         = "somebody"
	password     = "planted-password-5d41402a"
	environment  = "planted-token-7d793037"
	controlLabel = "planted-label-76b1cf2f"
)

// planted are the secrets in all ways in which they are written.
func planted() []string {
	return []string{password, base64.StdEncoding.EncodeToString([]byte(user + ":" + password)), base64.StdEncoding.EncodeToString([]byte(password)), environment}
}

// faultSecrets: the password of a registry, and what else is in the environment,
// is in no output, no metadata, no image, no cache, no log and no process's
// arguments, whether things go well or not.
func faultSecrets(t *testing.T, b *bench.Bench) {
	l := newLane(t, b, "secrets", bench.BuildKitOptions{})
	for family := range families {
		l.change(t, family, controlLabel)
	}
	l.proxy.Login(user, password)
	e, err := b.Embedded("")
	if err != nil {
		t.Fatal(err)
	}
	home, config := t.TempDir(), filepath.Join(t.TempDir(), "buildkitd.toml")
	write(t, config, b.RegistriesConfig()+fmt.Sprintf("[registry.%q]\n  http = true\n", l.proxy.Addr))
	if err := os.Mkdir(filepath.Join(home, ".docker"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, ".docker", "config.json"), fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, l.proxy.Addr, planted()[1]))
	l.env = slices.Concat(e.Env, []string{
		"HOME=" + home, "RUNBAKE_BUILDKITD_CONFIG=" + config, "REGISTRY=" + l.proxy.Addr + "/secrets", "CACHE=registry", "SOME_TOKEN=" + environment, l.mark(),
	})

	stop := watchArguments(t)
	metadata := filepath.Join(t.TempDir(), "metadata.json")
	var said strings.Builder
	good := l.run(t, nil, nil, push("--metadata-file="+metadata)...)
	good.become(t, 0, "pushed", "pushed", "pushed")
	published := l.run(t, nil, nil, l.publish(l.proxy.Addr, l.builtElsewhere(t, l.proxy.Addr, controlLabel))...)
	if published.code != 0 {
		t.Errorf("%v", published)
	}
	l.proxy.Login(user, password+"x")
	refused := l.run(t, nil, nil, push("--force")...)
	l.proxy.Login(user, password)
	l.proxy.Inject(bench.Fault{Kind: bench.FaultStatus, Status: http.StatusForbidden, On: bench.ManifestWrite, From: 1})
	denied := l.run(t, nil, nil, push("--force")...)
	denied.become(t, 1, "failed", "failed", "failed")
	l.proxy.Inject()
	doctor := l.run(t, nil, nil, "doctor")
	if refused.code != 1 {
		t.Errorf("%v", refused)
	}
	for _, r := range []*outcome{good, published, refused, denied, doctor} {
		said.WriteString(r.stdout + r.stderr)
	}
	for _, text := range []string{said.String(), stop(), read(t, metadata)} {
		clean(t, "what was said", []byte(text))
	}
	for _, dir := range []string{e.State, filepath.Join(home, ".docker", "buildx"), b.Storage(), l.dir} {
		control := searched(t, dir)
		if found := bytes.Contains(control, []byte(controlLabel)); !found && dir != filepath.Join(home, ".docker", "buildx") {
			t.Errorf("%s does not have the label that was planted: the search is good for nothing", dir)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// clean looks for secrets in a text.
func clean(t *testing.T, what string, text []byte) {
	t.Helper()
	for _, secret := range planted() {
		if at := bytes.Index(text, []byte(secret)); at >= 0 {
			t.Errorf("%s has a secret: …%q…", what, text[max(0, at-80):min(len(text), at+80)])
		}
	}
}

// searched looks for secrets in all files of a folder, compressed ones too, and
// returns the control label if one of them has it.
func searched(t *testing.T, dir string) (control []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) || err == nil && !d.Type().IsRegular() {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		clean(t, name, text)
		if plain, err := gzip.NewReader(bytes.NewReader(text)); err == nil {
			inside, err := io.ReadAll(plain)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			clean(t, name, inside)
		}
		if bytes.Contains(text, []byte(controlLabel)) {
			control = []byte(controlLabel)
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return control
}

// watchArguments collects the arguments of all processes until it is stopped.
func watchArguments(t *testing.T) (stop func() string) {
	t.Helper()
	seen := map[string]bool{}
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			files, err := filepath.Glob("/proc/[0-9]*/cmdline")
			if err != nil {
				t.Error(err)
			}
			for _, name := range files {
				if text, err := os.ReadFile(name); err == nil { // else it has ended
					seen[string(text)] = true
				}
			}
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	return func() string {
		close(done)
		group.Wait()
		var all strings.Builder
		for line := range seen {
			all.WriteString(line + "\n")
		}
		if !strings.Contains(all.String(), "--metadata-file") {
			t.Error("the arguments of runbake were not seen")
		}
		return all.String()
	}
}
