// Package bakecheck proves that an emitted file says to bake what it was meant
// to say. Bake ignores much of what it does not know (misspelt attributes,
// unknown blocks, duplicates), so reading the file without an error proves
// little; four steps prove the rest.
//
// It is the only package that imports buildx's bake.
package bakecheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/bake"
)

// Verify runs the four steps on the bytes that Encode wrote for a file:
// canonical format; a strict schema taken from bake's own types; bake's own
// parser, down to build options; and what was read back compared with what was
// meant, for unset variables and for a set of values that touches each of them.
//
// An error is a bug in the encoder, or a limit of bake that it does not know;
// it names the target and the attribute.
func Verify(ctx context.Context, src []byte, f *bake.File) error {
	// Bake reads its variables from the environment, and this is the only
	// way that it offers to keep the environment out of the result.
	if err := os.Setenv("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP", "1"); err != nil {
		return err
	}
	if at := firstDifference(src, hclwrite.Format(src)); at > 0 {
		return fmt.Errorf("emitted file is not in canonical format, first on line %d", at)
	}
	if err := checkSchema(src); err != nil {
		return err
	}
	all := settings(f)
	errs := make([]error, len(all))
	var group errgroup.Group
	for i, v := range all {
		group.Go(func() error {
			errs[i] = readBack(ctx, src, f, v)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs, in order
	return errors.Join(errs...)
}

// VerifyWith compares text and model for one set of values.
func VerifyWith(ctx context.Context, src []byte, f *bake.File, v bake.Values) error {
	if err := os.Setenv("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP", "1"); err != nil {
		return err
	}
	return readBack(ctx, src, f, set(v))
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
	vars := map[string]string{
		"REGISTRY": v.Registry, "TAG_SUFFIX": v.TagSuffix, "REVISION": v.Revision, "PLATFORM": v.Platform,
		"LOCAL": strconv.FormatBool(v.Local), "BY_DIGEST": strconv.FormatBool(v.ByDigest), "CACHE": v.Cache,
	}
	if v.CacheRef != "" {
		vars["CACHE_REF"] = v.CacheRef
	}
	if v.Probe != "" {
		vars["PROBE"] = v.Probe
	}
	return setting{vars: vars, values: v}
}

func (s setting) String() string {
	if s.vars == nil {
		return "with no variable set"
	}
	return fmt.Sprintf("with %s", strings.TrimPrefix(fmt.Sprint(s.vars), "map"))
}

// readBack is steps three and four under one setting.
func readBack(ctx context.Context, src []byte, f *bake.File, s setting) error {
	names := make([]string, 0, len(f.Targets)+len(f.Groups))
	for _, t := range f.Targets {
		names = append(names, t.Name)
	}
	for _, t := range f.Tests {
		names = append(names, t.Name)
	}
	members := f.Members(s.values)
	for _, g := range f.Groups {
		if len(members[g.Name]) > 0 { // bake has no empty groups
			names = append(names, g.Name)
		}
	}
	if len(f.Targets) == 0 {
		return nil
	}
	files := []buildxbake.File{{Name: bake.FileName, Data: src}}
	builtin := map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": localPlatform}
	targets, groups, err := buildxbake.ReadTargets(ctx, files, names, nil, builtin, s.vars, &buildxbake.EntitlementConf{})
	if err != nil {
		return fmt.Errorf("bake cannot read the emitted file %s: %w", s, err)
	}
	errs := []error{compareGroups(f, groups, members), compareTargets(f, targets, s.values)}
	for _, t := range targets { // they have been compared, and this machine need not have them
		t.Secrets, t.SSH = nil, nil
	}
	if _, err := buildxbake.TargetsToBuildOpt(targets, &buildxbake.Input{}); err != nil {
		errs = append(errs, fmt.Errorf("bake cannot build from the emitted file: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("bake reads the emitted file differently %s: %w", s, err)
	}
	return nil
}
