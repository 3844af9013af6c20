package bake

import (
	"bytes"
	_ "embed" // the Dockerfile of tests
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/check"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/platform"
)

// Test is a target that tests one image: against the contract, or by the checks of
// its definition.
type Test struct {
	Name        string // bake's name
	Checks      bool   // it runs checks
	Target      string // name of the target whose image is tested
	Description string
	Contexts    map[string]string // without the probe, which a variable names
	Args        map[string]string
	Platforms   []string
	// Entitlements are those of the images that are tested.
	Entitlements []string
}

// testDockerfile is the Dockerfile of all tests: it does what the executor
// does with a function, with the probe in its place. The stages that start with
// build- run in the build image, tests in the run image; report is what
// runbake reads, the last stage what fails a plain build.
//
//go:embed test.Dockerfile
var testDockerfile string

// checkDockerfile is the Dockerfile of all checks. The image may have no shell, no
// folder that its user can write, and any variables: so the program comes from a
// stage without an image, with what it asks beside it, and is run as it is.
//
//go:embed check.Dockerfile
var checkDockerfile string

// Stages of the Dockerfiles of tests and checks.
const (
	// StageReport has nothing but the report of a test, as JSON.
	StageReport = "report"
	// StageTests is the stage whose steps question images.
	StageTests = "tests"
)

// Build arguments of the Dockerfile of tests.
const (
	argKind       = "KIND"
	argEntrypoint = "ENTRYPOINT"
	argBehaviour  = "BEHAVIOUR"
	argBroken     = "BROKEN"
	argCommand    = "COMMAND"       // of the run image, as a JSON list
	argBuild      = "BUILD_COMMAND" // of the build image, as a JSON list
)

// argChecks is the build argument of the Dockerfile of checks: what is asked.
const argChecks = "CHECKS"

// tests are the targets that test a version.
func tests(v *catalogue.Version) []Test {
	if !slices.ContainsFunc(v.Platforms, platform.Runs) {
		return nil
	}
	var all []Test
	if v.Functions() {
		all = append(all, test(v))
	}
	if len(v.Checks) > 0 {
		all = append(all, checks(v))
	}
	return all
}

// checks is the target that runs the checks of a version in its image.
func checks(v *catalogue.Version) Test {
	return Test{
		Name:         catalogue.CheckPrefix + v.Target,
		Checks:       true,
		Target:       v.Target,
		Description:  "Checks of " + v.Title(),
		Contexts:     map[string]string{"run": "target:" + v.Target},
		Args:         map[string]string{argChecks: check.Encode(v.Checks)},
		Platforms:    runnable(v),
		Entitlements: entitlements(v),
	}
}

// runnable are the platforms of a version on which BuildKit can run steps.
func runnable(v *catalogue.Version) []string {
	return slices.DeleteFunc(slices.Clone(v.Platforms), func(p string) bool { return !platform.Runs(p) })
}

// test is the target that tests a version against the contract.
func test(v *catalogue.Version) Test {
	rt := v.Runtime
	t := Test{
		Name:        catalogue.TestPrefix + v.Target,
		Target:      v.Target,
		Description: "Test of " + v.Title(),
		Contexts: map[string]string{
			"build": "target:" + v.Target, "run": "target:" + v.RunImage().Target,
			// A context must exist even when there is no such function:
			// without its argument it is not looked at.
			"fixture": rt.Fixture, "behaviour": rt.Fixture, "broken": rt.Fixture,
		},
		Args:      map[string]string{argKind: string(rt.Kind), argEntrypoint: rt.Entrypoint},
		Platforms: runnable(v),

		Entitlements: entitlements(v, v.RunImage()),
	}
	if rt.Behaviour != "" {
		t.Contexts["behaviour"], t.Args[argBehaviour] = path.Split(rt.Behaviour)
	}
	if rt.Broken != "" {
		t.Contexts["broken"], t.Args[argBroken] = path.Split(rt.Broken)
	}
	if command := v.RunImage().Start(); command != nil {
		t.Args[argCommand] = jsonList(command)
	}
	if command := v.Start(); command != nil && !v.Launches() {
		t.Args[argBuild] = jsonList(command)
	}
	for name, folder := range t.Contexts {
		t.Contexts[name] = path.Clean(folder)
	}
	return t
}

// Hidden targets that tests share.
const (
	commonTest  = "_test"
	commonCheck = "_check"
	probe       = "_probe"
)

// probe is where the probe comes from when nobody says otherwise.
func (f *File) probe() string {
	if f.Probe.Dockerfile != "" {
		return "target:" + probe
	}
	return dockerfile.ImageScheme + f.Probe.Probe
}

// testBlock is written as it is: a heredoc keeps its lines.
const testBlock = `
target %s {
  context           = "."
  output            = %s
  attest            = %s
  dockerfile-inline = <<EOT
%sEOT
}
`

// encodeTests writes the targets that test images, and what they share.
func (f *File) encodeTests(b *bytes.Buffer) {
	if len(f.Tests) == 0 {
		return
	}
	if f.Probe.Dockerfile != "" {
		b.WriteString("\n# The program that questions servers.")
		block(b, "target "+quote(probe), []attribute{
			{"context", quote(".")},
			{"dockerfile", quote(f.Probe.Dockerfile)},
			{"platforms", fmt.Sprintf("platforms(%s)", list(f.Platforms()))},
			{"output", cacheOnly},
			{"attest", noProvenance},
		})
	}
	if slices.ContainsFunc(f.Tests, func(t Test) bool { return !t.Checks }) {
		b.WriteString("\n# What all tests share: a function is built and served as the executor does it,\n# and questioned; a rule that is broken fails the build.")
		fmt.Fprintf(b, testBlock, quote(commonTest), cacheOnly, noProvenance, testDockerfile)
	}
	if slices.ContainsFunc(f.Tests, func(t Test) bool { return t.Checks }) {
		b.WriteString("\n# What all checks share: the image is asked what its definition asks; a check that\n# fails fails the build.")
		fmt.Fprintf(b, testBlock, quote(commonCheck), cacheOnly, noProvenance, checkDockerfile)
	}
	inParts(b, len(f.Tests), func(b *bytes.Buffer, i int) {
		t := &f.Tests[i]
		contexts := writtenMap(t.Contexts, nil)
		contexts["probe"] = "PROBE"
		block(b, "target "+quote(t.Name), given([]attribute{
			{"inherits", list([]string{t.common()})},
			{"description", quote(t.Description)},
			{"contexts", objectOf(contexts)},
			{"args", object(t.Args)},
			{"platforms", "platforms(" + list(t.Platforms) + ")"},
			{"entitlements", optionalList(t.Entitlements)},
		}))
	})
}

// common is the target that a test inherits from.
func (t *Test) common() string {
	if t.Checks {
		return commonCheck
	}
	return commonTest
}

func (t *Test) dockerfile() string {
	if t.Checks {
		return checkDockerfile
	}
	return testDockerfile
}

// EvaluateTests says what bake makes of every test, and of the probe when that
// is built here.
func (f *File) EvaluateTests(v Values) []Build {
	if len(f.Tests) == 0 {
		return nil
	}
	var builds []Build
	for i := range f.Tests {
		builds = append(builds, f.evaluateTest(v, &f.Tests[i]))
	}
	if f.buildsProbe(v) {
		builds = append(builds, f.evaluateProbe(v))
	}
	return builds
}

func (f *File) evaluateTest(v Values, t *Test) Build {
	contexts := maps.Clone(t.Contexts)
	contexts["probe"] = f.probeSource(v)
	target := &Target{Name: t.Name, Description: t.Description, Context: ".", Contexts: contexts, Args: t.Args}
	target.Entitlements = t.Entitlements
	return unpushed(Build{Target: target, Inline: t.dockerfile(), Platforms: v.platforms(t.Platforms)})
}

func (f *File) evaluateProbe(v Values) Build {
	target := &Target{Name: probe, Context: ".", Dockerfile: f.Probe.Dockerfile}
	return unpushed(Build{Target: target, Platforms: v.platforms(f.Platforms())})
}

// unpushed is a build that stays where it is made.
func unpushed(b Build) Build {
	b.Output, b.Attest = []Attributes{{"type": "cacheonly"}}, []Attributes{{"type": "provenance", "disabled": "true"}}
	return b
}

// probeSource is where tests have the probe from.
func (f *File) probeSource(v Values) string {
	if v.Probe != "" {
		return v.Probe
	}
	return f.probe()
}

// buildsProbe says whether the probe is built here.
func (f *File) buildsProbe(v Values) bool {
	return len(f.Tests) > 0 && f.probeSource(v) == "target:"+probe
}

// jsonList writes a command as Dockerfiles do.
func jsonList(words []string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(words); err != nil {
		panic(err) // strings
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// testGroups are the group of all tests of images that are not deprecated, and
// one for each runtime.
func testGroups(c *catalogue.Catalogue) []Group {
	all := Group{Name: catalogue.GroupTest, Description: "Tests of all images that are not deprecated"}
	groups := []Group{all}
	for _, rt := range c.Runtimes {
		own := Group{Name: catalogue.TestPrefix + rt.Key, Description: "Tests of all versions of " + rt.Name}
		for _, v := range rt.Versions {
			for _, t := range tests(v) {
				own.Targets = append(own.Targets, t.Name)
				if v.Deprecated == "" {
					groups[0].Targets = append(groups[0].Targets, t.Name)
				}
			}
		}
		if len(own.Targets) > 0 {
			groups = append(groups, own)
		}
	}
	if len(groups[0].Targets) == 0 {
		return groups[1:]
	}
	return groups
}
