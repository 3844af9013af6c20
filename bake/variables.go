package bake

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// nameBase labels a target with the image of others that it is built on. Where
// a variable stands in the name of that, the label has it, too.
func (t *Target) nameBase(base catalogue.Image) {
	text := t.Texts.Args[base.Arg]
	prefix, same := strings.CutSuffix(base.Name, base.Ref)
	switch {
	case text == nil:
	case !same: // no text says what it is in full
		return
	default:
		t.Texts.Labels[keyBaseName] = append(catalogue.Text{{Literal: prefix}}, text...)
	}
	t.Labels[keyBaseName] = base.Name
}

// Declares says whether a variable is one of the project.
func (f *File) Declares(name string) bool {
	return slices.ContainsFunc(f.Variables, func(v catalogue.Variable) bool { return v.Name == name })
}

// variable is the value of a variable of the project.
func (f *File) variable(v Values) func(name string) string {
	return func(name string) string {
		if value, set := v.Variables[name]; set {
			return value
		}
		i := slices.IndexFunc(f.Variables, func(v catalogue.Variable) bool { return v.Name == name })
		return f.Variables[i].Default
	}
}

// with is a target for values of the project's variables.
func (f *File) with(v Values, t *Target) *Target {
	if !t.Texts.Any() || len(v.Variables) == 0 {
		return t
	}
	value, set := f.variable(v), *t
	set.Args, set.Labels = replaced(t.Args, t.Texts.Args, value), replaced(t.Labels, t.Texts.Labels, value)
	set.Annotations = replaced(t.Annotations, t.Texts.Annotations, value)
	set.Tags = slices.Clone(t.Tags)
	for i, tag := range t.Tags {
		if text := t.Texts.Tags[tag]; text != nil {
			set.Tags[i] = text.With(value)
		}
	}
	set.Bases = slices.Clone(t.Bases)
	for i := range set.Bases {
		base := &set.Bases[i]
		if now := set.Args[base.Arg]; base.Arg != "" && base.Ref == t.Args[base.Arg] && base.Ref != now {
			base.Ref, base.Name, base.Context = now, fullName(now), dockerfile.ContextName(now)
		}
	}
	return &set
}

func replaced(m map[string]string, texts map[string]catalogue.Text, value func(string) string) map[string]string {
	now := maps.Clone(m)
	for key, text := range texts {
		now[key] = text.With(value)
	}
	return now
}

// fullName writes out what a reference leaves to the reader; what is none stays.
func fullName(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	return reference.TagNameOnly(named).String()
}

// written is a literal, or a template where variables stand in it.
func written(s string, text catalogue.Text) string {
	if text == nil {
		return quote(s)
	}
	var b strings.Builder
	b.WriteByte('"')
	for i, p := range text {
		if p.Variable != "" {
			b.WriteString("${" + p.Variable + "}")
			continue
		}
		literal, dollars := p.Literal, 0
		for i+1 < len(text) && strings.HasSuffix(literal, "$") { // $${ would be no variable
			literal, dollars = strings.TrimSuffix(literal, "$"), dollars+1
		}
		quoted := quote(literal)
		b.WriteString(quoted[1:len(quoted)-1] + strings.Repeat(`${"$"}`, dollars))
	}
	b.WriteByte('"')
	return b.String()
}

// writtenMap are the values of a map, written.
func writtenMap(m map[string]string, texts map[string]catalogue.Text) map[string]string {
	all := make(map[string]string, len(m))
	for key, value := range m {
		all[key] = written(value, texts[key])
	}
	return all
}

// writtenTags are the tags of a target, written.
func (t *Target) writtenTags() string {
	all := make([]string, len(t.Tags))
	for i, tag := range t.Tags {
		all[i] = written(tag, t.Texts.Tags[tag])
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// encodeVariables declares the variables of the project.
func (f *File) encodeVariables() string {
	var b bytes.Buffer
	for _, v := range f.Variables {
		b.WriteString("variable " + quote(v.Name) + " {\n")
		writeAttributes(&b, given([]attribute{{"type", "string"}, {"default", quote(v.Default)}, {"description", optional(v.Description)}}))
		rule := func(condition, message string) {
			b.WriteString("  validation {\n")
			var inner bytes.Buffer
			writeAttributes(&inner, []attribute{{"condition", condition}, {"error_message", quote(message)}})
			b.WriteString("  " + strings.ReplaceAll(strings.TrimSuffix(inner.String(), "\n"), "\n", "\n  ") + "\n  }\n")
		}
		if v.Pattern != "" {
			rule(fmt.Sprintf("can(regex(%s, %s))", quote(v.Whole()), v.Name), v.Name+" "+mismatch(v))
		}
		if tags := f.variableTags(v.Name); len(tags) > 0 {
			rule(fmt.Sprintf(`length([for tag in [%s] : tag if !can(regex(%s, "${tag}${TAG_SUFFIX}${REVISION == "" ? "" : "-${REVISION}"}"))]) == 0`,
				strings.Join(tags, ", "), quote(tagPattern)), v.Name+" "+badTag)
		}
		if names := f.variableNames(v.Name); len(names) > 0 {
			list := "[" + strings.Join(names, ", ") + "]"
			rule(fmt.Sprintf("length(distinct(%s)) == length(%s)", list, list), v.Name+" "+sameName)
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

// tagPattern is what tags are, with all that stands behind them.
const tagPattern = `^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`

// What the emitted variables say of wrong values.
const (
	badTag   = "is in tags, which have letters, digits, dots, dashes and underscores, 128 at most, and start with a letter or digit."
	sameName = "would give two images the same name. Choose another value."
)

func mismatch(v catalogue.Variable) string { return "has to match " + v.Pattern + "." }

// variableTags are the tags in which a variable stands, written, each once.
func (f *File) variableTags(name string) []string {
	var all []string
	for i := range f.Targets {
		t := &f.Targets[i]
		for _, tag := range t.Tags {
			if text := t.Texts.Tags[tag]; text.Has(name) {
				all = append(all, written(tag, text))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// variableNames are the names of images, written, in repositories where a
// variable stands in a tag, if there are several.
func (f *File) variableNames(name string) []string {
	names := map[string][]string{}
	touched := map[string]bool{}
	for i := range f.Targets {
		t := &f.Targets[i]
		repository := catalogue.RepositoryIn(t.Registry, t.Image)
		for _, tag := range t.Tags {
			text := t.Texts.Tags[tag]
			touched[repository] = touched[repository] || text.Has(name)
			full := written(repository+":"+tag, nil)
			if text != nil {
				full = written("", append(catalogue.Text{{Literal: repository + ":"}}, text...))
			}
			names[repository] = append(names[repository], full)
		}
	}
	var all []string
	for _, repository := range slices.Sorted(maps.Keys(touched)) {
		if touched[repository] && len(names[repository]) > 1 {
			all = append(all, names[repository]...)
		}
	}
	return all
}

// readVariables reads the variables of the project.
func (f *File) readVariables(env Lookup) (set map[string]string, errs []error) {
	for _, v := range f.Variables {
		value, found := env(v.Name)
		if !found {
			continue
		}
		if v.Pattern != "" && !regexp.MustCompile(v.Whole()).MatchString(value) {
			errs = append(errs, fmt.Errorf("%s=%q: it %s", v.Name, value, mismatch(v)))
		}
		if set == nil {
			set = map[string]string{}
		}
		set[v.Name] = value
	}
	return set, errs
}

// checkVariableTags refuses values that make no tags, or the same for two images.
func (f *File) checkVariableTags(v Values, behind string) []error {
	var errs []error
	pattern, owners := regexp.MustCompile(tagPattern), map[string]string{}
	for i := range f.Targets {
		before := &f.Targets[i]
		t := f.with(v, before)
		for n, tag := range t.Tags {
			text := before.Texts.Tags[before.Tags[n]]
			if text != nil && !pattern.MatchString(tag+behind) {
				errs = append(errs, fmt.Errorf("%s: the tag would be %q: a variable %s", t.ID, tag+behind, badTag))
			}
			name := catalogue.RepositoryIn(t.Registry, t.Image) + ":" + tag
			if other := owners[name]; other != "" {
				errs = append(errs, fmt.Errorf("%s and %s would both be %s: a variable %s", other, t.ID, name, sameName))
			}
			owners[name] = t.ID
		}
	}
	return errs
}
