package conformance_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"testing"
	"unicode"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/conformance"
)

var update = flag.Bool("update", false, "write the golden files")

const golden = "testdata/formats.txtar"

// runs has one of each: all passed, some failed, from the cache, not built.
func runs() []conformance.Run {
	failing := all(func(rule string, r *conformance.Result) {
		switch rule {
		case "executable", "built-platform", "build-command":
			r.Verdict, r.Reason = conformance.NotRun, "an interpreted runtime has none"
		case "methods":
			r.Verdict, r.Want, r.Got = conformance.Fail, "status 405 for PUT", "status 200, text/html: <b>\x1b[31mred\u202e & \"more\"</b>"
			r.Log, r.Seconds = "GET /\r\n\x1b]0;title\x07 a tab\there\nno newline", 1.5
		case "stop":
			r.Verdict, r.Want, r.Got = conformance.Fail, "its end within 10s of SIGTERM", "it runs on"
		}
	})
	started := all(good)
	started.StartSeconds = 0
	asked := all(good)
	asked.Results = append(asked.Results[:1], conformance.Result{Check: "answers", Verdict: conformance.Pass},
		conformance.Result{Check: "no keys", Verdict: conformance.Fail, Want: "/etc/npmrc: no such file", Got: "one", Seconds: 0.001})
	return []conformance.Run{
		{ID: "node-22", Platform: "linux/amd64", Report: all(good)},
		{ID: "node-22", Platform: "linux/arm64", Cached: true, Report: started},
		{ID: "php-8.3", Platform: "linux/amd64", Report: failing},
		{ID: "api-1", Platform: "linux/amd64", Report: asked},
		{ID: "rust-1.90", Platform: "linux/amd64", Error: "process \"/bin/sh -c false\" did not complete successfully: exit code: 1\n\x1b[1mmore"},
	}
}

// formats writes the runs in every format.
func formats(t *testing.T) *txtar.Archive {
	t.Helper()
	archive := &txtar.Archive{Comment: []byte("Five runs in every format; the report is the third.\n")}
	add := func(name string, write func(io.Writer) error) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: b.Bytes()})
	}
	add("table.txt", func(w io.Writer) error { return conformance.WriteTable(w, runs()) })
	add("report.txt", runs()[2].Report.WriteText)
	add("junit.xml", func(w io.Writer) error { return conformance.WriteJUnit(w, runs()) })
	return archive
}

func TestFormats(t *testing.T) {
	got := txtar.Format(formats(t))
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the formats differ from %s; with -update they are written:\n%s", golden, got)
	}
}

// TestClean: what a server says cannot drive a terminal.
func TestClean(t *testing.T) {
	for _, f := range formats(t).Files {
		for _, r := range string(f.Data) {
			if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) && f.Name != "junit.xml" {
				t.Errorf("%s has %q", f.Name, r)
			}
		}
	}
}

// TestJSON: what programs read is what was meant.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(runs())
	if err != nil {
		t.Fatal(err)
	}
	var read []conformance.Run
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	for i, run := range runs() {
		if got := read[i]; got.ID != run.ID || got.Cached != run.Cached || got.Error != run.Error || got.Failed() != (i > 1) {
			t.Errorf("got %+v", got)
		}
	}
}

// TestJUnit: it is XML, and its sums are right.
func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := conformance.WriteJUnit(&b, runs()); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for decoder := xml.NewDecoder(&b); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			counts[start.Name.Local]++
		}
	}
	for name, want := range map[string]int{"testsuites": 1, "testsuite": 5, "testcase": 133, "failure": 3, "error": 1, "skipped": 3, "system-out": 1} {
		if counts[name] != want {
			t.Errorf("%d times %s, want %d", counts[name], name, want)
		}
	}
}
