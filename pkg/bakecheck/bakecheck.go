// Package bakecheck proves that an emitted file says to bake what it was meant
// to say. Bake ignores much of what it does not know (misspelt attributes,
// unknown blocks, duplicates), so reading the file without an error proves
// little; four steps prove the rest.
package bakecheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/budget"
)

// Verify runs the four steps on the bytes that Encode wrote for a file:
// canonical format; a strict schema taken from bake's own types; bake's own
// parser, down to build options; and what was read back compared with what was
// meant, for unset variables and for a set of values that touches each of them.
//
// An error is a bug in the encoder, or a limit of bake that it does not know, and
// says so; it names the target and the attribute. What has been verified before, in whole
// or in part, is not verified again.
func Verify(ctx context.Context, src []byte, f *bake.File, before *Proven) error {
	if err := budget.DotEnv(); err != nil {
		return err
	}
	return asBug(ctx, before.once("whole", src, f, func() error {
		return verify(ctx, src, f, before, partSize, settings(f)...)
	}))
}

// small is how many targets a file has that is read whole as well, where nothing
// is believed: some tenths of a second.
const small = 64

// VerifyAnew is [Verify] where nothing is believed that was found before. Bake
// reads a small file whole as well, which shows that nothing is lost by parts.
func VerifyAnew(ctx context.Context, src []byte, f *bake.File) error {
	err := Verify(ctx, src, f, nil)
	if err != nil || len(f.Targets)+len(f.Tests) > small {
		return err
	}
	return VerifyWhole(ctx, src, f)
}

// VerifyWhole compares what bake's own reading of the whole text, all targets at
// once, makes of it. It takes the square of the time that [Verify] takes, and finds
// the same.
func VerifyWhole(ctx context.Context, src []byte, f *bake.File) error {
	if err := errors.Join(budget.DotEnv(), readNoEnvironment()); err != nil {
		return err
	}
	return asBug(ctx, verifyWhole(ctx, src, f, settings(f)))
}

func asBug(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("this is a bug of runbake, please report it with the definitions: %w", err)
	}
	return err
}

// VerifyWith compares text and model for one set of values.
func VerifyWith(ctx context.Context, src []byte, f *bake.File, v bake.Values) error {
	return verify(ctx, src, f, nil, partSize, set(v))
}

// partSize is how many targets are parsed, compared and remembered together.
const partSize = 24

// verify does all steps, side by side where none needs another.
func verify(ctx context.Context, src []byte, f *bake.File, before *Proven, size int, all ...setting) error {
	if err := readNoEnvironment(); err != nil {
		return err
	}
	err := verifyParts(ctx, src, f, cut(src, size), before, all)
	if errors.Is(err, errUncut) {
		err = verifyParts(ctx, src, f, uncut(src), before, all)
	}
	if errors.Is(err, errUncut) || errors.Is(err, errWhole) {
		return verifyWhole(ctx, src, f, all)
	}
	return err
}

func verifyParts(ctx context.Context, src []byte, f *bake.File, text *layout, before *Proven, all []setting) error {
	c, err := newCheck(src, f, text, before, all)
	if err != nil {
		return err
	}
	return c.run(ctx)
}

// readNoEnvironment keeps the environment out of the result: bake reads its
// variables from there, and offers no other way.
func readNoEnvironment() error { return os.Setenv("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP", "1") }

// inParallel runs jobs, as many at a time as there are processors.
func inParallel(jobs []func()) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, job := range jobs {
		group.Go(func() error {
			job()
			return nil
		})
	}
	_ = group.Wait() // none fails
}

// checkFormat wants the bytes that hclwrite makes of the same text.
func checkFormat(src []byte) error {
	return checkPart(src, 0, len(src))
}

// checkPart checks the format of some of a text, which begins and ends where
// blocks do: what is in one does not change how another is written.
func checkPart(src []byte, from, to int) error {
	part := src[from:to]
	if at := firstDifference(part, hclwrite.Format(part)); at > 0 {
		line := bytes.Count(src[:from], []byte("\n")) + at
		return fmt.Errorf("emitted file is not in canonical format, first on line %d", line)
	}
	return nil
}

// firstDifference returns the number of the first line that differs, or 0.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return 0
	}
	linesA, linesB := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(linesA), len(linesB)) {
		if !bytes.Equal(linesA[i], linesB[i]) {
			return i + 1
		}
	}
	return min(len(linesA), len(linesB)) + 1
}

// setting is one way to set the variables, as bake's user does and as our
// model has it.
type setting struct {
	vars   map[string]string
	values bake.Values
}

// localPlatform is what bake is told of the machine, so that the check gives
// the same answer on all.
const localPlatform = "linux/amd64"

// settings are the values under which text and model are compared.
func settings(f *bake.File) []setting {
	all := bake.Values{
		Registry: "localhost:5000/some/path", TagSuffix: "-rc.1", Revision: "0123456789ab",
		Cache: "registry", CacheRef: "localhost:5000/some/cache", Probe: "docker-image://localhost:5000/some/probe",
	}
	if platforms := f.Platforms(); len(platforms) > 0 {
		all.Platform = platforms[len(platforms)-1]
	}
	if len(f.Variables) > 0 {
		all.Variables = map[string]string{}
	}
	for _, v := range f.Variables {
		all.Variables[v.Name] = another(v)
		if f.CheckTags(all) != nil { // no text is a tag of another length, or of another image
			all.Variables[v.Name] = v.Default
		}
	}
	for f.CheckTags(all) != nil { // some tag ends like this, or is as long as it may be
		if all.TagSuffix != "" {
			all.TagSuffix = all.TagSuffix[:len(all.TagSuffix)-1]
		} else if all.Revision != "" {
			all.Revision = all.Revision[1:]
		}
	}
	return []setting{unset(f), set(all)}
}

// unset is a setting in which the user sets nothing.
func unset(f *bake.File) setting {
	return setting{values: f.Defaults()}
}

// set is a setting in which the user sets everything.
func set(v bake.Values) setting {
	return setting{vars: v.Set(), values: v}
}

func (s setting) String() string {
	if s.vars == nil {
		return "with no variable set"
	}
	return fmt.Sprintf("with %s", strings.TrimPrefix(fmt.Sprint(s.vars), "map"))
}
