package catalogue

import (
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/definition"
)

// earliest is older than this program: a clock before it is wrong, and says
// nothing about days.
const earliest = "2026-01-01"

// Reached reports a day that has come, at a moment. A day has come when it has
// begun somewhere: who writes down today's date is right wherever they are, and
// the machine that reads it is anywhere.
func Reached(day string, now time.Time) bool {
	return day <= now.UTC().Add(14*time.Hour).Format(time.DateOnly)
}

// Ended reports a version whose makers have ended its support, and that is not
// deprecated.
func (v *Version) Ended(now time.Time) bool {
	return v.Deprecated == "" && v.EndOfLife != "" && Reached(v.EndOfLife, now)
}

// CheckDeprecated reports versions that are deprecated on a day that has not
// come: they would be out of the group default today.
func (c *Catalogue) CheckDeprecated(now time.Time) hcl.Diagnostics {
	if !Reached(earliest, now) {
		return nil
	}
	var diags hcl.Diagnostics
	for _, v := range c.Versions() {
		if _, err := time.Parse(time.DateOnly, v.Deprecated); err != nil || Reached(v.Deprecated, now) {
			continue // what is no date has been reported
		}
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Subject: v.deprecatedAt.Ptr(),
			Summary: fmt.Sprintf("%s is deprecated on %s, which has not come", v.ID, v.Deprecated),
			Detail: "What is deprecated is not built unless it is named, from the day on which the definition says so. " +
				fmt.Sprintf("Write deprecated when the day has come; when support ends is said by end_of_life = %q.", v.Deprecated),
		})
	}
	return diags
}

// CheckEndOfLife warns of versions whose support has ended.
func CheckEndOfLife(versions []*Version, now time.Time) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, v := range versions {
		if v.Ended(now) {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning, Subject: v.endOfLifeAt.Ptr(),
				Summary: fmt.Sprintf("Support of %s has ended on %s", v.ID, v.EndOfLife),
				Detail:  fmt.Sprintf("Its makers mend nothing in it any more. Build another version, and write deprecated = %q into this one.", v.EndOfLife),
			})
		}
	}
	return diags
}

// days are when a version is deprecated, and when its support ends.
func (r *resolver) days(v *Version, layers []*definition.Version) {
	for _, given := range layers {
		if given.Deprecated != nil {
			r.checkDate(*given.Deprecated, "since when the version is deprecated")
			v.Deprecated, v.deprecatedAt = given.Deprecated.Value, given.Deprecated.Range
		}
		if given.EndOfLife != nil {
			r.checkDate(*given.EndOfLife, "when support of the version ends")
			v.EndOfLife, v.endOfLifeAt = given.EndOfLife.Value, given.EndOfLife.Range
		}
	}
}

// liveOnDeprecated warns of versions that need one which is not built any more
// unless it is named.
func liveOnDeprecated(r *resolver, c *Catalogue) {
	for _, v := range c.Versions() {
		if v.Deprecated != "" {
			continue
		}
		warn := func(at hcl.Range, on *Version, how string) {
			if on.Deprecated != "" && on != v {
				r.warn(at, fmt.Sprintf("%s is %s %s, which is deprecated since %s", v.ID, how, on.ID, on.Deprecated),
					fmt.Sprintf("The group default has %s, and not %s. Take another base, or write deprecated into %s, too.",
						v.ID, on.ID, v.ID))
			}
		}
		for _, n := range v.Needs {
			warn(n.Range, n.Version, "built on")
		}
		if v.Run != nil {
			warn(v.Range, v.Run, "run by")
		}
	}
}
