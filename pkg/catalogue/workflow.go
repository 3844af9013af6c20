package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/platform"
)

// When workflows log in to registries.
const (
	LoginRelease = "release" // where they push
	LoginAlways  = "always"  // in tests too, whose base images are not public
	LoginNever   = "never"   // machines are logged in, or registries ask for nothing
)

// Workflow is what a project says of its workflows.
type Workflow struct {
	Runners    map[string][]string // labels of machines, by platform or its beginning: linux, linux/arm
	Branches   []string            // a push to these is tested; in order
	MergeGroup bool                // what a merge queue would merge is tested
	Schedule   string              // cron, in UTC: when all images are built anew; "" for never
	Login      string              // release, always or never
	Site       bool                // a release publishes a site of the images
}

// services are what workflows can be written for.
var services = []string{"github", "gitlab"}

// workflows are the services that workflows are written for, sorted.
func (r *resolver) workflows(given *definition.List) []string {
	if given == nil {
		return []string{"github"}
	}
	var names []string
	for _, item := range given.Items {
		v, diags := item.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
			r.report(item.Range(), "A service is a string", `Write "github" or "gitlab"; variables cannot be used here.`)
			continue
		}
		name := r.oneOf(definition.String{Value: v.AsString(), Range: item.Range()}, "service", services)
		if slices.Contains(names, name) && name == v.AsString() {
			r.report(item.Range(), fmt.Sprintf("Service %q is listed twice", name), "Remove one of the two.")
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Runner labels and names of branches: what needs no quotes anywhere.
var (
	labelPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/=@+-]*$`)
	branchPattern = regexp.MustCompile(`^[A-Za-z0-9*][A-Za-z0-9._/*+@-]*$`)
)

// workflow resolves the workflow block of a project.
func (r *resolver) workflow(given *definition.Workflow) Workflow {
	w := Workflow{Login: LoginRelease}
	if given == nil {
		return w
	}
	if given.Runners != nil {
		w.Runners = r.runners(given.Runners)
	}
	w.Branches = r.branches(given.Branches)
	w.MergeGroup = given.MergeGroup != nil && given.MergeGroup.Value
	w.Site = given.Site != nil && given.Site.Value
	if given.Schedule != nil {
		w.Schedule = given.Schedule.Value
		if err := checkCron(w.Schedule); err != nil {
			r.report(given.Schedule.Range, fmt.Sprintf("Invalid schedule %q", w.Schedule),
				fmt.Sprintf(`Write minute, hour, day of the month, month and day of the week, in UTC, for example "17 3 * * 1" (%v).`, err))
		}
	}
	if given.Login != nil {
		w.Login = r.oneOf(*given.Login, "time to log in", []string{LoginRelease, LoginAlways, LoginNever})
	}
	return w
}

// runners are the labels of machines, by platform or its beginning.
func (r *resolver) runners(given *definition.Map) map[string][]string {
	all := map[string][]string{}
	for _, item := range given.Items {
		name := item.Key.Value
		if normal, err := platform.Normal(name); err == nil {
			name = normal
		} else if name != "linux" && name != "windows" {
			r.report(item.Key.Range, fmt.Sprintf("Runners for %q", name),
				fmt.Sprintf(`Name a platform, or "linux" for all that have none (%v).`, err))
			continue
		}
		if _, twice := all[name]; twice {
			r.report(item.Key.Range, fmt.Sprintf("There are two runners for %s", name), "Remove one of the two.")
			continue
		}
		all[name] = r.runner(item.Value)
	}
	return all
}

// runner is the labels of one machine: a string, or several that it has all of.
func (r *resolver) runner(given hcl.Expression) []string {
	items := []hcl.Expression{given}
	if list, diags := hcl.ExprList(given); !diags.HasErrors() {
		items = list
	}
	var labels []string
	for _, item := range items {
		v, diags := item.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String || !labelPattern.MatchString(v.AsString()) {
			r.report(item.Range(), "A runner is a label, or a list of labels",
				`Write letters, digits and ._:/=@+-, for example "ubuntu-24.04" or ["self-hosted", "arm64"]; variables cannot be used here.`)
			continue
		}
		labels = append(labels, v.AsString())
	}
	if len(items) == 0 {
		r.report(given.Range(), "A runner has no label", `Write one, for example "ubuntu-24.04".`)
	}
	return labels
}

func (r *resolver) branches(given *definition.List) []string {
	if given == nil {
		return nil
	}
	var names []string
	for _, item := range given.Items {
		v, diags := item.Value(nil)
		switch {
		case diags.HasErrors() || v.IsNull() || v.Type() != cty.String || !branchPattern.MatchString(v.AsString()):
			r.report(item.Range(), "A branch is a string",
				`Write a name or a pattern, for example "main" or "release/*"; variables cannot be used here.`)
		case slices.Contains(names, v.AsString()):
			r.report(item.Range(), fmt.Sprintf("Branch %q is listed twice", v.AsString()), "Remove one of the two.")
		default:
			names = append(names, v.AsString())
		}
	}
	return names
}

// cronFields are the fields of a schedule, as GitHub and GitLab take them:
// https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule.
var cronFields = []struct {
	name      string
	low, high int
	names     string // from low, three letters each
}{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of the month", 1, 31, ""},
	{"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
	{"day of the week", 0, 6, "SUNMONTUEWEDTHUFRISAT"},
}

// checkCron finds what is wrong with a schedule.
func checkCron(schedule string) error {
	fields := strings.Fields(schedule)
	if len(fields) != len(cronFields) || strings.Join(fields, " ") != schedule {
		return fmt.Errorf("it has %d fields; %d are wanted, with one space between them", len(fields), len(cronFields))
	}
	for i, field := range fields {
		of := cronFields[i]
		number := func(s string) (int, bool) {
			if at := strings.Index(of.names, strings.ToUpper(s)); len(s) == 3 && at >= 0 && at%3 == 0 {
				return of.low + at/3, true
			}
			n, err := strconv.Atoi(s)
			return n, err == nil && s[0] != '+' && of.low <= n && n <= of.high
		}
		for part := range strings.SplitSeq(field, ",") {
			span, step, stepped := strings.Cut(part, "/")
			low, high, ranged := strings.Cut(span, "-")
			from, ok := number(low)
			if span == "*" {
				ok, ranged = true, false
			}
			if ranged && ok {
				to, good := number(high)
				ok = good && from <= to
			}
			if stepped && ok {
				n, err := strconv.Atoi(step)
				ok = err == nil && n > 0 && step[0] != '+'
			}
			if !ok {
				return fmt.Errorf("the %s is %q: numbers from %d to %d", of.name, part, of.low, of.high)
			}
		}
	}
	return nil
}
