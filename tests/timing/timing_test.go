package timing_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbake/runbake/tests/timing"
)

func TestLine(t *testing.T) {
	cost := timing.Cost{Wall: 12.3, Processor: 4.5}
	row, found := timing.ParseLine("    bench.go:12: " + timing.Line("unpacking a: b", cost))
	if !found || row.What != "unpacking a: b" || row.Cost != cost {
		t.Errorf("%v %+v", found, row)
	}
	if row, found := timing.ParseLine("bench: nothing that took long"); found {
		t.Errorf("%+v", row)
	}
}

func TestNow(t *testing.T) {
	first, err := timing.Now()
	if err != nil {
		t.Skip("processors are told by Linux only: ", err)
	}
	second, err := timing.Now()
	if d := second.Sub(first); err != nil || d.Wall <= 0 || d.Processor < 0 || first.Processor == 0 {
		t.Errorf("%v then %v, %v", first, second, err)
	}
}

// TestTable: what is shown of a report, and of two beside each other.
func TestTable(t *testing.T) {
	report := timing.Report{
		Result: "passed", Total: timing.Cost{Wall: 9, Processor: 12},
		Rows: []timing.Row{
			{Part: "compile", Cost: timing.Cost{Wall: 5, Processor: 8}},
			{Part: "e2e", What: "TestShort", Cost: timing.Cost{Wall: 0.1, Processor: 0.1}},
			{Part: "e2e", What: "TestLong", Cost: timing.Cost{Wall: 3, Processor: 2}},
			{Part: "e2e", What: "TestLonger", Cost: timing.Cost{Wall: 3.5, Processor: 2}},
		},
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := report.Save(path); err != nil {
		t.Fatal(err)
	}
	saved, err := timing.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := saved.Table(&out); err != nil {
		t.Fatal(err)
	}
	want := `
   WALL  PROCESSOR  WHAT
  5.0 s      8.0 s  compile
  6.6 s      4.1 s  e2e
  3.5 s      2.0 s    TestLonger
  3.0 s      2.0 s    TestLong
    9 s       12 s  all, passed
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got%swant%s", got, want)
	}
	out.Reset()
	later := timing.Report{Result: "failed", Rows: []timing.Row{{Part: "e2e", What: "TestLong", Cost: timing.Cost{Wall: 1, Processor: 1}}}}
	if err := timing.Compare(&out, saved, later); err != nil {
		t.Fatal(err)
	}
	want = `
    WALL         PROCESSOR         WHAT
  before  after     before  after
   3.0 s  1.0 s      2.0 s  1.0 s  e2e TestLong
   5.0 s  0.0 s      8.0 s  0.0 s  compile 
   3.5 s  0.0 s      2.0 s  0.0 s  e2e TestLonger
   9.0 s  0.0 s     12.0 s  0.0 s  all, passed and failed
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got%swant%s", got, want)
	}
}
