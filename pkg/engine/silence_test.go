package engine

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/buildx/build"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// TestWaiting: nothing but registries is waited for when every step under way is
// one that asks them.
func TestWaiting(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		steps string // separated by commas; those that are done begin with a dash
		want  map[string]string
	}{
		"nothing":         {"-[a 1/2] FROM x,-[a 2/2] RUN y", map[string]string{}},
		"an image":        {"-[a internal] load .dockerignore,[a linux/amd64 1/2] FROM x", map[string]string{"a": "[linux/amd64 1/2] FROM x"}},
		"metadata":        {"[a internal] load metadata for x:1", map[string]string{"a": "[internal] load metadata for x:1"}},
		"pushing":         {"-[a 2/2] RUN y,[a] exporting to image", map[string]string{"a": "exporting to image"}},
		"caches":          {"[a] importing cache manifest from x,[b] exporting cache to registry", map[string]string{"a": "importing cache manifest from x", "b": "exporting cache to registry"}},
		"nodes":           {"[a] merging manifest list x", map[string]string{"a": "merging manifest list x"}},
		"credentials":     {"[auth] x:pull token for docker.io", map[string]string{"auth": "x:pull token for docker.io"}},
		"a step":          {"[a] exporting to image,[b 2/2] RUN sleep 1000", nil},
		"a copy":          {"[a] exporting to image,[b 2/2] COPY . .", nil},
		"a scan":          {"[a] exporting to image,[b] generating sbom using x", nil},
		"files":           {"[a internal] load build context", nil},
		"a step of names": {"[a 2/2] RUN echo exporting to image", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(silent{}, []string{"a", "b"})
			for step := range strings.SplitSeq(c.steps, ",") {
				step, done := strings.CutPrefix(step, "-")
				v := &client.Vertex{Name: step, Digest: digest.FromString(step), Started: &now}
				if done {
					v.Completed = &now
				}
				r.Write(&client.SolveStatus{Vertexes: []*client.Vertex{v}})
			}
			if got := r.waiting(); !maps.Equal(got, c.want) {
				t.Errorf("waits for %q, want %q", got, c.want)
			}
		})
	}
}

// TestListen: a build goes on while anything is heard, and is ended when nothing
// is.
func TestListen(t *testing.T) { synctest.Test(t, testListen) }

func testListen(t *testing.T) {
	e := &Engine{options: Options{Silence: 600 * time.Millisecond}}
	record := newRecorder(silent{}, []string{"a", "b"})
	now := time.Now()
	begin := now
	ctx, stop := e.listen(t.Context(), record)
	defer stop()
	tick := time.NewTicker(e.options.Silence / 20)
	defer tick.Stop()
	step := digest.FromString("a")
	record.Write(&client.SolveStatus{Vertexes: []*client.Vertex{{Name: "[a] exporting to image", Digest: step, Started: &now}}})
	layer := func(bytes int64) {
		record.Write(&client.SolveStatus{Statuses: []*client.VertexStatus{{ID: "layer", Vertex: step, Current: bytes, Total: 100}}})
	}
	for bytes := range int64(30) {
		layer(bytes)
		select {
		case <-ctx.Done():
			t.Fatal("it was ended although something was heard")
		case <-tick.C:
		}
	}
	for ctx.Err() == nil { // the same again and again
		layer(29)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	if took := time.Since(begin); took < 2*e.options.Silence || took > 3*e.options.Silence {
		t.Errorf("it was ended after %v", took)
	}
	results := map[string]Result{
		"a": {Err: context.Canceled, Aborted: true, Step: "x"}, "b": {Err: context.Canceled, Aborted: true}, "c": {},
	}
	options := map[string]build.Options{"a": {Tags: []string{"r/a:1", "r/a:2"}}, "b": {}, "c": {}}
	if !silenced(ctx, results, options) {
		t.Fatal("it does not know why it was ended")
	}
	want := "exporting to image r/a:1: the registry has said nothing for 600ms; try later, or give it more time with --registry-timeout"
	if a := results["a"]; a.Aborted || a.Step != "" || a.Err.Error() != want {
		t.Errorf("%+v, want %s", a, want)
	}
	if again, _ := Transient(results["a"].Err); again {
		t.Error("it would be waited for as long again")
	}
	if b := results["b"]; !b.Aborted || !errors.Is(b.Err, context.Canceled) || results["c"].Err != nil {
		t.Errorf("the others are %+v", results)
	}
	options["d"] = build.Options{Linked: true}
	unbegun(results, options, nil)
	if d := results["d"]; len(results) != 4 || d.Err == nil || !d.Aborted || !d.Linked || results["c"].Err != nil {
		t.Errorf("what was not begun is %+v", results)
	}
	if silenced(t.Context(), results, options) {
		t.Error("nothing was ended")
	}
}
