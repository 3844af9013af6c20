package catalogue_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
)

// TestReached: a day has come when it has begun somewhere on earth, whatever the
// zone of the clock that is asked.
func TestReached(t *testing.T) {
	noon := time.Date(2026, 4, 30, 12, 0, 0, 0, time.UTC)
	kiritimati, hawaii := time.FixedZone("+14", 14*3600), time.FixedZone("-10", -10*3600)
	for _, c := range []struct {
		day  string
		now  time.Time
		want bool
	}{
		{"2026-04-29", noon, true},
		{"2026-04-30", noon, true},
		{"2026-05-01", noon, true}, // it is the first in Kiritimati
		{"2026-05-02", noon, false},
		{"2026-05-01", noon.In(hawaii), true},
		{"2026-05-01", noon.In(kiritimati), true},
		{"2026-05-01", noon.Add(-3 * time.Hour), false},
		{"2099-06-01", noon, false},
	} {
		if got := catalogue.Reached(c.day, c.now); got != c.want {
			t.Errorf("Reached(%s, %s) = %t, want %t", c.day, c.now, got, c.want)
		}
	}
}

// TestDays holds the states of versions against one clock: what is refused, and
// what lint says.
func TestDays(t *testing.T) {
	now := time.Date(2026, 4, 30, 12, 0, 0, 0, time.UTC)
	c, diags := daysCatalogue(t, `
base "os" {
  name = "OS"
  version "1" { deprecated = "2026-01-01" }
  version "2" {}
}
runtime "a" {
  name = "A"
  kind = "compiled"
  version "1" {
    run         = base.os["1"]
    end_of_life = "2026-04-01"
  }
  version "2" {
    run         = base.os["2"]
    deprecated  = "2026-06-01"
    end_of_life = "2026-03-01"
  }
  version "3" {
    run         = base.os["2"]
    end_of_life = "2027-01-01"
  }
}
`)
	expect := func(what string, got []string, want ...string) {
		t.Helper()
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	expect("resolved", diags, "a-1 is run by os-1, which is deprecated since 2026-01-01")
	expect("refused", summaries(c.CheckDeprecated(now)), "a-2 is deprecated on 2026-06-01, which has not come")
	expect("refused later", summaries(c.CheckDeprecated(now.AddDate(0, 2, 0))))
	expect("refused by a clock that is wrong", summaries(c.CheckDeprecated(time.Unix(0, 0))))
	expect("lint", summaries(catalogue.CheckEndOfLife(c.Versions(), now)), "Support of a-1 has ended on 2026-04-01")
}

func daysCatalogue(t *testing.T, text string) (*catalogue.Catalogue, []string) {
	t.Helper()
	fsys := fstest.MapFS{
		"runbake.hcl":              {Data: []byte("project {\n  registry = \"docker.io/acme\"\n}\n")},
		"runtimes/all/runtime.hcl": {Data: []byte(text)},
		"runtimes/all/Dockerfile":  {Data: []byte("FROM scratch\n")},
	}
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	return c, summaries(append(diags, more...))
}

func summaries(diags hcl.Diagnostics) []string {
	var all []string
	for _, d := range diags {
		all = append(all, d.Summary)
	}
	return all
}
