package cli

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/envelope"
)

// versions is what this program is, and what it was built of and with; "" is not
// known.
type versions struct {
	Runbake  string `json:"runbake"`
	Revision string `json:"revision,omitempty"` // commit, where it was built in a clone of it
	Buildx   string `json:"buildx,omitempty"`
	BuildKit string `json:"buildkit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the versions of runbake, buildx, BuildKit and Go",
		Long: `Version shows the version of runbake, and of the buildx, BuildKit and Go that it was
built with. Please include its output in bug reports.`,
		Example: `  runbake version
  runbake version --format json | jq -r '.items[0].buildkit'`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if err := checkFormat(format, "text", "json"); err != nil {
				return err
			}
			v := versionsOf(a.env.Build)
			if format == "json" {
				return envelope.Write(a.env.Stdout, "version", []versions{v})
			}
			return writeVersions(a.env.Stdout, v)
		},
	}
	formatFlag(cmd, &format, "text", "json")
	return cmd
}

// versionsOf is what the Go toolchain has written into a program; nil where it
// has written nothing.
func versionsOf(build *debug.BuildInfo) versions {
	v := versions{Runbake: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if build == nil {
		return v
	}
	v.Runbake = cmp.Or(build.Main.Version, v.Runbake)
	modified := false
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified { // the commit is not what it was built of
		v.Revision = ""
	}
	for _, m := range build.Deps {
		if m.Replace != nil {
			continue // it is not what its version says
		}
		switch m.Path {
		case "github.com/docker/buildx":
			v.Buildx = m.Version
		case "github.com/moby/buildkit":
			v.BuildKit = m.Version
		}
	}
	return v
}

func writeVersions(w io.Writer, v versions) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"runbake", v.Runbake},
		{"revision", v.Revision},
		{"buildx", v.Buildx},
		{"BuildKit", v.BuildKit},
		{"Go", v.Go},
		{"platform", v.Platform},
	} {
		if row[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
		}
	}
	return t.Flush()
}
