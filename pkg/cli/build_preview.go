package cli

import (
	"context"
	"io"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/engine"
)

// print writes what bake would print.
func (j *buildJob) print(ctx context.Context) error {
	text, err := engine.Print(ctx, j.request())
	if err != nil {
		return err
	}
	_, err = j.app.env.Stdout.Write(text)
	return err
}

// dryRun writes the plan.
func (j *buildJob) dryRun() error {
	entries := []planEntry{}
	for _, b := range j.builds {
		e := newPlanEntry(b)
		if output := j.output(b); output != "" {
			e.Output = []bake.Attributes{outputAttributes(output)}
		} else if j.goal == goalPush {
			e.Output = []bake.Attributes{{"type": "registry"}}
		}
		entries = append(entries, e)
	}
	if j.options.format == "json" {
		return writeJSON(j.app.env.Stdout, entries)
	}
	if err := writePlan(j.app.env.Stdout, entries); err != nil {
		return err
	}
	if j.goal == goalAuto {
		_, err := io.WriteString(j.app.env.Stderr, "they would be loaded into Docker if it answers, and else stay in BuildKit's cache\n")
		return err
	}
	return nil
}
