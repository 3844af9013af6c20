package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/build"
	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/reproducible"
)

// dryRun writes the plan.
func (a *app) dryRun(plan *build.Plan, format string) error {
	entries := []planEntry{}
	for _, b := range plan.Builds {
		e := newPlanEntry(b)
		if output := plan.Output(b); output != "" {
			e.Output = []bake.Attributes{bake.ParseAttributes(output)}
		} else if plan.Goal == build.Push {
			e.Output = []bake.Attributes{{"type": "registry"}}
		}
		entries = append(entries, e)
	}
	if format == "json" {
		return envelope.Write(a.env.Stdout, "plan", entries)
	}
	if err := writePlan(a.env.Stdout, entries); err != nil {
		return err
	}
	if plan.Goal == build.Auto {
		a.log("they would be loaded into Docker if it answers, and else stay in BuildKit's cache")
	}
	return nil
}

// writeMetadata writes the file of --metadata-file as buildx does.
func writeMetadata(name string, targets map[string]any) error {
	text, err := json.MarshalIndent(targets, "", "  ")
	if err != nil {
		return err
	}
	return writeResult(name, text)
}

// reportBuilt shows what became of it, and fails if an image did.
func (a *app) reportBuilt(o *build.Outcome, images []build.Image, format string) error {
	var err error
	if format == "json" {
		err = envelope.Write(a.env.Stdout, "build", images)
	} else {
		err = writeBuilt(a.env.Stdout, images)
	}
	if err != nil {
		return err
	}
	return a.tellFailures(o)
}

func writeBuilt(w io.Writer, images []build.Image) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "IMAGE\tPLATFORMS\tSTATE\tDIGEST\tSIZE\tTIME\tCACHED")
	for _, i := range images {
		hash, size := "-", "-"
		if _, hex, found := strings.Cut(i.Digest, ":"); found {
			hash = hex[:min(12, len(hex))]
		}
		if i.Size > 0 {
			size = fmt.Sprintf("%.1f MB", float64(i.Size)/1e6)
		}
		took := time.Duration(i.Seconds * float64(time.Second)).Round(100 * time.Millisecond)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d of %s\n", i.Image, strings.Join(i.Platforms, ","), i.State, hash, size, took, i.Cached, count(i.Steps, "step"))
	}
	return t.Flush()
}

// tellFailures tells of every image that failed, and fails if one did.
func (a *app) tellFailures(o *build.Outcome) error {
	failures, failed := o.Failures()
	if failed == 0 {
		return nil
	}
	var out strings.Builder
	for _, f := range failures {
		writeFailure(&out, f)
	}
	if _, err := io.WriteString(a.env.Stderr, "\n"+out.String()); err != nil {
		return err
	}
	return &exitError{exitFailed, fmt.Sprintf("%d of %s failed", failed, count(len(o.Plan.Builds), "image"))}
}

func writeFailure(out *strings.Builder, f build.Failure) {
	if f.Skipped {
		fmt.Fprintf(out, "%s was not built: it needs %s\n", f.ID, cmp.Or(strings.Join(f.Needs, ", "), "what failed"))
		return
	}
	fmt.Fprintf(out, "%s failed", f.ID)
	if f.Step != "" {
		fmt.Fprintf(out, " in %s", f.Step)
	}
	out.WriteString("\n")
	for _, line := range f.Log {
		fmt.Fprintf(out, "  | %s\n", line)
	}
	fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(strings.TrimSpace(f.Error), "\n", "\n  "))
}

// reportVerified shows what came of building twice, and fails if an image differs
// or could not be built.
func (a *app) reportVerified(o *build.Outcome, images []build.Verified, format string) error {
	var err error
	if format == "json" {
		err = envelope.Write(a.env.Stdout, "reproducibility", images)
	} else {
		err = writeVerified(a.env.Stdout, images)
	}
	if err != nil {
		return err
	}
	differing := 0
	for _, image := range images {
		if image.State == build.Differs {
			differing++
		}
	}
	err = a.tellFailures(o)
	if differing > 0 {
		text := fmt.Sprintf("%d of %s cannot be reproduced", differing, count(len(images), "image"))
		if exit, is := errors.AsType[*exitError](err); is {
			text = exit.text + "\n" + text
		}
		return &exitError{exitFailed, text}
	}
	return err
}

// writeVerified writes a table, and below it what differs.
func writeVerified(w io.Writer, images []build.Verified) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tPLATFORM\tSTATE\tDIGEST")
	var details strings.Builder
	for _, image := range images {
		if len(image.Platforms) == 0 {
			fmt.Fprintf(t, "%s\t-\t%s\t-\n", image.ID, image.State)
		}
		for _, p := range image.Platforms {
			state, hash := build.Differs, "-"
			if len(p.Differences) == 0 {
				state, hash = build.Reproducible, strings.TrimPrefix(p.First, "sha256:")
				hash = hash[:min(12, len(hash))]
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", image.ID, p.Platform, state, hash)
			for _, d := range p.Differences {
				writeDifference(&details, image.ID+" for "+p.Platform, d)
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, details.String())
	return err
}

func writeDifference(out *strings.Builder, image string, d reproducible.Difference) {
	fmt.Fprintf(out, "\n%s", image)
	if d.Layer > 0 {
		fmt.Fprintf(out, ", layer %d", d.Layer)
		if d.Instruction != "" {
			fmt.Fprintf(out, ": %s", d.Instruction)
		}
	}
	out.WriteString("\n")
	if d.Path != "" {
		fmt.Fprintf(out, "  %s\n", d.Path)
	}
	for _, c := range d.Changes {
		what := string(c.What)
		if c.Name != "" {
			what += ", " + c.Name
		}
		fmt.Fprintf(out, "  %s\n    first   %s\n    second  %s\n", what, orNothing(c.First), orNothing(c.Second))
	}
}

func orNothing(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
