package script

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// likeDocker are programs whose commands are docker's.
var likeDocker = []string{"docker", "nerdctl", "podman"}

// buildah evaluates buildah, whose build and push are those of podman.
func (e *evaluator) buildah(i *invocation) {
	words := i.words[1:]
	for len(words) > 0 && strings.HasPrefix(words[0].text, "-") {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	switch verb := words[0].text; {
	case words[0].why != "":
		e.notUnderstood(i, "Which buildah command it runs is not known. "+words[0].why)
	case verb == "bud" || verb == "build":
		e.build(i, words[1:])
	case verb == "push" || verb == "tag" || strings.HasPrefix(verb, "manifest"):
		e.verb(i, verb, words[1:])
	case verb == "commit":
		e.notUnderstood(i, "What buildah commits is made by its steps, and not by a Dockerfile.")
	}
}

// kanikoOptions are the options of kaniko's executor.
var kanikoOptions = map[string]sort{
	"build-arg": meant, "context": meant, "context-sub-path": meant, "custom-platform": meant, "customPlatform": meant,
	"destination": meant, "dockerfile": meant, "label": meant, "target": meant, "no-push": flag,

	"cache-dir": ignoredValue, "cache-repo": ignoredValue, "cache-ttl": ignoredValue, "compression": ignoredValue,
	"compression-level": ignoredValue, "digest-file": ignoredValue, "git": ignoredValue, "ignore-path": ignoredValue,
	"image-fs-extract-retry": ignoredValue, "image-name-tag-with-digest-file": ignoredValue,
	"image-name-with-digest-file": ignoredValue, "kaniko-dir": ignoredValue, "log-format": ignoredValue,
	"oci-layout-path": ignoredValue, "push-retry": ignoredValue, "registry-certificate": ignoredValue,
	"registry-client-cert": ignoredValue, "registry-map": ignoredValue, "registry-mirror": ignoredValue,
	"skip-tls-verify-registry": ignoredValue, "snapshot-mode": ignoredValue, "snapshotMode": ignoredValue,
	"tar-path": ignoredValue, "tarPath": ignoredValue, "verbosity": ignoredValue,

	"cache": flag, "cache-copy-layers": flag, "cache-run-layers": flag, "cleanup": flag, "compressed-caching": flag,
	"force": flag, "force-build-metadata": flag, "ignore-var-run": flag, "insecure": flag, "insecure-pull": flag,
	"insecure-registry": ignoredValue, "log-timestamp": flag, "no-push-cache": flag, "reproducible": flag,
	"single-snapshot": flag, "skip-default-registry-fallback": flag, "skip-push-permission-check": flag,
	"skip-tls-verify": flag, "skip-tls-verify-pull": flag, "skip-unused-stages": flag, "use-new-run": flag,
}

// kanikoShort are its options of one letter.
var kanikoShort = map[string]string{"-c": "--context", "-d": "--destination", "-f": "--dockerfile", "-v": "--verbosity"}

// givesDestination tells kaniko's executor from other programs of that name.
func givesDestination(words []word) bool {
	return slices.ContainsFunc(words, func(w word) bool {
		return w.text == "-d" || strings.HasPrefix(w.text, "--destination") || w.text == "--no-push"
	})
}

// kaniko evaluates kaniko's executor as the docker build that makes the same image.
func (e *evaluator) kaniko(i *invocation) {
	words := slices.Clone(i.words[1:])
	for at, w := range words {
		if long, is := kanikoShort[w.text]; is && w.why == "" {
			words[at].text = long
		}
	}
	options, _ := parseOptions(words, kanikoOptions)
	context, dockerfile, under := word{text: "/workspace", at: i.at}, word{text: "Dockerfile", at: i.at}, word{}
	push := true
	var build []word
	give := func(option string, value word) {
		build = append(build, word{text: option, at: value.at}, value)
	}
	for _, o := range options {
		switch {
		case !o.known:
			e.Fail(fact.RuleNotUnderstood, o.value.at, "Not understood: "+fact.Shorten(e.source(o.value.at)),
				"kaniko has no such option that is known here.")
		case o.name == "context":
			context = o.value
			context.text = strings.TrimPrefix(context.text, "dir://")
		case o.name == "context-sub-path":
			under = o.value
		case o.name == "dockerfile":
			dockerfile = o.value
		case o.name == "no-push":
			push = !isTrue(o)
		case o.name == "destination":
			give("--tag", o.value)
		case o.name == "custom-platform" || o.name == "customPlatform":
			give("--platform", o.value)
		case kanikoOptions[o.name] == meant:
			give("--"+o.name, o.value)
		}
	}
	if under.text != "" || under.why != "" {
		context = word{
			text: strings.TrimSuffix(context.text, "/") + "/" + under.text,
			why:  context.why + under.why,
			at:   context.at,
		}
	}
	if context.why == "" && dockerfile.why == "" && !e.there(i.st, dockerfile.text) {
		dockerfile.text = strings.TrimSuffix(context.text, "/") + "/" + dockerfile.text // that of the folder is second
	}
	give("--file", dockerfile)
	if push {
		build = append(build, word{text: "--push", at: i.at})
	}
	e.build(i, append(build, context))
}

var (
	// namesBuild is a name of a program that may build images.
	namesBuild = regexp.MustCompile(`(?i)build|docker|image|publish|push`)
	// imageTask is a task of a tool for other things that makes an image.
	imageTask = regexp.MustCompile(`(?i)\bjib\b|^jib|:jib|build-?image|docker-?build|dockerBuild|#.*(docker|image)`)
)

// makesImage reports a tool for other things that is told to make an image.
func makesImage(words []word) bool {
	tools := []string{"gradle", "gradlew", "mvn", "mvnw", "nix", "nix-build", "sbt"}
	return slices.Contains(tools, path.Base(words[0].text)) &&
		slices.ContainsFunc(words[1:], func(w word) bool { return imageTask.MatchString(w.text) })
}
