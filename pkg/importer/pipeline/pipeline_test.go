package pipeline_test

import (
	"flag"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
	"github.com/runbake/runbake/pkg/importer/pipeline"
	"github.com/runbake/runbake/pkg/importer/script"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

func read(fsys fs.FS, file *fact.File) *fact.Set {
	return pipeline.Read(fsys, file, pipeline.Options{Script: script.Read})
}

// TestRead reads the pipelines of testdata/cases.
func TestRead(t *testing.T) { facttest.Golden(t, *update, read) }

// TestNamed: which files are pipelines, by their names.
func TestNamed(t *testing.T) {
	for name, want := range map[string]bool{
		".github/workflows/a.yml": true, "images/.github/workflows/a.yaml": true, ".gitlab-ci.yml": true, "ci/build.gitlab-ci.yml": true,
		".gitlab/build.yml": true, ".github/dependabot.yml": false, "workflows/a.yml": false, ".github/workflows/a.json": false, "compose.yml": false,
	} {
		if got := pipeline.Named(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// tags are the names that a workflow with one step gives, for each combination.
func tags(t *testing.T, matrix, tag string) []string {
	t.Helper()
	text := "on: push\njobs:\n  a:\n    strategy:\n      matrix:\n" + matrix + "    steps:\n      - uses: docker/build-push-action@v6\n" +
		"        with:\n          tags: " + tag + "\n"
	fsys := fstest.MapFS{"Dockerfile": {Data: []byte("FROM a\n")}}
	set := read(fsys, fact.NewFile(".github/workflows/a.yml", []byte(text)))
	var all []string
	for _, e := range set.Sources[0].Events {
		for _, tag := range e.Build.Tags {
			all = append(all, tag.Value)
		}
	}
	return all
}

// TestMatrix: combinations are those that GitHub documents.
func TestMatrix(t *testing.T) {
	for name, c := range map[string]struct {
		matrix string
		want   []string
	}{
		"axes": {"        a: [1, 2]\n        b: [x, y]\n", []string{"1-x-", "1-y-", "2-x-", "2-y-"}},
		"exclude of one": {
			"        a: [1, 2]\n        b: [x, y]\n        exclude: [{a: 1, b: y}]\n", []string{"1-x-", "2-x-", "2-y-"},
		},
		"exclude of several":  {"        a: [1, 2]\n        b: [x, y]\n        exclude: [{b: y}]\n", []string{"1-x-", "2-x-"}},
		"include adds to all": {"        a: [1, 2]\n        b: [x]\n        include: [{c: z}]\n", []string{"1-x-z", "2-x-z"}},
		"include adds to one": {"        a: [1, 2]\n        b: [x]\n        include: [{a: 2, c: z}]\n", []string{"1-x-", "2-x-z"}},
		"include of its own":  {"        a: [1]\n        b: [x]\n        include: [{a: 3, b: y}]\n", []string{"1-x-", "3-y-"}},
		"include is laid over another": {
			"        a: [1, 2]\n        b: [x]\n        include: [{c: z}, {a: 2, c: w}]\n", []string{"1-x-z", "2-x-w"},
		},
		"include alone":     {"        include: [{a: 1, b: x}, {a: 2, b: y, c: z}]\n", []string{"1-x-", "2-y-z"}},
		"nothing is left":   {"        a: [1]\n        b: [x]\n        exclude: [{a: 1}]\n", nil},
		"an axis by JSON":   {"        a: ${{ fromJSON('[1, 2]') }}\n        b: [x]\n", []string{"1-x-", "2-x-"}},
		"objects":           {"        a: [1]\n        b: [x]\n        c: [{d: 1}]\n", []string{"1-x-Object"}},
		"numbers as GitHub": {"        a: [3.10, 010, 1e2]\n        b: [x]\n", []string{"3.1-x-", "10-x-", "100-x-"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := tags(t, c.matrix, "acme/a:${{ matrix.a }}-${{ matrix.b }}-${{ matrix.c }}")
			want := make([]string, 0, len(c.want))
			for _, w := range c.want {
				want = append(want, "acme/a:"+w)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestExpressions: expressions are evaluated as GitHub does.
func TestExpressions(t *testing.T) {
	for expression, want := range map[string]string{
		"matrix.a":                            "x",
		"matrix['a']":                         "x",
		"matrix.A":                            "x",
		"matrix.none || 'other'":              "other",
		"matrix.a == 'X' && 'same' || 'not'":  "same",
		"!(matrix.a != 'x')":                  "true",
		"format('{0}-{1}-{{', matrix.a, 2)":   "x-2-{",
		"join(fromJSON('[\"b\", 3]'), '-')":   "b-3",
		"fromJSON('{\"k\": {\"v\": 7}}').k.v": "7",
		"contains('Hello', 'ELL') && 1 || 0":  "1",
		"startsWith('v1', 'V')":               "true",
		"endsWith('v1', '2')":                 "false",
		"contains(fromJSON('[1, 2]'), 2)":     "true",
		"'it''s'":                             "it's",
		"1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3":  "true",
		"'2' > 1":                             "true",
		"null == ''":                          "true",
		"github.sha || 'a'":                   "",
		"hashFiles('a')":                      "",
		"matrix.a ==":                         "",
		"(((":                                 "",
		strings.Repeat("!", 1000) + "true":    "",
		strings.Repeat("(", 1000) + "1":       "",
		"secrets.A == 'b' && 'c' || 'd'":      "",
		"toJSON(matrix)":                      "",
		"matrix.a.b.c":                        "none",
	} {
		got := tags(t, "        a: [x]\n", "\"acme/a:${{ "+strings.ReplaceAll(expression, `"`, `\"`)+" }}\"")
		if want == "" {
			want = "latest" // what is known only when it runs
		}
		if want == "none" {
			want = ""
		}
		if !slices.Equal(got, []string{"acme/a:" + want}) {
			t.Errorf("%s is %q, want %q", expression, got, want)
		}
	}
}

// TestLongTexts: functions make no text that is longer than what is kept, however they
// are in one another.
func TestLongTexts(t *testing.T) {
	for _, expression := range []string{
		strings.Repeat("format('{0}{0}', ", 20) + "'x'" + strings.Repeat(")", 20),
		"format('" + strings.Repeat("{0}", 3000) + "', '" + strings.Repeat("x", 3000) + "')",
		"join(fromJSON('[1" + strings.Repeat(",1", 3000) + "]'), '" + strings.Repeat("x", 3000) + "')",
	} {
		// The text itself is cut where it is filled in; what it decides is not.
		got := tags(t, "        a: [x]\n", "\"acme/a:${{ "+strings.ReplaceAll(expression, `"`, `\"`)+" && 'made' || 'none' }}\"")
		if !slices.Equal(got, []string{"acme/a:latest"}) {
			t.Errorf("%.40s… is %q, want what is known only when it runs", expression, got)
		}
	}
}

// TestBudget: what is made to take long does not.
func TestBudget(t *testing.T) {
	bomb := "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"
	for c := 'b'; c <= 'j'; c++ {
		before := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+before+", ", 10), ", ") + "]\n"
	}
	axes := ""
	for _, c := range "abcdefgh" {
		axes += "        " + string(c) + ": [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
	}
	for name, text := range map[string]string{
		"aliases": bomb + "jobs:\n  a:\n    strategy: { matrix: { x: *j } }\n    steps: *j\n",
		"axes":    "jobs:\n  a:\n    strategy:\n      matrix:\n" + axes + "    steps:\n      - run: docker build -t a .\n",
		"itself":  "a: &a\n  <<: *a\n  jobs: *a\njobs: *a\n",
		"nesting": strings.Repeat("- ", 9000) + "a\n",
		"steps":   "jobs: {" + strings.Repeat("a: &a { steps: [ { run: docker build -t a . } ] }, b: *a, ", 3000) + "}\n",
		"values":  "env: { A: '" + strings.Repeat("a", 60000) + "' }\njobs:\n  a:\n    steps:\n      - run: docker build -t ${{ env.A }}" + strings.Repeat("${{ env.A }}", 900) + " .\n",
		"JSON":    "env: { A: '[" + strings.Repeat("1,", 30000) + "1]' }\njobs:\n  a:\n    steps:\n      - run: docker build -t " + strings.Repeat("${{ fromJSON(env.A)[0] }}", 30000) + " .\n",
		"empty":   "jobs:\n  a:\n    strategy: { matrix: { x: [" + strings.Repeat("1, ", 255) + "1] } }\n    steps:\n      - run: docker build -t a" + strings.Repeat("${{ '' }}", 100000) + " .\n",
		"names":   "jobs:\n  a:\n    steps:\n      - run: docker build -t a" + numbered("${{ secrets.A%d }}", 60000) + " .\n",
		"lines of expressions": "jobs:\n  a:\n    strategy: { matrix: { x: [" + strings.Repeat("1, ", 99) + "1] } }\n    steps:\n      - run: |\n" +
			strings.Repeat("          docker build -t a${{ '' }} .\n", 30000),
		"bake":      "jobs:\n  a:\n    steps:\n      - run: |\n" + strings.Repeat("          docker buildx bake -f a.hcl\n", 30000),
		"brackets":  "jobs:\n  a:\n    steps:\n      - run: docker build -t a${{ " + strings.Repeat("(", 1<<20) + " }} .\n",
		"variables": "variables: { A: $B$B$B$B$B$B$B$B, B: $C$C$C$C$C$C$C$C, C: $D$D$D$D$D$D$D$D, D: $A$A$A$A$A$A$A$A$A }\na: { script: [ docker build -t $A . ] }\n",
		"extends":   ".a: { extends: [.a, .a, .a, .a] }\nb: { extends: [.a, .a, .a], script: [ docker build -t a . ] }\n",
		"lines":     ".a: &a [ *a, *a ]\nb: { script: [ docker build -t a . ] }\n",
	} {
		t.Run(name, func(t *testing.T) {
			file := ".github/workflows/a.yml"
			if strings.Contains(text, "script:") {
				file = ".gitlab-ci.yml"
			}
			began := time.Now()
			read(fstest.MapFS{}, fact.NewFile(file, []byte(text)))
			if took := time.Since(began); took > 2*time.Minute { // without a budget it would be hours, on any machine
				t.Errorf("it took %s", took)
			}
		})
	}
}

// numbered is a text many times, each with its number.
func numbered(format string, times int) string {
	var b strings.Builder
	for i := range times {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestBakeNames: runs of bake may have letters of any length, and each has its own place.
func TestBakeNames(t *testing.T) {
	text := "jobs:\n  a:\n    steps:\n      - run: |\n" +
		"          docker buildx bake -f é.hcl\n          docker buildx bake -f é.hcl\n          docker build -t acme/größe größe\n"
	set := read(fstest.MapFS{}, fact.NewFile(".github/workflows/a.yml", []byte(text)))
	var lines []int
	for _, b := range set.Bakes {
		lines = append(lines, b.Range.Start.Line)
	}
	if want := []int{5, 6}; !slices.Equal(lines, want) {
		t.Errorf("bake runs at lines %d, want %d", lines, want)
	}
	builds := set.Sources[0].Events
	if len(builds) != 1 || builds[0].Build.Range.Start.Line != 7 {
		t.Errorf("builds are %v, want one in line 7", builds)
	}
}

// FuzzRead: whatever a pipeline holds, reading it ends, is the same again, and all
// places are places.
func FuzzRead(f *testing.F) {
	for _, file := range facttest.Sources(f, "pipeline-*.txtar", pipeline.Named) {
		f.Add(strings.Contains(file.Name, "gitlab"), string(file.Data))
	}
	f.Fuzz(func(t *testing.T, gitlab bool, text string) {
		name := ".github/workflows/a.yml"
		if gitlab {
			name = ".gitlab-ci.yml"
		}
		fsys := fstest.MapFS{
			name: {Data: []byte(text)}, "web/Dockerfile": {Data: []byte("FROM a\n")}, "docker-bake.hcl": {Data: []byte("target \"a\" {}\n")},
			".git/config": {Data: []byte("[remote \"origin\"]\n\turl = https://github.com/acme/shop.git\n")},
		}
		facttest.Check(t, fsys, fact.NewFile(name, []byte(text)), read)
	})
}
