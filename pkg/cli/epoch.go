package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/affected"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/repofs"
)

// envEpoch is the variable, and build argument, of
// https://reproducible-builds.org/specs/source-date-epoch/.
const envEpoch = "SOURCE_DATE_EPOCH"

// epochs are the times, in seconds since 1970, that none in an image may be
// later than, by target: what the environment says, else the times of the last
// commits. nil when times stay what they are: unless wanted, that is when the
// environment says nothing.
func (a *app) epochs(ctx context.Context, c *catalogue.Catalogue, wanted bool) (map[string]int64, error) {
	text, _ := a.env.LookupEnv(envEpoch)
	if text == "" && !wanted {
		return nil, nil
	}
	if text == "" {
		return a.committed(ctx, c)
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return nil, fmt.Errorf("%s=%q: it is a number of seconds since 1970", envEpoch, text)
	}
	epochs := map[string]int64{}
	for _, v := range c.Versions() {
		epochs[v.Target] = seconds
	}
	return epochs, nil
}

// committed are the times of the last commits of definitions.
func (a *app) committed(ctx context.Context, c *catalogue.Catalogue) (_ map[string]int64, err error) {
	explain := func(err error) error {
		return fmt.Errorf("images get their times from git; give one in %s where there is no commit: %w", envEpoch, err)
	}
	repo, err := git.Open(ctx, a.dir)
	if err != nil {
		return nil, explain(err)
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	commit, err := repo.Commit(ctx, "HEAD")
	if err != nil {
		return nil, explain(err)
	}
	return a.committedAt(ctx, repo, commit, c)
}

// committedAt is committed for a state. A definition that no commit has counts
// as changed by the last of all.
func (a *app) committedAt(ctx context.Context, repo *git.Repo, commit string, c *catalogue.Catalogue) (map[string]int64, error) {
	last, err := repo.CommitTime(ctx, commit)
	if err != nil {
		return nil, err
	}
	times := map[string]int64{}
	for _, v := range c.Versions() {
		times[v.Range.Filename] = last.Unix()
	}
	touched, err := repo.Touched(ctx, commit, slices.Sorted(maps.Keys(times)))
	if err != nil {
		return nil, err
	}
	unsure := false
	for name, touch := range touched {
		times[name] = touch.Time.Unix()
		unsure = unsure || touch.Unsure
	}
	if unsure {
		fmt.Fprintln(a.env.Stderr, "this clone is shallow, and the times of images may be later than those of a whole one: git fetch --unshallow (with actions/checkout: fetch-depth: 0)")
	}
	return epochsOf(c, times), nil
}

// epochsOf are the times of images, by target. An image that is built on another
// one of the repository has the time of that: so they have layers in common.
func epochsOf(c *catalogue.Catalogue, times map[string]int64) map[string]int64 {
	epochs := map[string]int64{}
	for _, v := range c.Versions() {
		epochs[v.Target] = times[root(v).Range.Filename]
	}
	return epochs
}

// root is the image of the repository that a version starts from: itself, if it
// is built on none.
func root(v *catalogue.Version) *catalogue.Version {
	for {
		i := slices.IndexFunc(v.Needs, func(n catalogue.Need) bool { return n.Root && n.Version != v })
		if i < 0 {
			return v
		}
		v = v.Needs[i].Version
	}
}

// dateJobs gives the times of their images to jobs. Before the first commit there
// are none.
func (a *app) dateJobs(ctx context.Context, repo *git.Repo, until string, c *catalogue.Catalogue, jobs []affected.Row) error {
	commit, err := repo.Commit(ctx, cmp.Or(until, "HEAD"))
	if _, none := errors.AsType[*git.UnknownRefError](err); none || len(jobs) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	epochs, err := a.committedAt(ctx, repo, commit, c)
	if err != nil {
		return err
	}
	dateRows(jobs, epochs)
	return nil
}

// dateRows gives the time of a job's images to its row: the first of them, when
// it has several.
func dateRows(rows []affected.Row, epochs map[string]int64) {
	for i := range rows {
		earliest := int64(-1)
		for target := range strings.FieldsSeq(rows[i].Targets) {
			if epoch, found := epochs[target]; found && (earliest < 0 || epoch < earliest) {
				earliest = epoch
			}
		}
		if earliest >= 0 {
			rows[i].Epoch = strconv.FormatInt(earliest, 10)
		}
	}
}

// output is where a target goes, as bake's --set takes it; "" for where the
// emitted file says.
func (j *buildJob) output(b bake.Build) string {
	epoch, dated := j.epochs[b.Name]
	date := func(output string) string {
		if !dated {
			return ""
		}
		return dateOutput(output, epoch)
	}
	switch j.goal {
	case goalOther:
		output := strings.ReplaceAll(j.options.output, "{target}", b.Name)
		return cmp.Or(date(output), output)
	case goalCache:
		return "type=cacheonly"
	case goalLoad:
		return date("type=docker")
	case goalPush:
		if j.values.ByDigest {
			return date(strings.Join(pairs(b.Output[0]), ","))
		}
		return date("type=image,push=true")
	case goalAuto:
	}
	return ""
}

// dateOutput adds to an output what makes BuildKit rewrite times that are later,
// as far as the output has times, and unless it says so itself. The time is given
// here, and not as a build argument: that would be part of what BuildKit's cache
// compares, and a commit would build steps again that it did not change.
func dateOutput(output string, epoch int64) string {
	attributes := outputAttributes(output)
	add := func(key, value string) {
		if attributes[key] == "" {
			output += "," + key + "=" + value
		}
	}
	switch attributes["type"] {
	case "image", "registry", "oci", "docker":
		add("rewrite-timestamp", "true")
		fallthrough
	case "local", "tar":
		add("source-date-epoch", strconv.FormatInt(epoch, 10))
	}
	return output
}

// epochArgs set the build argument where a Dockerfile asks for it, so that its
// steps can use it. The Dockerfiles of the folder have been read before, and
// without errors.
func epochArgs(dir string, builds []bake.Build, epochs map[string]int64) []string {
	if epochs == nil {
		return nil
	}
	fsys, err := repofs.Open(dir)
	if err != nil {
		return nil // then nothing can be built either
	}
	defer fsys.Close()
	var overrides []string
	for _, b := range builds {
		if _, given := b.Args[envEpoch]; !given && declares(fsys, b) {
			overrides = append(overrides, fmt.Sprintf("%s.args.%s=%d", b.Name, envEpoch, epochs[b.Origin()]))
		}
	}
	return overrides
}

// declares reports whether the Dockerfile of a build asks for the time.
func declares(fsys fs.FS, b bake.Build) bool {
	name := path.Join(b.Context, "Dockerfile")
	if b.Dockerfile != "" {
		name = path.Join(b.Context, b.Dockerfile)
	}
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return false
	}
	file, diags := dockerfile.Parse(name, text)
	return !diags.HasErrors() && slices.ContainsFunc(file.Args(), func(a dockerfile.Arg) bool { return a.Name == envEpoch })
}
