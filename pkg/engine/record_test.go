package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/buildx/util/progress"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// silent is a display that shows nothing.
type silent struct{ progress.Writer }

func (silent) Write(*client.SolveStatus) {}

func at(second int) *time.Time {
	t := time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC)
	return &t
}

func TestRecorder(t *testing.T) {
	r := newRecorder(silent{}, []string{"go-1_26", "node-22"})
	step := func(id, name string, cached bool, failed string) *client.Vertex {
		return &client.Vertex{Digest: digest.FromString(id), Name: name, Started: at(1), Completed: at(4), Cached: cached, Error: failed}
	}
	r.Write(&client.SolveStatus{Vertexes: []*client.Vertex{
		{Digest: digest.FromString("from"), Name: "[node-22 linux/amd64 1/3] FROM node"},
		{Digest: digest.FromString("run"), Name: "[node-22 linux/amd64 3/3] RUN npm ci"},
	}})
	r.Write(&client.SolveStatus{
		Vertexes: []*client.Vertex{
			step("internal", "[node-22 internal] load build definition from Dockerfile", false, ""),
			step("from", "[node-22 linux/amd64 1/3] FROM node", true, ""),
			step("copy", "[node-22 linux/amd64 2/3] COPY . .", true, ""),
			step("run", "[node-22 linux/amd64 3/3] RUN npm ci", false, "exit code: 1"),
			step("other", "[node-22 linux/arm64 3/3] RUN npm ci", false, "context canceled"),
			step("copy", "[go-1_26 linux/amd64 build 2/2] COPY . .", true, ""),
			step("export", "[go-1_26] exporting to image", false, ""),
		},
		Logs: []*client.VertexLog{
			{Vertex: digest.FromString("run"), Data: []byte(strings.Repeat("noise\n", logLines))},
			{Vertex: digest.FromString("run"), Data: []byte("npm err")},
			{Vertex: digest.FromString("run"), Data: []byte("or\r\nlast")},
		},
	})
	node := Result{Err: errors.New("x")}
	r.fill("node-22", &node)
	if node.Steps != 3 || node.Cached != 1 || node.Step != "[linux/amd64 3/3] RUN npm ci" || node.Took != 3*time.Second {
		t.Errorf("node-22: %+v", node)
	}
	if len(node.Log) != logLines || !slices.Equal(node.Log[logLines-2:], []string{"npm error", "last"}) {
		t.Errorf("the log ends with %q", node.Log)
	}
	var golang Result
	r.fill("go-1_26", &golang)
	if golang.Steps != 1 || golang.Cached != 1 || golang.Step != "" || golang.Log != nil {
		t.Errorf("go-1_26: %+v", golang)
	}
}

// TestRecorderAlone: with one target, buildx does not name it.
func TestRecorderAlone(t *testing.T) {
	r := newRecorder(silent{}, []string{"node-22"})
	r.Write(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: "a", Name: "[2/2] RUN x", Cached: true}}})
	var result Result
	r.fill("node-22", &result)
	if result.Steps != 1 || result.Cached != 1 {
		t.Errorf("%+v", result)
	}
}
