package script

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// sort says what becomes of an option of a docker command.
type sort int

const (
	meant         sort = iota // it is imported
	flag                      // it takes no value, and says nothing about the image
	ignoredValue              // it takes a value, and says nothing about the image
	needed                    // it takes a value, says something about the image, and has no place in a definition
	neededNoValue             // the same without a value
)

// buildOptions are the options of docker build and docker buildx build, and of the builds
// that resemble them, in their long form.
var buildOptions = map[string]sort{
	"annotation": meant, "build-arg": meant, "build-context": meant, "file": meant, "label": meant, "output": meant,
	"platform": meant, "tag": meant, "target": meant,
	"add-host": meant, "allow": meant, "network": meant, "secret": meant, "shm-size": meant, "ssh": meant, "ulimit": meant,
	"load": flag, "push": flag,

	"check": flag, "compress": flag, "debug": flag, "disable-content-trust": flag, "force-rm": flag,
	"no-cache": flag, "pull": flag, "quiet": flag, "rm": flag,

	"attest": ignoredValue, "builder": ignoredValue, "cache-from": ignoredValue,
	"cache-to": ignoredValue, "call": meant, "cgroup-parent": ignoredValue, "cpu-period": ignoredValue,
	"cpu-quota": ignoredValue, "cpu-shares": ignoredValue, "cpuset-cpus": ignoredValue, "cpuset-mems": ignoredValue,
	"iidfile": ignoredValue, "isolation": ignoredValue, "memory": ignoredValue, "memory-swap": ignoredValue,
	"metadata-file": ignoredValue, "no-cache-filter": ignoredValue, "policy": ignoredValue, "progress": ignoredValue,
	"provenance": ignoredValue, "sbom": ignoredValue,

	"security-opt": needed,
	"squash":       neededNoValue,

	// Of podman and buildah.
	"manifest": meant,
	"layers":   flag, "pull-always": flag, "pull-never": flag, "tls-verify": flag,
	"authfile": ignoredValue, "cert-dir": ignoredValue, "creds": ignoredValue, "format": ignoredValue, "jobs": ignoredValue,
	"logfile": ignoredValue, "retry": ignoredValue, "timestamp": ignoredValue, "userns": ignoredValue,
	"cap-add": needed, "cap-drop": needed, "device": needed, "dns": needed, "env": needed, "volume": needed,
	"squash-all": neededNoValue,
}

// shortOptions are the options of one letter.
var shortOptions = map[byte]string{'D': "debug", 'f': "file", 'm': "memory", 'o': "output", 'q': "quiet", 't': "tag"}

func (s sort) takesValue() bool { return s == meant || s == ignoredValue || s == needed }

// option is one option of a command, and where its value stands.
type option struct {
	name  string
	value word // its place is that of the word it stands in
	known bool // the option is
}

// parseOptions takes apart the words of a command, in the forms of the flag
// package that docker uses: --tag=X, --tag X, -t X, -tX, -t=X, -qt X, and --
// before what is no option.
func parseOptions(words []word, options map[string]sort) (found []option, args []word) {
	for len(words) > 0 {
		w := words[0]
		words = words[1:]
		switch {
		case w.why == "" && w.text == "--":
			return found, append(args, words...)
		case strings.HasPrefix(w.text, "--"):
			var o option
			o, words = long(w, words, options)
			found = append(found, o)
		case strings.HasPrefix(w.text, "-") && len(w.text) > 1:
			var more []option
			more, words = short(w, words, options)
			found = append(found, more...)
		default:
			args = append(args, w)
		}
	}
	return found, args
}

func long(w word, rest []word, options map[string]sort) (option, []word) {
	name, value, given := strings.Cut(w.text[2:], "=")
	s, known := options[name]
	o := option{name: name, value: word{value, w.why, w.at}, known: known}
	if !given && w.why == "" && known && s.takesValue() && len(rest) > 0 {
		o.value = rest[0]
		return o, rest[1:]
	}
	return o, rest
}

func short(w word, rest []word, options map[string]sort) ([]option, []word) {
	var found []option
	letters := w.text[1:]
	for letters != "" {
		name, known := shortOptions[letters[0]]
		if !known {
			return append(found, option{name: w.text, value: word{why: w.why, at: w.at}}), rest
		}
		o := option{name: name, known: true, value: word{"", "", w.at}}
		letters = letters[1:]
		if options[name].takesValue() {
			switch {
			case letters != "" || w.why != "":
				o.value = word{strings.TrimPrefix(letters, "="), w.why, w.at}
			case len(rest) > 0:
				o.value, rest = rest[0], rest[1:]
			}
			return append(found, o), rest
		}
		found = append(found, o)
	}
	return found, rest
}

// isTrue reads the value of an option that takes none, or true and false.
func isTrue(o option) bool {
	return !slices.Contains([]string{"false", "0", "f", "F", "False", "FALSE"}, o.value.text)
}

// reportIgnored lists the options that were left out because they say nothing
// about images, once each.
func (e *evaluator) reportIgnored() {
	for _, name := range slices.Sorted(maps.Keys(e.ignored)) {
		places := slices.CompactFunc(e.ignored[name], func(a, b hcl.Range) bool { return a == b })
		detail := "It says how to build, and not what. Caches, attestations and builders are said in runbake.hcl, " +
			"or to bake."
		if n := len(places) - 1; n > 0 {
			detail += fmt.Sprintf(" Also at %s.", fact.Enumerate(places[1:]))
		}
		e.Warn(fact.RuleIgnored, places[0], fmt.Sprintf("Option --%s is not imported", name), detail, places[1:]...)
	}
}
