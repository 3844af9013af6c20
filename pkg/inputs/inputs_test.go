package inputs_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/inputs"
)

// build is one image of the folder "app", with everything that can count.
func build() bake.Build {
	t := &bake.Target{
		Name: "app-1", ID: "app-1", Context: "app", Stage: "final",
		Contexts:  map[string]string{"common": "common", "pinned": "docker-image://redis@sha256:0", "acme/base:1": "target:base-1"},
		Args:      map[string]string{"BASE": "debian:12", "LEVEL": "2"},
		Platforms: []string{"linux/amd64", "linux/arm64"},
		Image:     "app", Tags: []string{"1"},
		Labels: map[string]string{"title": "App 1"},
		Bases:  []catalogue.Image{{Ref: "debian:12", Arg: "BASE", Root: true}, {Ref: "tool:3"}},
		Needs:  []string{"base-1"},
	}
	return bake.Build{
		Target: t, Platforms: t.Platforms, Tags: []string{"docker.io/acme/app:1"},
		Labels: map[string]string{"title": "App 1", "revision": "abc"},
		Attest: []bake.Attributes{{"type": "provenance", "mode": "max"}},
	}
}

func base() bake.Build {
	t := &bake.Target{Name: "base-1", Context: "base", Platforms: []string{"linux/amd64"}}
	return bake.Build{Target: t, Platforms: t.Platforms}
}

func repository() fstest.MapFS {
	return fstest.MapFS{
		"app/Dockerfile": file("ARG BASE\nFROM ${BASE} AS final\nARG LEVEL\nCOPY src/ server.js link /app/\nCOPY --from=common /sh /sh\n" +
			"COPY --from=tool:3 / /t\nCOPY --from=pinned / /r\nCOPY --from=acme/base:1 / /b\n"),
		"app/.dockerignore":  file("# tests\n**/*_test.js\n"),
		"app/server.js":      file("server"),
		"app/link":           &fstest.MapFile{Data: []byte("linked/a.txt"), Mode: fs.ModeSymlink | 0o777},
		"app/linked/a.txt":   file("linked"),
		"app/src/a.js":       file("a"),
		"app/src/a_test.js":  file("test"),
		"app/src/run.sh":     &fstest.MapFile{Data: []byte("run"), Mode: 0o755},
		"app/README.md":      file("read me"),
		"app/runtime.hcl":    file("definition"),
		"common/sh":          file("sh"),
		"common/unused":      file("unused"),
		"base/Dockerfile":    file("FROM scratch\nCOPY root /\n"),
		"base/root/etc/name": file("base"),
	}
}

func file(text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(text), Mode: 0o644}
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func of(t *testing.T, fsys fs.FS, o inputs.Options, builds ...bake.Build) map[string]*inputs.Target {
	t.Helper()
	targets, err := inputs.Of(t.Context(), fsys, builds, o)
	if err != nil {
		t.Fatal(err)
	}
	return targets
}

// TestChanges: what changes an id, and what is said of it. "" is nothing.
func TestChanges(t *testing.T) {
	cases := []struct {
		name   string
		change func(m fstest.MapFS, b *bake.Build, o *inputs.Options)
		want   string
	}{
		{"nothing", func(fstest.MapFS, *bake.Build, *inputs.Options) {}, ""},
		{"file", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/server.js"] = file("new") }, "context app: server.js changed"},
		{"new file", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/src/b.js"] = file("b") }, "context app: src/b.js added"},
		{"file is gone", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { delete(m, "app/src/a.js") }, "context app: src/a.js removed"},
		{"file that is not taken", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/README.md"] = file("new") }, ""},
		{"file that is ignored", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/src/a_test.js"] = file("new") }, ""},
		{"ignore file, same effect", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) {
			m["app/.dockerignore"] = file("src/*_test.js\n")
		}, ""},
		{"ignore file, other effect", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/.dockerignore"] = file("") }, "context app: src/a_test.js added"},
		{"ignore file of the Dockerfile", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) {
			m["app/Dockerfile.dockerignore"] = file("src/a.js\n")
		}, "context app: src/a.js removed\ncontext app: src/a_test.js added"},
		{"mode", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/src/run.sh"].Mode = 0o644 }, "context app: src/run.sh has mode 0644, had 0755"},
		{"file behind a link", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/linked/a.txt"] = file("new") }, "context app: linked/a.txt changed"},
		{"link", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/link"].Data = []byte("server.js") }, "context app: link changed\ncontext app: linked removed\ncontext app: linked/a.txt removed"},
		{"link becomes a file", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/link"] = file("linked") }, "context app: link is of another type\ncontext app: linked removed\ncontext app: linked/a.txt removed"},
		{"Dockerfile", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) {
			m["app/Dockerfile"].Data = append(m["app/Dockerfile"].Data, "RUN x\n"...)
		}, "Dockerfile app/Dockerfile changed"},
		{"definition", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["app/runtime.hcl"] = file("new") }, ""},
		{"named context", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["common/sh"] = file("new") }, "context common: sh changed"},
		{"named context, what is not taken", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["common/unused"] = file("new") }, ""},
		{"image that it is built on", func(m fstest.MapFS, _ *bake.Build, _ *inputs.Options) { m["base/root/etc/name"] = file("new") }, "image base-1 changed"},
		{"named context that is an image", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) {
			b.Contexts["pinned"] = "docker-image://redis@sha256:1"
		}, "reference pinned changed from docker-image://redis@sha256:0 to docker-image://redis@sha256:1"},
		{"argument", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) { b.Args["LEVEL"] = "3" }, "argument LEVEL changed from 2 to 3"},
		{"new argument", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) { b.Args["NEW"] = "" }, "argument NEW () added"},
		{"base", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) {
			b.Args["BASE"], b.Bases[0].Ref = "debian:13", "debian:13"
		}, "base BASE changed from debian:12 to debian:13"},
		{"digest of a base", func(_ fstest.MapFS, _ *bake.Build, o *inputs.Options) {
			o.Bases = map[string]string{"tool:3": "sha256:1"}
		}, "base tool:3 changed from tool:3 to tool:3@sha256:1"},
		{"platform", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) { b.Platforms = b.Platforms[:1] }, "platform linux/arm64 removed"},
		{"order of platforms", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) {
			b.Platforms = []string{"linux/arm64", "linux/amd64"}
		}, ""},
		{"label", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) { b.Target.Labels["title"] = "App" }, "label title changed from App 1 to App"},
		{"revision", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) { b.Labels["revision"] = "def" }, ""},
		{"stage", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) { b.Stage = "" }, "stage final removed"},
		{"attestation", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) { b.Attest[0]["mode"] = "min" }, "attestation provenance changed from mode=max,type=provenance to mode=min,type=provenance"},
		{"tag", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) { b.Tags = []string{"ghcr.io/acme/app:1"} }, ""},
		{"cache", func(_ fstest.MapFS, b *bake.Build, _ *inputs.Options) {
			b.CacheFrom = []bake.Attributes{{"type": "gha"}}
		}, ""},
		{"folder has another name", func(m fstest.MapFS, b *bake.Build, _ *inputs.Options) {
			for name, f := range maps.Clone(m) {
				if rest, found := strings.CutPrefix(name, "app/"); found {
					delete(m, name)
					m["moved/"+rest] = f
				}
			}
			b.Context = "moved"
		}, ""},
	}
	before := of(t, repository(), inputs.Options{}, build(), base())["app-1"]
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fsys, b, o := repository(), build(), inputs.Options{}
			c.change(fsys, &b, &o)
			after := of(t, fsys, o, base(), b)["app-1"]
			changes := strings.Join(inputs.Compare(before.Components, after.Components), "\n")
			if changes != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", changes, c.want)
			}
			if same := after.ID == before.ID; same != (c.want == "") {
				t.Errorf("the ids are the same: %t", same)
			}
		})
	}
}

// TestID pins an id: when it changes, all images are built again.
func TestID(t *testing.T) {
	const want = "sha256:657a4b131df113d66308e3f3a251aa28d53541e97ee3a6850f83690e64ca5599"
	if got := of(t, repository(), inputs.Options{}, build(), base())["app-1"].ID; got != want {
		t.Errorf("the id is %s; if that is meant, raise the format", got)
	}
}

func TestErrors(t *testing.T) {
	cases := []struct {
		name   string
		change func(m fstest.MapFS, b *bake.Build)
		want   string
	}{
		{"no Dockerfile", func(m fstest.MapFS, _ *bake.Build) { delete(m, "app/Dockerfile") }, "app-1: open app/Dockerfile: file does not exist"},
		{"broken Dockerfile", func(m fstest.MapFS, _ *bake.Build) { m["app/Dockerfile"] = file("FORM x") }, "app-1: app/Dockerfile:1,1-7: Dockerfile cannot be parsed; There is no instruction FORM. Did you mean FROM?"},
		{"broken ignore file", func(m fstest.MapFS, _ *bake.Build) { m["app/.dockerignore"] = file("a[") }, `app-1: app/.dockerignore: "a[": syntax error in pattern`},
		{"no folder", func(_ fstest.MapFS, b *bake.Build) { b.Contexts["common"] = "nowhere" }, "open nowhere: file does not exist"},
		{"no such target", func(_ fstest.MapFS, b *bake.Build) { b.Contexts["acme/base:1"] = "target:base-2" }, "app-1 is built on base-2, which is not among the builds"},
		{"itself", func(_ fstest.MapFS, b *bake.Build) { b.Contexts["acme/base:1"] = "target:app-1" }, "app-1 is built on itself"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fsys, b := repository(), build()
			c.change(fsys, &b)
			_, err := inputs.Of(t.Context(), fsys, []bake.Build{b, base()}, inputs.Options{})
			if err == nil || err.Error() != c.want {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
}

// TestReach: what is asked for, and what that is built on, in the given order.
func TestReach(t *testing.T) {
	other, onApp := base(), base()
	other.Target = &bake.Target{Name: "other-1"}
	onApp.Target = &bake.Target{Name: "on-app-1", Contexts: map[string]string{"x": "target:app-1"}}
	all := []bake.Build{onApp, base(), other, build()}
	for want, names := range map[string][]string{
		"": nil, "base-1": {"base-1"}, "base-1 app-1": {"app-1"}, "on-app-1 base-1 app-1": {"on-app-1"},
		"base-1 other-1 app-1": {"app-1", "other-1", "base-1"}, "other-1": {"other-1", "nothing"},
	} {
		var got []string
		for _, b := range inputs.Reach(all, names) {
			got = append(got, b.Name)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q reach %q, want %q", names, s, want)
		}
	}
}

// TestOnce: a file is hashed once, however many targets take it.
func TestOnce(t *testing.T) {
	fsys := repository()
	calls := make(chan string, 100)
	read := inputs.ReadHash(fsys)
	hash := func(name string, info fs.FileInfo) (string, error) {
		calls <- name
		return read(name, info)
	}
	var builds []bake.Build
	for i := range 5 {
		b := build()
		b.Name = fmt.Sprintf("app-%d", i)
		b.Args["LEVEL"] = strconv.Itoa(i)
		builds = append(builds, b)
	}
	targets := of(t, fsys, inputs.Options{Hash: hash}, append(builds, base())...)
	close(calls)
	var names []string
	for name := range calls {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{"app/linked/a.txt", "app/server.js", "app/src/a.js", "app/src/run.sh", "base/root/etc/name", "common/sh"}
	if !slices.Equal(names, want) {
		t.Errorf("hashed %q, want %q", names, want)
	}
	if targets["app-1"].ID == targets["app-2"].ID {
		t.Error("different arguments, but the same id")
	}
}

// backwards lists folders the other way round.
type backwards struct{ fstest.MapFS }

func (b backwards) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := b.MapFS.ReadDir(name)
	slices.Reverse(entries)
	return entries, err
}

// FuzzOf: whatever Dockerfile and ignore file there is, there is an answer, the
// same for any order of files.
func FuzzOf(f *testing.F) {
	m := repository()
	f.Add(string(m["app/Dockerfile"].Data), string(m["app/.dockerignore"].Data), "dir/x")
	f.Add("FROM scratch\nCOPY . /\n", "*\n!dir", "dir-2")
	f.Add("FROM scratch\nCOPY l* d*/x /\n", "**/x\n!**/y\n[", "dir/../../x")
	f.Add("FROM scratch\nRUN --mount=source=/link true\n", "!", "/")
	f.Add("FROM common\nADD --exclude=*.js . /\n", "\\\n# x\n!a/**/b\n", "server.js")
	f.Fuzz(func(t *testing.T, dockerfile, ignore, link string) {
		if strings.Contains(link, "link") {
			t.Skip("fstest follows a link to itself for ever")
		}
		m := repository()
		m["app/Dockerfile"], m["app/.dockerignore"], m["app/link"].Data = file(dockerfile), file(ignore), []byte(link)
		m["app/dir/x"], m["app/dir-2"] = file("x"), file("y")
		b := build()
		b.Stage = ""
		builds := []bake.Build{b, base()}
		targets, err := inputs.Of(t.Context(), m, builds, inputs.Options{})
		slices.Reverse(builds)
		again, againErr := inputs.Of(t.Context(), backwards{m}, builds, inputs.Options{})
		if (err == nil) != (againErr == nil) {
			t.Fatalf("%v, and the other way round %v", err, againErr)
		}
		if err != nil {
			return
		}
		if changes := inputs.Compare(targets["app-1"].Components, again["app-1"].Components); len(changes) > 0 || targets["app-1"].ID != again["app-1"].ID {
			t.Errorf("it depends on the order of files: %q", changes)
		}
	})
}
