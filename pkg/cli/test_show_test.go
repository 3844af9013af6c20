package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/conformance"
)

// TestInterruptedTest: what is finished is shown, and the rest is named.
func TestInterruptedTest(t *testing.T) {
	versions := []*catalogue.Version{{ID: "a-1"}, {ID: "b-1"}, {ID: "c-1"}}
	for _, c := range []struct {
		runs []conformance.Run
		text string
		show string
	}{
		{nil, "interrupted\nnot tested: a-1, b-1, c-1", ""},
		{
			[]conformance.Run{{ID: "b-1", Platform: "linux/amd64", Report: &conformance.Report{}}},
			"interrupted\nnot tested: a-1, c-1", "b-1",
		},
	} {
		var stdout bytes.Buffer
		err := (&app{env: Env{Stdout: &stdout}}).showFinished(c.runs, versions, "text")
		exit, ok := errors.AsType[*exitError](err)
		if !ok || exit.text != c.text || exit.code != exitFailed {
			t.Errorf("it ends with %v, want %q", err, c.text)
		}
		if !strings.Contains(stdout.String(), c.show) || c.show == "" && stdout.Len() > 0 {
			t.Errorf("it shows %q, want %q", &stdout, c.show)
		}
	}
}
