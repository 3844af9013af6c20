package dockerfile_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// TestGrowth: variables that double with each line are refused where they are too
// large, and what people write is not.
func TestGrowth(t *testing.T) {
	lines := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.NewReplacer("#", strconv.Itoa(i), "@", strconv.Itoa(i+1)).Replace(format) + "\n")
		}
		return b.String()
	}
	for name, c := range map[string]struct{ src, want string }{
		"an ordinary file": {
			"ARG V=1.2\nFROM debian:$V\nENV PATH=/opt/bin:$PATH A=${V//./-}\nRUN echo $A $A $A\nCOPY a${V} b\n" + lines(200, "ENV PATH=/x#:$PATH"), "",
		},
		"arguments":            {"FROM scratch\nARG A0=xxxxxxxxxx\n" + lines(60, "ARG A@=$A#$A#") + "COPY $A60 /", "a:16,1-"},
		"global arguments":     {"ARG A0=x\n" + lines(60, "ARG A@=${A#}${A#}") + "FROM scratch", "a:15,1-"},
		"variables":            {"FROM scratch\nenv A=xxxxxxxxxx\n" + lines(60, "env A=$A$A"), "A would have more than 1 MiB"},
		"old form":             {"FROM scratch\nENV A xxxxxxxxxx\n" + lines(60, "ENV A $A$A"), "A would have more than 1 MiB"},
		"given from elsewhere": {"FROM scratch\nARG A\n" + lines(60, "ENV A=$A$A"), "A would have more than 1 MiB"},
		"over stages":          {"FROM scratch AS s0\nENV A=x\n" + lines(60, "FROM s# AS s@\nENV A=$A$A"), "A would have more than 1 MiB"},
		"triggers":             {"FROM scratch AS s0\nENV A=x\n" + lines(60, "ONBUILD ENV A=$A$A"), "A would have more than 1 MiB"},
		"replacing":            {"FROM scratch\nENV A=xxxxxxxxxx\n" + lines(8, "ENV A=${A//x/$A}"), "more than"},
		"defaults":             {"FROM scratch\nENV A=xxxxxxxxxx\n" + lines(60, "ENV A=${B:-$A$A}"), "A would have more than 1 MiB"},
		"many words":           {"FROM scratch\nENV A=" + strings.Repeat("x", 1<<15) + "\nLABEL a=" + strings.Repeat("$A", 1000), "a:3,1-"},
		"a file in the file":   {"FROM scratch\nENV A=" + strings.Repeat("x", 1<<15) + "\nCOPY <<E /a\n" + strings.Repeat("$A\n", 1000) + "E\n", "a:3,1-"},
		"brackets":             {"FROM scratch\nLABEL a=" + strings.Repeat("${A:-", 5000), "Brackets are in one another"},
	} {
		t.Run(name, func(t *testing.T) {
			_, diags := dockerfile.Parse("a", []byte(c.src))
			if c.want == "" && diags.HasErrors() || c.want != "" && !strings.Contains(diags.Error(), c.want) {
				t.Errorf("got %v, want %q", diags, c.want)
			}
		})
	}
}
