package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// TestAsks lists what RUNs want: kind:id, with ! when they fail without.
func TestAsks(t *testing.T) {
	for _, c := range []struct{ name, src, stage, want string }{
		{"nothing", "FROM debian:12\nRUN --mount=type=cache,id=c,target=/c true", "", ""},
		{"secret", "FROM debian:12\nRUN --mount=type=secret,id=npmrc true", "", "secret:npmrc"},
		{"required somewhere", "FROM debian:12\nRUN --mount=type=secret,id=a true\nRUN --mount=type=secret,id=a,required true", "", "secret:a!"},
		{"named by its target", "FROM debian:12\nRUN --mount=type=secret,target=/root/.npmrc true", "", "secret:.npmrc"},
		{"as a variable", "FROM debian:12\nRUN --mount=type=secret,id=token,env=TOKEN true", "", "secret:token"},
		{"agent", "FROM debian:12\nRUN --mount=type=ssh true\nRUN --mount=type=ssh,id=deploy,required=true true", "", "ssh:default ssh:deploy!"},
		{"entitlements", "FROM debian:12\nRUN --network=host true\nRUN --security=insecure true\nRUN --network=none true", "", "entitlement:network.host! entitlement:security.insecure!"},
		{"of a stage that is taken", "FROM debian:12 AS a\nRUN --mount=type=ssh true\nFROM debian:12\nCOPY --from=a /x /x", "", "ssh:default"},
		{"of a stage that is not", "FROM debian:12 AS a\nRUN --mount=type=ssh true\nFROM debian:12", "", ""},
		{"of the target", "FROM debian:12 AS a\nRUN --mount=type=ssh true\nFROM debian:12", "a", "ssh:default"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, diags := dockerfile.Parse("Dockerfile", []byte(c.src))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			var got []string
			for _, a := range f.Asks(c.stage, nil, both) {
				text := fmt.Sprintf("%s:%s", a.Kind, a.ID)
				if a.Required {
					text += "!"
				}
				got = append(got, text)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, " "), c.want)
			}
		})
	}
}
