package e2e_test

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mutant is a copy of a good runtime that breaks the contract.
type mutant struct {
	rule     string // that it breaks; "" for a control, which breaks none
	name     string // "" is the name of the rule
	what     string // is wrong with it, in words
	runtime  string // that it is a copy of; "" is node
	edits    []edit
	silent   bool   // it stops answering: what comes after the rule is not asked
	emulated bool   // it is tested on linux/arm64 too
	only     string // platform that it is for; "" is linux/amd64
}

// edit replaces text of a file wherever it stands, which must be somewhere.
type edit struct{ file, old, new string }

func (m mutant) key() string     { return "mutant-" + cmp.Or(m.name, m.rule) }
func (m mutant) id() string      { return m.key() + "-1" }
func (m mutant) copyOf() string  { return cmp.Or(m.runtime, "node") }
func (m mutant) compiled() bool  { return m.copyOf() == "go" }
func (m mutant) files() []string { return sorted(m.edits, func(e edit) string { return e.file }) }

func sorted[T any](list []T, text func(T) string) []string {
	seen := map[string]bool{}
	for _, v := range list {
		seen[text(v)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Texts of the node and go runtimes that mutants change.
const (
	runs       = "  await handler(request, response);\n"
	installs   = "npm install --omit=dev --no-audit --no-fund\n"
	authorizes = "if (!authorized(request)) throw new Failure(401, 'Unauthorized');"
	reads      = "const call = parse(await readBody(request));"
	listens    = "server.listen(3000, '0.0.0.0');"
	becomes    = "exec node --max-semi-space-size=2 /usr/local/src/server.js\n"
	takesKey   = "process.env.INTERNAL_RUNTIME_KEY ?? ''"
	refuses    = "if (request.method !== 'POST')"
	creates    = "http.createServer((request, response) => {\n"
	putRuns    = "if (!['POST', 'PUT'].includes(request.method))"
)

// supervisor starts the server again whenever it ends, and ends with it.
const supervisor = `trap 'kill "$server"; exit 0' TERM
while :; do
    node /usr/local/src/server.js &
    server=$!
    wait "$server" || :
done
`

// mutants break one rule each, at least one for every rule.
func mutants() []mutant {
	return slices.Concat(imageMutants(), startMutants(), requestMutants(), responseMutants(), endMutants(), hostileMutants())
}

func imageMutants() []mutant {
	return []mutant{
		{name: "control", what: "nothing"},
		{name: "control-compiled", what: "nothing", runtime: "go"},
		{rule: "user", what: "the user has another number", edits: []edit{{"Dockerfile", "--uid 2001", "--uid 2002"}}},
		{rule: "folders", what: "/usr/builtCode is missing", edits: []edit{{"Dockerfile", " /usr/builtCode", ""}}},
		{rule: "folders", name: "folders-owner", what: "/usr/builtCode belongs to root", edits: []edit{{"Dockerfile", "appwrite:appwrite /usr/local/src /usr/code /usr/workspace /usr/builtCode", "appwrite:appwrite /usr/local/src /usr/code /usr/workspace"}}},
		{rule: "scripts", what: "launch.sh is not executable", edits: []edit{{"Dockerfile", "build.sh launch.sh ./", "build.sh ./\nCOPY --chmod=0644 launch.sh ./"}}},
		{rule: "build-command", what: "the command ends at once", runtime: "go", edits: []edit{{"Dockerfile", `["tail", "-f", "/dev/null"]`, `["tail", "/dev/null"]`}}},
		{rule: "build", what: "build.sh leaves nothing behind", edits: []edit{{"build.sh", "set -eu\n", "set -eu\ntrap 'find /usr/code -mindepth 1 -delete' EXIT\n"}}},
		{rule: "executable", what: "the executable has another name", runtime: "go", edits: []edit{{"build.sh", "mv runtime /usr/code/runtime", "mv runtime /usr/code/server"}}},
		{rule: "built-platform", what: "build.sh compiles for the other platform", runtime: "go", edits: []edit{{"build.sh", "CGO_ENABLED=0 go build", "GOARCH=arm64 CGO_ENABLED=0 go build"}}},
		{rule: "entrypoint-name", what: "build.sh knows main.go only", runtime: "go", edits: []edit{{"build.sh", `cp -R /usr/code/. "$work"`, `cp /usr/code/main.go /usr/code/go.mod "$work"`}}},
		{rule: "build-failure", what: "build.sh goes on when npm fails", edits: []edit{{"build.sh", installs, "npm install --omit=dev --no-audit --no-fund || true\n"}}},
		{rule: "build-failure", name: "build-silent", what: "build.sh hides what npm says", edits: []edit{{"build.sh", installs, "npm install --omit=dev --no-audit --no-fund 2>/dev/null\n"}}},
		{rule: "dependencies", what: "dependencies stay where they are not packed", edits: []edit{{"build.sh", installs, "npm install --omit=dev --no-audit --no-fund\n    mv node_modules /usr/workspace/\n"}}},
	}
}

func startMutants() []mutant {
	return []mutant{
		{rule: "launch", what: "launch.sh unpacks nothing", edits: []edit{{"launch.sh", "tar -xzf /tmp/code.tar.gz -C /usr/code\n", ""}}},
		{rule: "command", what: "the command is the server without launch.sh", edits: []edit{{"Dockerfile", `CMD ["/usr/local/src/launch.sh"]`, `CMD ["node", "/usr/local/src/server.js"]`}}},
		{rule: "platform", what: "its base is that of the other platform", only: "linux/arm64", edits: []edit{{"Dockerfile", "FROM ${BASE_IMAGE}", "FROM --platform=linux/amd64 ${BASE_IMAGE}"}}},
		{rule: "address", what: "it listens on 127.0.0.1", edits: []edit{{"server.js", listens, "server.listen(3000, '127.0.0.1');"}}},
		{rule: "unprivileged", what: "no USER", edits: []edit{{"Dockerfile", "USER appwrite\n", ""}}},
		{rule: "function", what: "a timeout over 30 s is refused", edits: []edit{{"server.js", "!(timeout > 0)", "!(timeout > 0) || call.timeout > 30"}}},
		{rule: "again", what: "it ends after an answer", edits: []edit{{"server.js", runs, runs + "  setTimeout(() => process.exit(1), 0);\n"}}},
		{rule: "challenge-wrong", what: "what starts with the key is let in", edits: []edit{{"server.js", "timingSafeEqual(digest(challenge), digest(key))", "challenge.startsWith(key)"}}},
		{rule: "challenge-missing", what: "no challenge is let in", edits: []edit{{"server.js", "['x-internal-challenge'] ?? ''", "['x-internal-challenge'] ?? key"}}},
		{rule: "challenge-first", what: "the body is parsed first", edits: []edit{{"server.js", authorizes + "\n  " + reads, reads + "\n  " + authorizes}}},
		{rule: "key-unset", what: "an unset key is the word undefined", edits: []edit{{"server.js", takesKey, "process.env.INTERNAL_RUNTIME_KEY ?? 'undefined'"}}},
		{rule: "key-empty", what: "an empty key equals no challenge", edits: []edit{{"server.js", takesKey, "process.env.INTERNAL_RUNTIME_KEY ?? null"}, {"server.js", "key !== ''", "key !== null"}}},
		{rule: "methods", what: "PUT runs the function", edits: []edit{{"server.js", refuses, putRuns}}},
	}
}

func requestMutants() []mutant {
	return []mutant{
		{rule: "defaults", what: "payload defaults to {}", edits: []edit{{"server.js", "payload = ''", "payload = '{}'"}}},
		{rule: "headers", what: "headers of HTTP are added", edits: []edit{{"server.js", reads, reads + `
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith('x-') && name !== 'x-internal-challenge') call.headers[name] = value;
  }`}}},
		{rule: "payload", what: "payload is trimmed", edits: []edit{{"server.js", "env, headers, payload, timeout: Math", "env, headers, payload: payload.trim(), timeout: Math"}}},
		{rule: "malformed", what: "payload may be a number", edits: []edit{{"server.js", "typeof payload !== 'string'", "typeof payload === 'object'"}}},
		{rule: "malformed", name: "malformed-null", what: "null is no payload", edits: []edit{{"server.js", "typeof payload !== 'string'", "payload !== null && typeof payload !== 'string'"}}},
		{rule: "oversized", what: "bodies of 200 MiB are taken", edits: []edit{{"server.js", "MAX_BODY = 20 *", "MAX_BODY = 200 *"}}},
	}
}

func responseMutants() []mutant {
	return []mutant{
		{rule: "json", what: "json() answers with text/json", edits: []edit{{"server.js", "'application/json', encode(value)", "'text/json', encode(value)"}}},
		{rule: "text", what: "send() answers with text/html", edits: []edit{{"server.js", "text/plain; charset=utf-8", "text/html; charset=utf-8"}}},
		{rule: "status", what: "json() has no status", edits: []edit{{"server.js", "json: (value, status = 200) => answer.write(status", "json: (value) => answer.write(200"}}},
		{rule: "bodiless", what: "status 204 has a body", edits: []edit{{"server.js", "    this.response.end(bytes);\n", "    const { socket } = this.response;\n    this.response.end(bytes);\n    if (status === 204) socket.write(body);\n"}}},
		{rule: "late", what: "a function that has returned has answered", edits: []edit{{"server.js", "await answer.done; // the function may answer after it has returned", "if (!answer.response.writableEnded) throw new Failure(500, 'No answer');"}}},
		{rule: "throws", what: "what was thrown is kept secret", edits: []edit{{"server.js", runs, `  let result;
  try {
    result = handler(request, response);
  } catch {
    throw new Failure(500, 'Function failed');
  }
  await result;
`}}},
		{rule: "rejects", what: "what was rejected is kept secret", edits: []edit{{"server.js", runs, `  await Promise.resolve(handler(request, response)).catch(() => { throw new Failure(500, 'Function failed'); });
`}}},
		{rule: "timeout", what: "timeout is ignored", edits: []edit{{"server.js", "}, call.timeout * 1000);", "}, MAX_TIMEOUT * 1000);"}}},
		{rule: "missing-file", what: "a missing file is 500", edits: []edit{{"server.js", "Failure(404, `Function not found", "Failure(500, `Function not found"}}},
		{rule: "no-function", what: "a file without a function is 500", edits: []edit{{"server.js", "Failure(404, `${source} exports", "Failure(500, `${source} exports"}}},
		{rule: "error-object", what: "errors have a field more", edits: []edit{{"server.js", "JSON.stringify({ code, message })", "JSON.stringify({ code, message, stack: '' })"}}},
	}
}

func endMutants() []mutant {
	return []mutant{
		{rule: "isolation", what: "env leaks into the next request", edits: []edit{
			{"server.js", "env, headers, payload, timeout: Math", "env: { ...previous, ...(previous = env) }, headers, payload, timeout: Math"},
			{"server.js", "class Failure", "let previous = {};\n\nclass Failure"},
		}},
		{rule: "parallel", what: "the request is a global variable", edits: []edit{
			{"server.js", "async function run(call, answer) {\n", "let latest;\nasync function run(call, answer) {\n  latest = call;\n  await new Promise((resolve) => { setTimeout(resolve, 100); });\n"},
			{"server.js", "env: call.env, headers: call.headers, payload: call.payload", "env: latest.env, headers: latest.headers, payload: latest.payload"},
		}},
		{rule: "survives", what: "a file without a function ends it", edits: []edit{{"server.js", "  throw new Failure(404, `${source} exports", "  setTimeout(() => process.exit(1), 0);\n  throw new Failure(404, `${source} exports"}}},
		{rule: "stop", what: "it ignores SIGTERM", edits: []edit{{"server.js", "process.on('SIGTERM', () => {\n", "process.on('SIGTERM', () => {\n  if (key !== '') return;\n"}}},
		{rule: "stop", name: "stop-shell", what: "launch.sh starts it without exec", edits: []edit{{"launch.sh", becomes, "node /usr/local/src/server.js\n"}}},
	}
}

// hostileMutants would keep a careless test from its end, or fool it.
func hostileMutants() []mutant {
	return []mutant{
		{rule: "launch", name: "hangs", what: "it never answers", edits: []edit{{"server.js", creates, creates + "  return;\n"}}},
		{rule: "methods", name: "hangs-later", what: "it never answers a PUT", silent: true, edits: []edit{{"server.js", refuses, "if (request.method === 'PUT') return new Promise(() => {});\n  " + refuses}}},
		{rule: "launch", name: "crashes", what: "it ends at the start", edits: []edit{{"server.js", listens, "throw new Error('no such module');"}}},
		{rule: "launch", name: "garbage", what: "it does not speak HTTP", edits: []edit{{"server.js", listens, "require('node:net').createServer((socket) => socket.end('SSH-2.0-OpenSSH\\r\\n')).listen(3000, '0.0.0.0');"}}},
		{rule: "methods", name: "floods", what: "it floods its log, and PUT runs the function", edits: []edit{
			{"server.js", listens, listens + "\nsetInterval(() => console.error('flood '.repeat(10000)), 5);"}, {"server.js", refuses, putRuns},
		}},
		{rule: "again", name: "again-supervised", what: "a supervisor hides that it ends after an answer", emulated: true, edits: []edit{
			{"server.js", runs, runs + "  setTimeout(() => process.exit(1), 0);\n"}, {"launch.sh", becomes, supervisor},
		}},
		{rule: "survives", name: "survives-supervised", what: "a supervisor hides that a file without a function ends it", edits: []edit{
			{"server.js", "  throw new Failure(404, `${source} exports", "  setTimeout(() => process.exit(1), 0);\n  throw new Failure(404, `${source} exports"}, {"launch.sh", becomes, supervisor},
		}},
	}
}

// writeMutants makes a repository whose runtimes are the mutants.
func writeMutants(t *testing.T, dir string, list []mutant) {
	t.Helper()
	write(t, filepath.Join(dir, "runbake.hcl"), `project {
  registry  = "registry.example/mutants"
  platforms = ["linux/amd64"]
  attest {
    sbom       = false
    provenance = "none"
  }
  test {
    probe = "registry.example/probe:1"
  }
}
`)
	copyTree(t, filepath.Join(root, "runtimes/debian"), filepath.Join(dir, "runtimes/debian"))
	for _, name := range []string{"node", "node-behaviour", "node-broken", "go", "go-behaviour", "go-broken"} {
		copyTree(t, filepath.Join(root, "tests/fixtures", name), filepath.Join(dir, "tests/fixtures", name))
	}
	// Installed already: npm takes most of the time of a test.
	vendored := filepath.Join(dir, "tests/fixtures/node-vendored")
	copyTree(t, filepath.Join(root, "tests/fixtures/node-behaviour"), vendored)
	modules := filepath.Join(vendored, "node_modules")
	if err := errors.Join(os.Mkdir(modules, 0o755), os.Rename(filepath.Join(vendored, "greeting"), filepath.Join(modules, "greeting")), os.Remove(filepath.Join(vendored, "package.json"))); err != nil { //nolint:gosec // another user reads it
		t.Fatal(err)
	}
	for _, m := range list {
		m.write(t, dir)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// definition is that of a mutant.
const definition = `
runtime "KEY" {
  name       = "Mutant"
  kind       = "interpreted"
  entrypoint = "index.js"
  fixture    = "tests/fixtures/node"
  behaviour  = "tests/fixtures/node-behaviour/handler.js"
  broken     = "tests/fixtures/node-broken/index.js"

  version "1" {
    from      = { BASE_IMAGE = "node:24.21.0-bookworm-slim" }
    platforms = ["linux/amd64"]
  }
}
`

var asCompiled = strings.NewReplacer(
	`"interpreted"`, `"compiled"`, `index.js`, `main.go`, `handler.js`, `handler.go`, `fixtures/node`, `fixtures/go`,
	"node:24.21.0-bookworm-slim", "golang:1.26.8-bookworm", "  version", "  run        = base.debian[\"12\"]\n\n  version")

func (m mutant) write(t *testing.T, dir string) {
	t.Helper()
	folder := filepath.Join(dir, "runtimes", m.key())
	copyTree(t, filepath.Join(root, "runtimes", m.copyOf()), folder)
	text := definition
	if m.compiled() {
		text = asCompiled.Replace(text)
	}
	if !slices.Contains(m.files(), "build.sh") && m.rule != "" {
		text = strings.Replace(text, "node-behaviour", "node-vendored", 1)
	}
	if m.emulated {
		text = strings.Replace(text, `["linux/amd64"]`, `["linux/amd64", "linux/arm64"]`, 1)
	}
	if m.only != "" {
		text = strings.Replace(text, `["linux/amd64"]`, `["`+m.only+`"]`, 1)
	}
	write(t, filepath.Join(folder, "runtime.hcl"), strings.Replace(text, "KEY", m.key(), 1))
	for _, e := range m.edits {
		name := filepath.Join(folder, e.file)
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(source), e.old) {
			t.Fatalf("%s: %s has no %q", m.key(), e.file, e.old)
		}
		write(t, name, strings.ReplaceAll(string(source), e.old, e.new))
	}
}
