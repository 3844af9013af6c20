package bakefile

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/docker/buildx/bake/hclparser"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// world is what differs between two evaluations on two machines, at two times.
type world map[string]string

// Names with underscores stand in the place of calls, see replaced.
var (
	oneMachine = world{
		"BAKE_CMD_CONTEXT": cwd, "BAKE_LOCAL_PLATFORM": "linux/amd64",
		"__timestamp": "2001-02-03T04:05:06Z", "__homedir": "/srv/one",
	}
	anotherMachine = world{
		"BAKE_CMD_CONTEXT": cwd, "BAKE_LOCAL_PLATFORM": "linux/arm64",
		"__timestamp": "2012-11-10T19:18:17Z", "__homedir": "/srv/two",
	}
)

// cwd is how bake writes the folder that it runs in.
const cwd = "cwd://"

// evaluation is what bake makes of files.
type evaluation struct {
	config *buildxbake.Config
	meta   *hclparser.ParseMeta

	overridden map[string]*buildxbake.Target // with what is set for them; nil where nothing is
}

// evaluate merges and evaluates files with given variables.
func evaluate(sources []*source, w world, vars map[string]string) (*evaluation, error) {
	return budget.Within(func() (*evaluation, error) { return readByBake(sources, w, vars) })
}

// readByBake is evaluate for as long as it takes. Bake takes variables that are not
// given from the environment, unless it is told not to.
func readByBake(sources []*source, w world, vars map[string]string) (_ *evaluation, err error) {
	if err := budget.DotEnv(); err != nil {
		return nil, err
	}
	if err := os.Setenv("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP", "1"); err != nil {
		return nil, err
	}
	defer func() { // some texts are more than bake's parser can take
		if p := recover(); p != nil {
			err = fmt.Errorf("bake's parser ends with a panic: %v", p)
		}
	}()
	files := make([]buildxbake.File, 0, len(sources))
	size := 1
	for _, s := range sources {
		size += len(s.Text)
		files = append(files, buildxbake.File{Name: s.Name, Data: s.replaced()})
	}
	config, meta, err := buildxbake.ParseFiles(files, w, vars)
	for range min(max(effort/size, 8), 200) {
		if err == nil {
			break
		}
		if _, _, other := buildxbake.ParseFiles(files, w, vars); other != nil && other.Error() < err.Error() {
			err = other
		}
	}
	if err != nil {
		return nil, err
	}
	return &evaluation{config: config, meta: meta}, nil
}

// effort is how many bytes are read again when bake cannot read files: of several
// variables that are wrong it tells of one, by chance. The first by place is told.
const effort = 2_000_000

// moving are functions of bake without arguments whose value is another on
// another machine, or a second later. What two evaluations of the others have
// (uuidv4, bcrypt) is different in any case.
var moving = []string{"timestamp", "homedir"}

// replaced puts variables in the place of calls of moving functions. Nothing
// else moves: a name with two underscores is as long as one with parentheses. What
// compose would read from the disk for containers is left out.
func (s *source) replaced() []byte {
	if isCompose(s.Name) {
		return s.withoutFiles()
	}
	text := slices.Clone(s.Text)
	switch strings.ToLower(path.Ext(s.Name)) {
	case ".hcl":
		tokens, _ := hclsyntax.LexConfig(s.Text, s.Name, hcl.InitialPos)
		for i := 0; i+2 < len(tokens); i++ {
			name, open, end := tokens[i], tokens[i+1], tokens[i+2]
			if name.Type == hclsyntax.TokenIdent && slices.Contains(moving, string(name.Bytes)) &&
				open.Type == hclsyntax.TokenOParen && end.Type == hclsyntax.TokenCParen {
				put(text, string(name.Bytes), name.Range.Start.Byte, end.Range.End.Byte)
			}
		}
	case ".json":
		for {
			at := jsonCall.FindSubmatchIndex(text)
			if at == nil {
				break
			}
			put(text, string(text[at[2]:at[3]]), at[2], at[1])
		}
	}
	return text
}

// jsonCall is the first call of a moving function in a template.
var jsonCall = regexp.MustCompile(`\$\{(?:[^"}\\]|\\.)*?\b(timestamp|homedir)\( *\)`)

func put(text []byte, name string, from, to int) {
	copy(text[from:to], "__"+name+strings.Repeat(" ", to-from-len(name)-2))
}

var yamlPlace = regexp.MustCompile(`\bline (\d+), column (\d+)`)

// problems are what bake says is wrong with files, with places where it has any.
func problems(sources []*source, err error) hcl.Diagnostics {
	if diags, ok := errors.AsType[hcl.Diagnostics](err); ok {
		var all hcl.Diagnostics
		for _, d := range diags {
			if d.Severity == hcl.DiagError {
				all = append(all, d)
			}
		}
		slices.SortStableFunc(all, func(a, b *hcl.Diagnostic) int { return cmp.Compare(place(a), place(b)) })
		return all
	}
	d := &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Bake cannot read this", Detail: sentence(err.Error()),
	}
	for _, s := range sources {
		if isCompose(s.Name) && yaml.Unmarshal(s.Text, &yaml.Node{}) != nil {
			d.Subject = cmp.Or(d.Subject, s.invalid(err))
		}
	}
	return hcl.Diagnostics{d}
}

// invalid is where a compose file stops being YAML, as its parser's error says:
// the last place in it, with lines counted from nought.
func (s *source) invalid(err error) *hcl.Range {
	all := yamlPlace.FindAllStringSubmatch(err.Error(), -1)
	if len(all) == 0 {
		return fact.Start(s.Name).Ptr()
	}
	line, _ := strconv.Atoi(all[len(all)-1][1])
	column, _ := strconv.Atoi(all[len(all)-1][2])
	return s.at(&yaml.Node{Line: line + 1, Column: column}).Ptr()
}

func place(d *hcl.Diagnostic) string {
	if d.Subject == nil {
		return ""
	}
	return fmt.Sprintf("%s %9d", d.Subject.Filename, d.Subject.Start.Byte)
}

// sentence is an error of others as a sentence on one line.
func sentence(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}
