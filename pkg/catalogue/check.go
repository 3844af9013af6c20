package catalogue

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/definition"
)

// CheckKey says what is wrong with the key of a runtime, by the rules that
// [Resolve] has.
func CheckKey(key string) hcl.Diagnostics {
	r := &resolver{}
	r.checkKey(definition.String{Value: key})
	return r.diags
}

// CheckGroup says what is wrong with the name of a group.
func CheckGroup(name string) hcl.Diagnostics {
	r := &resolver{}
	r.groupName(&Catalogue{}, definition.String{Value: name})
	return r.diags
}

// CheckVersion says what is wrong with the name of a version.
func CheckVersion(name string) hcl.Diagnostics {
	r := &resolver{}
	r.checkVersionName("version", definition.String{Value: name})
	return r.diags
}

// CheckEntrypoint says what is wrong with the name of a function's file.
func CheckEntrypoint(name string) hcl.Diagnostics {
	r := &resolver{}
	r.entrypoint(definition.String{Value: name})
	return r.diags
}

// CheckPlatform returns the normalised name of a platform, or what is wrong
// with it.
func CheckPlatform(name string) (string, hcl.Diagnostics) {
	r := &resolver{}
	normal, _ := r.platform(name, hcl.Range{})
	return normal, r.diags
}

// CheckImage says what is wrong with the name of an image.
func CheckImage(ref string) hcl.Diagnostics {
	r := &resolver{references: map[string]parsedReference{}}
	r.checkImage(ref, hcl.Range{})
	return r.diags
}

// checkImage reports what is no name of an image.
func (r *resolver) checkImage(ref string, at hcl.Range) bool {
	_, err := r.parseReference(ref)
	if err != nil {
		r.report(at, fmt.Sprintf("Invalid image %q", ref),
			fmt.Sprintf(`Write [registry/]name:tag in lower case, for example "node:24-bookworm-slim" (%v).`, err))
	}
	return err == nil
}

// CompareVersions orders names of versions so that numbers in them count as
// numbers: 3.9 before 3.10.
func CompareVersions(a, b string) int { return compareNatural(a, b) }
