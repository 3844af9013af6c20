package php

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// argument is one argument of a call; its name is empty for most.
type argument struct {
	name  string
	value value
}

// arguments are those of a call, after its opening bracket.
func (p *php) arguments() []argument {
	var args []argument
	for p.peek(0).kind != phpEnd && !p.accept(")") {
		before := p.at
		a := argument{}
		if p.peek(0).kind == phpName && p.peek(1).kind == phpSign && p.peek(1).text == ":" {
			a.name = p.peek(0).text
			p.at += 2
		}
		a.value = p.expression()
		args = append(args, a)
		if !p.accept(",") && p.at == before {
			p.at++
		}
	}
	return args
}

// pick finds the argument of a parameter, by its name or its place.
func pick(args []argument, place int, names ...string) (value, bool) {
	for _, a := range args {
		if slices.Contains(names, a.name) {
			return a.value, true
		}
	}
	if place < len(args) && args[place].name == "" {
		return args[place].value, true
	}
	return value{}, false
}

// make is new Runtime(…); another class is not known.
func (p *php) make(from int) value {
	class := p.peek(0)
	p.at++
	var args []argument
	if p.accept("(") {
		args = p.arguments()
	}
	if class.text != "Runtime" && !strings.HasSuffix(class.text, `\Runtime`) {
		return value{why: fmt.Sprintf("It is a %s.", fact.Shorten(class.text))}
	}
	at := p.span(from)
	key, okKey := p.textArgument(args, 0, at, "a key", "key", "name")
	name, okName := p.textArgument(args, 1, at, "a name", "name", "label")
	if !okKey || !okName {
		return value{why: "It is a Runtime that is not understood."}
	}
	if len(args) > 2 && args[2].name == "" {
		p.Warn(fact.RuleIgnored, args[2].value.at, fmt.Sprintf("What %s is started with is not imported", key.Value),
			"Runtime has a third argument. A definition has no place for it: an image says itself what it starts.")
	}
	rt := &fact.Runtime{Key: key, Name: name}
	p.registry.Runtimes = append(p.registry.Runtimes, rt)
	return value{runtime: rt}
}

// textArgument is an argument that must be a text that is known.
func (p *php) textArgument(args []argument, place int, at hcl.Range, what string, names ...string) (fact.Text, bool) {
	v, given := pick(args, place, names...)
	switch {
	case !given:
		p.Fail(fact.RuleNotUnderstood, at, "Not understood: "+p.snippet(at), fmt.Sprintf("It has not %s.", what))
	case v.open && what == "an image" && strings.Contains(v.text, fact.Hole):
		p.usual = cmp.Or(p.usual, v.usual)
		return fact.Text{Value: v.text, Range: v.at}, true
	case v.why != "" || !v.isText:
		p.Fail(fact.RuleNotUnderstood, v.at, "Not understood: "+p.snippet(v.at), cmp.Or(v.why, "It is no text."))
	default:
		return fact.Text{Value: v.text, Range: v.at}, true
	}
	return fact.Text{}, false
}

func (p *php) snippet(at hcl.Range) string {
	return fact.Shorten(string(p.src.Text[at.Start.Byte:at.End.Byte]))
}

// calls follows -> behind a value.
func (p *php) calls(v value, from int) value {
	for {
		if p.peek(0).kind == phpSign && p.peek(0).text == "[" && !v.slots && v.slot == nil {
			p.at++
			p.list("]")
			v = value{why: "It is an element of a list."}
			continue
		}
		if !p.accept("->") && !p.accept("?->") {
			v.at = p.span(from)
			return v
		}
		method := p.peek(0)
		p.at++
		if !p.accept("(") {
			v = value{why: "It is a property."}
			continue
		}
		args := p.arguments()
		if v.this && len(args) > 0 && args[0].value.runtime != nil {
			p.handed = append(p.handed, handed{method.text, args[0].value.runtime})
		}
		switch {
		case method.text != "addVersion":
			v = value{why: fmt.Sprintf("It is the result of %s().", method.text)}
		case v.runtime == nil:
			at := p.span(from)
			p.Fail(fact.RuleNotUnderstood, at, "Not understood: "+p.snippet(at),
				"Which runtime gets this version is not known. "+cmp.Or(v.why, "It is no Runtime."))
			v = value{why: "It is a Runtime that is not understood."}
		default:
			p.version(v.runtime, args, p.src.Span(method.from, p.tokens[min(p.at, len(p.tokens))-1].to))
		}
	}
}

// version is one addVersion.
func (p *php) version(rt *fact.Runtime, args []argument, at hcl.Range) {
	version, okVersion := p.textArgument(args, 0, at, "a version", "version")
	build, okBuild := p.textArgument(args, 1, at, "an image", "base", "baseImage", "build")
	if !okVersion || !okBuild {
		return
	}
	v := &fact.Version{Runtime: rt, Version: version, Build: build, Run: build, Range: at}
	if _, given := pick(args, 2, "image", "runImage", "run"); given {
		run, ok := p.textArgument(args, 2, at, "an image", "image", "runImage", "run")
		if ok {
			v.Run, v.RunGiven = run, true
		}
	}
	if supports, given := pick(args, 3, "supports", "platforms", "architectures"); given {
		v.SupportsGiven = true
		p.supports(v, supports)
	}
	if deprecated, given := pick(args, 4, "deprecated", "isDeprecated"); given {
		p.deprecated(v, deprecated)
	}
	for _, a := range args[min(5, len(args)):] {
		if a.name == "" {
			p.Fail(fact.RuleNotUnderstood, a.value.at, "Not understood: "+p.snippet(a.value.at),
				"addVersion takes a version, two images, a list of platforms, and whether it is deprecated.")
		}
	}
	rt.Versions = append(rt.Versions, v)
}

// deprecated is the fifth argument: true, with the day in a comment behind it
// if at all, or the day itself.
func (p *php) deprecated(v *fact.Version, given value) {
	switch {
	case given.isBool && given.text == "false":
		return
	case given.isBool:
		line, _, _ := strings.Cut(string(p.src.Text[given.at.End.Byte:]), "\n")
		v.Deprecated = &fact.Text{Value: day(line), Range: given.at}
	case given.isText && given.why == "" && day(given.text) != "":
		v.Deprecated = &fact.Text{Value: day(given.text), Range: given.at}
	default:
		p.Fail(fact.RuleNotUnderstood, given.at, "Not understood: "+p.snippet(given.at),
			cmp.Or(given.why, "Whether a version is deprecated is true or false."))
	}
}

var dayPattern = regexp.MustCompile(`\d{4}-\d{2}-\d{2}|[A-Z][a-z]+\.? \d{1,2},? \d{4}|\d{1,2} [A-Z][a-z]+ \d{4}`)

// day finds a day in a text, as definitions write it; "" if there is none.
func day(s string) string {
	found := strings.NewReplacer(".", "", ",", "").Replace(dayPattern.FindString(s))
	for _, layout := range []string{time.DateOnly, "January 2 2006", "Jan 2 2006", "2 January 2006", "2 Jan 2006"} {
		if t, err := time.Parse(layout, found); err == nil {
			return t.Format(time.DateOnly)
		}
	}
	return ""
}

// architectures are the names that registry classes have for platforms.
var architectures = map[string]string{
	"x86": "linux/amd64", "x86_64": "linux/amd64", "amd64": "linux/amd64",
	"arm": "linux/arm64", "arm64": "linux/arm64", "armv8": "linux/arm64", "aarch64": "linux/arm64",
	"armv7": "linux/arm/v7", "armv6": "linux/arm/v6", "ppc": "linux/ppc64le", "ppc64le": "linux/ppc64le",
	"386": "linux/386", "i386": "linux/386", "s390x": "linux/s390x", "riscv64": "linux/riscv64",
}

func (p *php) supports(v *fact.Version, list value) {
	if list.why != "" || !list.isList {
		p.Fail(fact.RuleNotUnderstood, list.at, "Not understood: "+p.snippet(list.at),
			cmp.Or(list.why, "It is no list of platforms."))
		return
	}
	for _, e := range list.list {
		platform, known := architectures[strings.ToLower(e.value.text)]
		if e.value.why != "" || !known {
			p.Fail(fact.RuleNotUnderstood, e.value.at, "Not understood: "+p.snippet(e.value.at),
				cmp.Or(e.value.why, "It is no platform that is known: System::X86, System::ARM."))
			continue
		}
		v.Platforms = append(v.Platforms, fact.Text{Value: platform, Range: e.value.at})
	}
}

// store is an assignment to the list of runtimes, or to one of its keys.
func (p *php) store(to, v value, from int) value {
	if to.slot != nil {
		p.storeAt(*to.slot, v, from)
		return v
	}
	if v.given && p.method != nil {
		p.method.stores = true
		return v
	}
	if !v.isList {
		p.notStored(v, from)
		return v
	}
	for _, e := range v.list {
		key := fact.Text{}
		if e.key != nil {
			key = *e.key
		}
		p.storeAt(key, e.value, from)
	}
	return v
}

func (p *php) storeAt(key fact.Text, v value, from int) {
	if v.given && p.method != nil {
		p.method.stores = true
		return
	}
	if v.runtime == nil {
		p.notStored(v, from)
		return
	}
	if key.Value == "" {
		key = v.runtime.Key
	}
	v.runtime.Slots = append(v.runtime.Slots, key)
}

func (p *php) notStored(v value, from int) {
	at := p.span(from)
	p.Fail(fact.RuleNotUnderstood, at, "Not understood: "+p.snippet(at),
		"What is put in the list of runtimes is not known. "+cmp.Or(v.why, "It is no Runtime."))
}
