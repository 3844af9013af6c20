package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// metadata evaluates docker/metadata-action: the names that an image gets, as far as
// they are the same each time. The others are listed.
func (r *reader) metadata(st *step) map[string]any {
	m := &naming{reader: r, st: st}
	m.flavours()
	given := st.input("tags")
	rules := st.list("tags", false)
	if strings.TrimSpace(given.String()) == "" {
		rules = defaultRules(r.place(st.node))
	}
	for _, rule := range rules {
		m.rule(rule)
	}
	released := len(m.tags) > 0 || m.released
	if m.latest == "true" || m.latest == "auto" && m.first.latest {
		m.tags = append(m.tags, m.latestTag())
	}
	for _, tag := range m.moving {
		if released {
			m.leave(tag.Range, fmt.Sprintf("the tag %s, which other events than a release give", tag.Value))
		} else {
			m.tags = append(m.tags, tag.Value)
		}
	}
	if len(m.tags) == 0 {
		m.tags = []string{"latest"}
		r.note(fact.Note{Range: r.place(st.node), Text: "the tag is latest: all others of metadata-action are known only when it runs"})
	}
	var names []string
	var tags []fact.Text
	for _, image := range m.images() {
		for _, tag := range m.tags {
			name := fact.Text{Value: strings.ToLower(image.Value) + ":" + tag, Range: image.Range}
			names = append(names, name.Value)
			r.names = append(r.names, name)
			if !slices.ContainsFunc(tags, func(o fact.Text) bool { return o.Value == name.Value }) {
				tags = append(tags, name)
			}
		}
	}
	names = distinct(names)
	labels := make([]string, 0, 1)
	for _, l := range st.list("labels", false) {
		labels = append(labels, l.Value)
	}
	out := map[string]any{
		"tags": strings.Join(names, "\n"), "labels": strings.Join(labels, "\n"), "annotations": "",
		"version": m.tags[0], rest: "when it runs",
	}
	m.bakeFiles(out, tags)
	return out
}

// bakeFiles are the outputs that name bake files.
func (m *naming) bakeFiles(out map[string]any, tags []fact.Text) {
	n := fact.Naming{Target: or(m.st.value("bake-target"), "docker-metadata-action"), Range: m.place(m.st.node)}
	tagged, labelled := n, n
	tagged.Tags = tags
	for _, t := range tags {
		if m.why(t.Value) != "" {
			return // whoever takes them is told
		}
	}
	for _, p := range m.pairs(m.st, "labels") {
		if m.why(p.Value+p.Name) == "" {
			labelled.Labels = append(labelled.Labels, p)
		}
	}
	both := tagged
	both.Labels = labelled.Labels
	out["bake-file"] = m.bakeFile(both)
	out["bake-file-tags"] = m.bakeFile(tagged)
	out["bake-file-labels"] = m.bakeFile(labelled)
	out["bake-file-annotations"] = m.bakeFile(n)
}

// defaultRules are those of the action where none are given.
func defaultRules(at hcl.Range) []fact.Text {
	var rules []fact.Text
	for _, rule := range []string{"type=schedule", "type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr"} {
		rules = append(rules, fact.Text{Value: rule, Range: at})
	}
	return rules
}

func distinct(list []string) []string {
	var all []string
	for _, s := range list {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// naming is one evaluation of the action.
type naming struct {
	*reader
	st             *step
	latest         string // true, false or auto
	prefix, suffix string
	// prefixed and suffixed say that prefix and suffix are those of latest, too.
	prefixed, suffixed bool
	tags               []string
	moving             []fact.Text // tags for other events than a release
	released           bool        // one of the rules is for releases
	first              foremost
}

// foremost is the rule of the highest priority that gives a tag for a release, the first
// of several: it decides whether the image is the latest.
type foremost struct {
	priority int
	latest   bool
}

// priorities are those of rules that have none of their own, of those that give a tag for
// a release.
var priorities = map[string]int{"semver": 900, "pep440": 900, "match": 800, "ref": 600, "raw": 200, "sha": 100}

// decides notes a rule that gives a tag for a release.
func (m *naming) decides(s map[string]string) {
	priority, gives := priorities[s["type"]]
	if own, err := strconv.Atoi(s["priority"]); err == nil {
		priority = own
	}
	if !gives || s["type"] == "ref" && s["event"] != "tag" || priority <= m.first.priority {
		return
	}
	latest := s["type"] != "raw" && s["type"] != "sha" &&
		(s["type"] != "semver" || !strings.Contains(s["value"], "-"))
	m.first = foremost{priority, latest}
}

// latestTag is latest, with what is put around it.
func (m *naming) latestTag() string {
	tag := "latest"
	if m.prefixed {
		tag = m.prefix + tag
	}
	if m.suffixed {
		tag += m.suffix
	}
	return notTagChars.ReplaceAllString(tag, "-")
}

func (m *naming) flavours() {
	m.latest = "auto"
	for _, line := range m.st.list("flavor", false) {
		all := settings(line.Value)
		for key, value := range all {
			switch key {
			case "latest":
				m.latest = value
				if holds(value) && value != "auto" {
					m.latest = "true"
				}
			case "prefix":
				m.prefix, m.prefixed = value, all["onlatest"] == "true"
			case "suffix":
				m.suffix, m.suffixed = value, all["onlatest"] == "true"
			}
		}
	}
}

// images are the names that tags are for, without those that are not enabled.
func (m *naming) images() []fact.Text {
	var all []fact.Text
	for _, line := range m.st.list("images", false) {
		if !strings.Contains(line.Value, "=") {
			for name := range strings.SplitSeq(line.Value, ",") {
				all = append(all, fact.Text{Value: strings.TrimSpace(name), Range: line.Range})
			}
			continue
		}
		if s := settings(line.Value); holds(s["enable"]) {
			all = append(all, fact.Text{Value: or(s["name"], s["value"]), Range: line.Range})
		}
	}
	return all
}

// settings are the settings of a rule: type=raw,value=a.
func settings(line string) map[string]string {
	all := map[string]string{}
	for part := range strings.SplitSeq(line, ",") {
		key, value, given := strings.Cut(part, "=")
		if !given {
			key, value = "value", part // which is short for type=raw
		}
		all[strings.ToLower(strings.TrimSpace(key))] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	return all
}

// holds reports a condition that is true, or known only when it runs.
func holds(value string) bool { return value != "false" }

// leave lists a tag that no definition can say.
func (m *naming) leave(at hcl.Range, what string) {
	m.note(fact.Note{Range: at, Kind: fact.LeftOut, Text: what})
}

var (
	semver      = regexp.MustCompile(`^v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+.*)?$`)
	handlebars  = regexp.MustCompile(`\{\{\s*([^}]*?)\s*\}\}`)
	notTagChars = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
)

// rule evaluates one rule for tags.
func (m *naming) rule(line fact.Text) {
	s := settings(line.Value)
	if s["type"] == "" {
		s["type"] = "raw"
	}
	if !holds(s["enable"]) {
		m.leave(line.Range, fmt.Sprintf("the tag by %s, which is not enabled", line.Value))
		return
	}
	m.decides(s)
	hint := ""
	switch s["type"] {
	case "raw":
		if why := dynamic(m.reader, s["value"]); why == "" {
			m.give(s, s["value"])
			return
		}
	case "semver":
		m.released = m.released || !strings.Contains(s["value"], "-")
		if tag, known := semverTag(s["pattern"], s["value"]); known && s["value"] != "" {
			m.give(s, tag)
			return
		}
		hint = "; the version of a definition, or TAG_SUFFIX, can say it"
	case "edge":
		m.moving = append(m.moving, fact.Text{Value: m.around(s, or(s["value"], "edge")), Range: line.Range})
		return
	case "schedule":
		if pattern := or(s["pattern"], "nightly"); dynamic(m.reader, pattern) == "" {
			m.moving = append(m.moving, fact.Text{Value: m.around(s, pattern), Range: line.Range})
			return
		}
	case "sha":
		hint = "; REVISION gives each image a tag of its commit"
	case "ref":
		m.released = m.released || s["event"] == "tag"
		if s["event"] == "tag" {
			hint = "; the version of a definition, or TAG_SUFFIX, can say it"
		}
	case "match", "pep440":
		m.released = true
	}
	m.leave(line.Range, fmt.Sprintf("the tag by %s: it is known only when it runs%s", m.shown(line.Value), hint))
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// around is a tag with the prefix and the suffix of its rule, or of all.
func (m *naming) around(s map[string]string, tag string) string {
	prefix, suffix := m.prefix, m.suffix
	if own, given := s["prefix"]; given {
		prefix = own
	}
	if own, given := s["suffix"]; given {
		suffix = own
	}
	if tag == "latest" && s["onlatest"] != "true" {
		if _, own := s["prefix"]; !own && !m.prefixed {
			prefix = ""
		}
		if _, own := s["suffix"]; !own && !m.suffixed {
			suffix = ""
		}
	}
	return notTagChars.ReplaceAllString(prefix+tag+suffix, "-")
}

func (m *naming) give(s map[string]string, tag string) {
	if tag != "" {
		m.tags = append(m.tags, m.around(s, tag))
	}
}

// dynamic says why a text is not the same each time; "" if it is.
func dynamic(r *reader, s string) string {
	if why := r.why(s); why != "" {
		return why
	}
	if handlebars.MatchString(s) {
		return "it is filled in when it runs"
	}
	return ""
}

// semverTag fills in a pattern for a version.
func semverTag(pattern, version string) (string, bool) {
	v := semver.FindStringSubmatch(version)
	if v == nil || pattern == "" {
		return "", false
	}
	if v[4] != "" && pattern != "{{raw}}" {
		pattern = "{{version}}" // a version that is none yet has no shorter names
	}
	known := true
	tag := handlebars.ReplaceAllStringFunc(pattern, func(s string) string {
		switch handlebars.FindStringSubmatch(s)[1] {
		case "version":
			return v[1] + "." + v[2] + "." + v[3] + v[4]
		case "raw":
			return version
		case "major":
			return v[1]
		case "minor":
			return v[2]
		case "patch":
			return v[3]
		}
		known = false
		return ""
	})
	return tag, known
}
