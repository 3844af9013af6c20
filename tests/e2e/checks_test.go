package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/conformance"
)

// services is a repository of images that are no runtimes: a server whose user can
// write nowhere, an image without a shell, and mutants of both.
const services = `
-- runbake.hcl --
project {
  registry = "registry.example/acme"
  contract = "none"

  check "no keys" {
    files = { "/etc/npmrc" = { exists = false } }
  }
}
-- runtimes/server/runtime.hcl --
runtime "server" {
  name     = "Server"
  from     = { BASE_IMAGE = "debian:bookworm-slim" }

  check "answers" {
    environment = { GREETING = "\"hello\" $PATH %s 'x' \\ ${version.name} é" }
    serves      = { port = 8080, path = "/greet?a=b", body = "^\"hello\" \\$PATH %s 'x' \\\\ ${version.name} é from /greet\\?a=b\n$" }
    files       = { "/srv/serve.pl" = { mode = "0640", owner = "root:nogroup", content = "(?m)^use IO::Socket" } }
  }
  check "refuses" {
    serves = { port = 8080, path = "/nowhere", status = 404 }
  }
  check "reads its arguments" {
    command = ["perl", "/srv/serve.pl", "port"]
    exit    = 2
    stdout  = "^$"
    stderr  = "^port is no number\n$"
  }

  version "good" {}
  version "mutant" {
    args = { PORT = "8081" }

    check "answers" {
      serves = { port = 8081, status = 201, within = "15s" }
    }
    check "refuses" {
      serves = { port = 8080, within = "2s" }
    }
    check "reads its arguments" {
      command = ["perl", "/srv/serve.pl", "port"]
      stderr  = "^$"
    }
    check "passes" {
      command = ["perl", "-v"]
      stdout  = "perl"
    }
  }
}
-- runtimes/server/Dockerfile --
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ARG PORT=8080
ENV CHECKS=none TARGETARCH=none PORT=${PORT} KIND=mine
COPY --chown=0:65534 --chmod=0640 serve.pl /srv/
RUN chmod 0755 /tmp && chmod 0755 /var/tmp
USER 65533:65534
WORKDIR /srv
ENTRYPOINT ["perl", "serve.pl"]
-- runtimes/server/serve.pl --
use IO::Socket;
my $port = $ARGV[0] // $ENV{PORT};
$port =~ /^\d+$/ or do { print STDERR "port is no number\n"; exit 2 };
$ENV{KIND} eq "mine" or die "the image's variables are gone\n";
my $s = IO::Socket::INET->new(LocalPort => $port, Listen => 5, ReuseAddr => 1) or die "cannot listen: $!\n";
while (my $c = $s->accept) {
  my ($method, $path) = split / /, <$c>;
  while (my $line = <$c>) { last if $line =~ /^\r?\n$/ }
  my $status = $path =~ /nowhere/ ? "404 Not Found" : "200 OK";
  print $c "HTTP/1.0 $status\r\n\r\n$ENV{GREETING} from $path\n";
  close $c;
}
-- runtimes/bare/runtime.hcl --
base "bare" {
  name     = "Bare"
  contexts = { programs = "programs" }

  check "runs" {
    command = ["/program", "nonsense"]
    exit    = 1
    stderr  = "^probe: usage: "
  }

  version "good" {}
  version "mutant" {
    check "runs" {
      command = ["/bin/sh", "-c", "true"]
    }
  }
}
-- runtimes/bare/Dockerfile --
FROM scratch
ARG TARGETARCH
COPY --from=programs linux/${TARGETARCH}/probe /program
USER 1234
`

// TestChecks: images that are no runtimes are asked what their definitions ask, on
// both platforms, by runbake and by plain bake: also one that has no shell, and one
// whose user can write nowhere and whose variables are called as ours. What has
// not changed is not asked again, and mutants fail for what is wrong with them.
func TestChecks(t *testing.T) {
	s := newStack(t, "warm", "debian:bookworm-slim")
	dir := t.TempDir()
	unpack(t, dir, services)
	for _, platform := range bothPlatforms {
		name := filepath.Join("programs", platform, "probe")
		program, err := os.ReadFile(filepath.Join(s.Mounted("probe"), platform, "probe"))
		if err != nil {
			t.Fatal(err)
		}
		unpack(t, dir, "-- "+name+" --\n")
		write(t, filepath.Join(dir, name), string(program))
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil { //nolint:gosec // it is run by others
			t.Fatal(err)
		}
	}
	probe := "--probe=" + s.Mounted("probe")
	good := []string{"bare-good", "server-good", probe, "--platform=all"}
	first := s.test(t, dir, append(good, "--no-cache")...)
	checkRuns(t, first, 4, false)
	for _, r := range first.runs {
		if want := map[string]int{"bare-good": 2, "server-good": 4}[r.ID]; r.Report == nil ||
			len(r.Report.Results) != want {
			t.Errorf("%s has %+v", r.ID, r.Report)
		}
	}
	second := s.test(t, dir, good...)
	t.Logf("%.1f s, from the cache %.1f s", first.took.Seconds(), second.took.Seconds())
	checkRuns(t, second, 4, true)

	mutants := s.test(t, dir, "bare-mutant", "server-mutant", probe, "--platform=all")
	if mutants.code != 1 || len(mutants.runs) != 4 {
		t.Fatalf("exit code %d, %d runs\n%s", mutants.code, len(mutants.runs), mutants.stderr)
	}
	want := map[string]string{
		"bare-mutant": "no keys: pass\n" +
			"runs: want a command that starts, got fork/exec /bin/sh: no such file or directory\n",
		"server-mutant": "no keys: pass\n" +
			"answers: want status 201 for GET / within 15s, got status 200, \" from /\\n\"\n" +
			"refuses: want status 200 for GET / within 2s, got Get \"http://127.0.0.1:8080/\": dial tcp 127.0.0.1:8080: connect: connection refused\n" +
			"reads its arguments: want exit code 0; stderr that matches \"^$\", got exit code 2; \"port is no number\\n\"\n" +
			"passes: pass\n",
	}
	for _, r := range mutants.runs {
		if r.Report == nil {
			t.Errorf("%s on %s: %s", r.ID, r.Platform, r.Error)
			continue
		}
		if got := verdicts(r.Report); got != want[r.ID] {
			t.Errorf("%s on %s:\n%swant\n%s", r.ID, r.Platform, got, want[r.ID])
		}
	}

	if out := s.runbake(t, dir, "generate"); out.code != 0 {
		t.Fatal(out.stderr)
	}
	env := []string{"PROBE=" + s.Mounted("probe")}
	allow := "--allow=fs.read=" + s.Mounted("probe")
	if _, progress, err := s.buildx.RunBoth(t.Context(), dir, env, "bake", "--progress=plain", "--no-cache", allow, "check-server-good", "check-bare-good"); err != nil ||
		!strings.Contains(progress, "4 passed") {
		t.Errorf("%v\n%s", err, progress)
	}
	if _, progress, err := s.buildx.RunBoth(t.Context(), dir, env, "bake", "--progress=plain", "--no-cache", allow, "test-bare"); err == nil ||
		!strings.Contains(progress, "1 of 2 failed") {
		t.Errorf("%v\n%s", err, progress)
	}
}

// verdicts are those of a report, one a line.
func verdicts(report *conformance.Report) string {
	var b strings.Builder
	for _, r := range report.Results {
		text := string(r.Verdict)
		if r.Verdict == conformance.Fail {
			text = "want " + r.Want + ", got " + r.Got
		}
		b.WriteString(r.Check + ": " + text + "\n")
	}
	return b.String()
}
