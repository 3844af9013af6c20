package catalogue

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/platform"
)

// knownPlatforms are the Linux platforms that Go, and with it BuildKit, runs
// on: https://go.dev/doc/install/source#environment, and the one other that it
// builds images for.
var knownPlatforms = []string{
	"linux/386", "linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v4", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm64",
	"linux/loong64", "linux/mips64", "linux/mips64le", "linux/ppc64le", "linux/riscv64", "linux/s390x",
	"windows/amd64",
}

// platforms reads a list of platforms and normalises them, so that
// linux/arm64/v8 and linux/arm64 are the same. It reads each list once; many
// versions share theirs.
func (r *resolver) platforms(list *definition.List) []string {
	if names, done := r.lists[list]; done {
		return names
	}
	var names []string
	defer func() { r.lists[list] = names }()
	for _, item := range list.Items {
		v, diags := item.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
			r.report(item.Range(), "A platform is a string", `Write for example "linux/amd64"; variables cannot be used here.`)
			continue
		}
		name, ok := r.platform(v.AsString(), item.Range())
		if !ok {
			continue
		}
		if slices.Contains(names, name) {
			r.report(item.Range(), fmt.Sprintf("Platform %q is listed twice", name), "Remove one of the two.")
			continue
		}
		names = append(names, name)
	}
	if len(list.Items) == 0 {
		r.report(list.Range, "No platforms", `List at least one, for example ["linux/amd64", "linux/arm64"].`)
	}
	return names
}

func (r *resolver) platform(given string, at hcl.Range) (string, bool) {
	if name, err := platform.Normal(given); err == nil && slices.Contains(knownPlatforms, name) {
		return name, true
	}
	detail := fmt.Sprintf("Platforms are written os/architecture[/variant], for example %q.", "linux/amd64")
	if near := diag.Suggest(given, knownPlatforms); near != "" {
		detail = fmt.Sprintf("Did you mean %q?", near)
	}
	r.report(at, fmt.Sprintf("Unknown platform %q", given), detail)
	return "", false
}
