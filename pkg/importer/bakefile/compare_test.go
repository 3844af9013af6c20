package bakefile_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	buildxbake "github.com/docker/buildx/bake"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/importer"
)

// TestBakeSaysTheSame imports each case, generates, and lets bake read both: the
// files that were there and the one that is emitted. Target by target, what
// differs must be said by the import. The table of all cases is a golden file.
func TestBakeSaysTheSame(t *testing.T) {
	const golden = "testdata/table.txt"
	var table strings.Builder
	fmt.Fprintf(&table, "%-24s %7s %5s  %s\n", "files", "targets", "equal", "different, and why")
	for _, r := range repositories(t) {
		t.Run(r.name, func(t *testing.T) { compareCase(t, r, &table) })
	}
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != table.String() {
		t.Errorf("%s", diff.Diff(golden, want, "got", []byte(table.String())))
	}
}

// compareCase writes the row of one case.
func compareCase(t *testing.T, r repository, table *strings.Builder) {
	t.Helper()
	result := importer.Import(r.fsys, r.named, importer.Options{})
	emitted := map[string]*buildxbake.Target{}
	if len(result.Files) > 0 {
		for _, target := range targets(t, "", emit(t, r, result)) {
			for _, tag := range target.Tags {
				emitted[canonical(tag)] = target
			}
		}
	}
	count, equal := 0, 0
	rows := map[string][]string{} // names of targets, by what differs and why
	for _, run := range r.runs {
		files := map[string][]byte{}
		for _, name := range run.files {
			files[name] = r.fsys[name].Data
		}
		seen := map[string]bool{}
		for _, target := range targets(t, run.dir, files, run.files...) {
			if len(target.Tags) == 0 || seen[target.Name] {
				continue
			}
			seen[target.Name] = true
			count++
			for _, d := range result.Diagnostics { // the day is in its name
				if label, moves := strings.CutSuffix(d.Summary, ": its name changes from one evaluation to the next"); moves &&
					strings.HasPrefix(target.Name, label+"-") {
					target.Name = label
				}
			}
			differences := compare(target, emitted)
			if len(differences) == 0 {
				equal++
			}
			for _, d := range differences {
				why := reason(result, d, target)
				if why == "" {
					t.Errorf("%s: %s, of which the import says nothing", target.Name, d)
				}
				row := today.ReplaceAllString(d, "<today>") + ": " + why
				rows[row] = append(rows[row], target.Name)
			}
		}
	}
	fmt.Fprintf(table, "%-24s %7d %5d\n", strings.TrimPrefix(r.name, "bake-"), count, equal)
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		names := slices.Compact(rows[row])
		if len(names) > 3 {
			names = append(names[:2:2], fmt.Sprintf("and %d more", len(names)-2))
		}
		fmt.Fprintf(table, "%39s %s: %s\n", "", strings.Join(names, ", "), row)
	}
}

// emit is what generate writes for the definitions of a result.
func emit(t *testing.T, r repository, result *importer.Result) map[string][]byte {
	t.Helper()
	fsys := maps.Clone(r.fsys)
	for _, f := range result.Files {
		file := *fsys[r.named[0]]
		file.Data = f.Text
		fsys[f.Name] = &file
	}
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	if diags.HasErrors() || more.HasErrors() {
		t.Fatalf("definitions do not load: %v %v", diags, more)
	}
	return map[string][]byte{bake.FileName: bake.FromCatalogue(c).Encode()}
}

// targets is what bake makes of files; none when it cannot read them. Paths are
// from the root.
func targets(t *testing.T, dir string, files map[string][]byte, order ...string) []*buildxbake.Target {
	t.Helper()
	t.Setenv("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP", "1")
	if order == nil {
		order = slices.Sorted(maps.Keys(files))
	}
	var list []buildxbake.File
	for _, name := range order {
		list = append(list, buildxbake.File{Name: name, Data: files[name]})
	}
	config, _, err := buildxbake.ParseFiles(list, map[string]string{
		"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": "linux/amd64",
	}, nil)
	if err != nil {
		return nil
	}
	var all []*buildxbake.Target
	for _, named := range config.Targets {
		target, err := config.ResolveTarget(named.Name, nil, &buildxbake.EntitlementConf{})
		if err != nil {
			continue
		}
		target.Name = named.Name
		context := path.Join(dir, strings.TrimPrefix(*target.Context, "cwd://"))
		file := path.Join(context, *target.Dockerfile)
		if rest, here := strings.CutPrefix(*target.Dockerfile, "cwd://"); here {
			file = path.Join(dir, rest)
		}
		target.Context, target.Dockerfile = &context, &file
		for name, value := range target.Contexts {
			if !strings.Contains(value, ":") {
				target.Contexts[name] = path.Join(dir, value)
			}
		}
		all = append(all, target)
	}
	slices.SortStableFunc(all, func(a, b *buildxbake.Target) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func canonical(tag string) string {
	named, err := reference.ParseNormalizedNamed(tag)
	if err != nil {
		return tag
	}
	return reference.TagNameOnly(named).String()
}

const leftOut = "left out"

// compare says in what a target differs from the one of the emitted file that has
// one of its tags.
func compare(want *buildxbake.Target, emitted map[string]*buildxbake.Target) []string {
	var got *buildxbake.Target
	var all []string
	for _, tag := range want.Tags {
		if got = emitted[canonical(tag)]; got != nil {
			break
		}
	}
	if got == nil {
		return []string{leftOut}
	}
	for _, tag := range want.Tags {
		if emitted[canonical(tag)] != got {
			all = append(all, "tag "+tag)
		}
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	differ := func(what string, a, b any) {
		if fmt.Sprint(a) != fmt.Sprint(b) {
			all = append(all, what)
		}
	}
	differ("context", *want.Context, *got.Context)
	differ("dockerfile", *want.Dockerfile, *got.Dockerfile)
	differ("target", text(want.Target), text(got.Target))
	differ("network", text(want.NetworkMode), text(got.NetworkMode))
	differ("shm-size", text(want.ShmSize), text(got.ShmSize))
	differ("platforms", normalised(want.Platforms), normalised(got.Platforms))
	differ("ulimits", slices.Sorted(slices.Values(want.Ulimits)), slices.Sorted(slices.Values(got.Ulimits)))
	differ("entitlements", slices.Sorted(slices.Values(want.Entitlements)), slices.Sorted(slices.Values(got.Entitlements)))
	differ("secret", written(want.Secrets), written(got.Secrets))
	differ("ssh", written(want.SSH), written(got.SSH))
	objects := func(what string, a, b map[string]*string, more bool) {
		for key, value := range a {
			if have, is := b[key]; !is || text(have) != text(value) {
				all = append(all, what+" "+key)
			}
		}
		for key := range b {
			if _, is := a[key]; !is && !more {
				all = append(all, what+" "+key+" added")
			}
		}
	}
	objects("arg", want.Args, got.Args, false)
	objects("label", want.Labels, got.Labels, true)
	objects("host", want.ExtraHosts, got.ExtraHosts, false)
	for name, value := range want.Contexts {
		have := got.Contexts[name]
		if strings.HasPrefix(value, "target:") {
			have = got.Contexts[strings.TrimSuffix(name, ":latest")]
			value = have[:min(len(have), len("target:"))] // their names are others
			if value != "target:" {
				have = "-"
			} else {
				have = value
			}
		}
		if have != value {
			all = append(all, "context "+name)
		}
	}
	slices.Sort(all)
	return all
}

func normalised(list []string) []string {
	var all []string
	for _, name := range list {
		if spec, err := platforms.Parse(name); err == nil {
			name = platforms.Format(platforms.Normalize(spec))
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// written is a list in the order of its texts.
func written[T fmt.Stringer](list []T) []string {
	var all []string
	for _, e := range list {
		all = append(all, e.String())
	}
	slices.Sort(all)
	return all
}

// today is the day in values that change from one day to the next.
var today = regexp.MustCompile(`\b20\d{6}\b`)

// reason is what an import says of a difference: of what is named in it, or else
// of the target, by its name or one of its tags.
func reason(result *importer.Result, difference string, target *buildxbake.Target) string {
	_, name, _ := strings.Cut(strings.TrimSuffix(difference, " added"), " ")
	if difference == leftOut {
		name = ""
	}
	kind, _, _ := strings.Cut(difference, " ")
	words := []string{name, fmt.Sprintf("The %s of %s", kind, target.Name)}
	for _, tag := range target.Tags {
		short := tag[strings.LastIndexByte(tag, '/')+1:]
		words = append(words, tag, short, strings.ReplaceAll(short, ":", "-"))
	}
	for _, word := range append(words, target.Name, *target.Context) {
		if word == "" {
			continue
		}
		said := regexp.MustCompile(`(^|[^\w.-])` + regexp.QuoteMeta(word) + `($|[^\w-])`)
		for _, d := range result.Diagnostics {
			if said.MatchString(d.Summary) || said.MatchString(d.Detail) {
				return d.Summary
			}
		}
		for _, n := range result.Notes {
			if said.MatchString(n.Text) && !strings.HasSuffix(n.Text, "nothing says otherwise") {
				return n.Text
			}
		}
	}
	return ""
}
