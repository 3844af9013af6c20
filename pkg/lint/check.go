package lint

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/buildcheck"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/diag"
)

// check decides a rule of the contract: for one version, or for what belongs to
// none.
type check struct {
	version    func(*subject) []finding
	repository func(*linter) []finding
}

// finding is a place that a rule does not hold for.
type finding struct {
	at      hcl.Range
	summary string
	detail  string // before the fix
	fix     string // instead of the rule's own
	soft    bool   // works where it is: a warning at most
	origin  string // file that it is about, where that is not the one of its place
}

// checks are those of the rules, by their ids. The rules "buildable" and "silence"
// have none: BuildKit and the comments of all files decide them.
func checks() map[string]check {
	return map[string]check{
		"folder-name":          {version: folderName},
		"readme":               {version: readme},
		"stray-dockerfile":     {version: strayDockerfile},
		"base-pinned":          {version: basePinned},
		"copy-pinned":          {version: copyPinned},
		"copy-source":          {version: copySource},
		"ignore-file":          {version: ignoreFile},
		"checked-out":          {version: checkedOut},
		"base-official":        {version: baseOfficial},
		"base-version":         {version: baseVersion},
		"user":                 {version: user},
		"user-dialect":         {version: event("user-dialect")},
		"unprivileged":         {version: unprivileged},
		"root-needed":          {version: event("root-needed")},
		"folders":              {version: folders},
		"base-folders":         {version: baseFolders},
		"folder-owner":         {version: folderOwner},
		"owner-order":          {version: event("owner-order")},
		"workdir":              {version: workdir},
		"build-script":         {version: buildScript},
		"launch-script":        {version: launchScript},
		"launch-script-unused": {version: launchScriptUnused},
		"scripts":              {version: executableScripts},
		"script-mode":          {version: scriptMode},
		"chmod-missing":        {version: event("chmod-missing")},
		"command":              {version: startCommand},
		"command-form":         {version: commandForm},
		"no-entrypoint":        {version: noEntrypoint},
		"expose":               {version: expose},
		"script-syntax":        {version: eachScript(scriptSyntax)},
		"run-syntax":           {version: event("run-syntax")},
		"script-shebang":       {version: eachScript(scriptShebang)},
		"script-interpreter":   {version: eachScript(scriptInterpreter)},
		"script-line-ends":     {version: eachScript(scriptLineEnds)},
		"script-bashism":       {version: eachScript(scriptBashism)},
		"run-bashism":          {version: event("run-bashism")},
		"script-errexit":       {version: eachScript(scriptErrexit)},
		"script-arch":          {version: eachScript(scriptArch)},
		"run-arch":             {version: event("run-arch")},
		"build-code":           {version: buildCode},
		"entrypoint-name":      {version: entrypointName},
		"executable":           {version: executableResult},
		"launch-unpacks":       {version: launchUnpacks},
		"launch-runtime":       {version: launchRuntime},
		"launch-foreground":    {version: launchForeground},
		"launch-exec":          {version: launchExec},
		"fixture":              {version: fixture},
		"fixture-entrypoint":   {version: fixtureEntrypoint},
		"unfinished":           {version: unfinished},
	}
}

// event is what following a Dockerfile has found on the way, for the rule of
// that id.
func event(id string) func(*subject) []finding {
	return func(s *subject) []finding { return s.image.events[id] }
}

// ruleSeverity is what findings of a rule are at a level of the catalogue.
func ruleSeverity(r *contract.Rule, level string) contract.Severity {
	switch level {
	case catalogue.Guide:
		return r.Guide
	case catalogue.Off:
		return contract.Off
	}
	return r.Strict
}

// atLevel is what findings of a rule of BuildKit's are, which has one severity.
func atLevel(normal contract.Severity, level string) contract.Severity {
	if level == catalogue.Off {
		return contract.Off
	}
	return normal
}

func parseSeverity(s string) contract.Severity {
	return map[string]contract.Severity{"warning": contract.Warning, "error": contract.Error}[s]
}

// Rules describes all rules that findings may be of: those of the contract that
// files decide, and BuildKit's checks.
func Rules() []diag.Rule {
	var rules []diag.Rule
	for _, r := range contract.Checked(contract.InFiles) {
		rules = append(rules, describe(&r))
	}
	return append(rules, buildcheck.Rules()...)
}

func describe(r *contract.Rule) diag.Rule {
	return diag.Rule{
		ID: r.ID, URL: r.URL(), What: r.What, Why: r.Why, Fix: r.Fix, Warning: r.Strict != contract.Error,
	}
}
