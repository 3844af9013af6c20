package importer_test

import (
	"strings"
)

// mistake is something that sources of a repository get wrong. plant changes a
// repository, and returns what must be said of it, and what may be said besides,
// as regular expressions; none when there is no place for it.
type mistake struct {
	name  string
	plant func(r *repository) (must, may []string)
}

func anyOf(*image) bool { return true }

var mistakes = []mistake{
	{"another tag in the local script", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.localTag += "9"
		return []string{v.id() + ` is called ` + v.localTag + ` here, and ` + v.pushTag}, nil
	}},
	{"the folder of another version in the local script", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return r.sibling(v) != nil })
		if v == nil {
			return nil, nil
		}
		o := r.sibling(v)
		o.touched = true
		v.localFolder = o.id()
		return []string{v.pushTag + ` is built of runtimes/` + o.id()},
			[]string{v.pushTag + ` is not in .*buildLocalOnly`}
	}},
	{"missing in the local script", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.inLocal = false
		return []string{v.pushTag + ` is not in .*buildLocalOnly`}, nil
	}},
	{"missing in the script that pushes", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.inPush = false
		return []string{v.pushTag + ` is not in .*build.sh`}, nil
	}},
	{"a folder that is not there", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.pushFolder, v.localFolder = v.pushFolder+"x", v.localFolder+"x"
		return []string{`Folder runtimes/` + v.id() + `x does not exist.*Did you mean runtimes/` + v.id()}, gone(v)
	}},
	{"a folder that has moved", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		r.renamed[v.id()] = "old/images/" + v.id()
		return []string{`Folder runtimes/` + v.id() + ` does not exist.*Did you mean old/images/` + v.id()}, gone(v)
	}},
	{"no platforms when it is pushed", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.pushFlags = ""
		return []string{v.id() + ` is pushed for one platform`}, nil
	}},
	{"other platforms in the class", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return v.run != "" })
		if v == nil {
			return nil, nil
		}
		v.supports = "[System::X86]"
		return []string{v.id() + ` is built for linux/arm64, and not registered`}, nil
	}},
	{"other platforms in the script", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.pushFlags = " --platform linux/amd64"
		return []string{v.id() + ` is registered for linux/arm64, and not built`}, nil
	}},
	{"another image in the class", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return r.form != upstreamAfter && v.registered })
		if v == nil {
			return nil, nil
		}
		own := v.run == v.registeredAs
		v.registeredAs += "1"
		if own {
			v.run = v.registeredAs
		}
		return []string{v.key + ` ` + v.version + ` is registered as ` + v.registeredAs}, nil
	}},
	{"not registered", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return r.sibling(v) != nil })
		if v == nil {
			return nil, nil
		}
		r.sibling(v).touched = true // or the runtime would not be there
		v.registered = false
		return []string{v.id() + ` is built, and not registered`, `never runs: ` + v.id() + ` is not registered`}, nil
	}},
	{"registered and built nowhere", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.inPush, v.inLocal = false, false
		return []string{
			v.key + ` ` + v.version + ` is registered, and .* is not built`,
			`runtimes/` + v.id() + ` is never built`,
		}, gone(v)
	}},
	{"the image of another version in the class", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return r.form != upstreamAfter && r.sibling(v) != nil })
		if v == nil {
			return nil, nil
		}
		o := r.sibling(v)
		o.touched = true
		own := v.run == v.registeredAs
		v.registeredAs = o.pushTag
		if own {
			v.run = v.registeredAs
		}
		return []string{v.key + ` ` + v.version + ` is registered with the image of ` + o.id()},
			[]string{v.id() + ` is built, and not registered`, `never runs: ` + v.id() + ` is not registered`}
	}},
	{"registered twice", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return v.registered })
		if v == nil {
			return nil, nil
		}
		v.again = true
		return []string{v.key + ` ` + v.version + ` is registered twice`}, nil
	}},
	{"in the list under another key", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return r.slots[v.key] == "" && v.registered })
		if v == nil {
			return nil, nil
		}
		r.slots[v.key] = v.key + "s"
		return []string{`Runtime "` + v.key + `" is in the list as "` + v.key + `s"`}, nil
	}},
	{"a start command", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return !r.starts[v.key] && v.registered })
		if v == nil {
			return nil, nil
		}
		r.starts[v.key] = true
		return []string{`What ` + v.key + ` is started with is not imported`}, nil
	}},
	{"a message about another version", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.title = strings.Replace(v.title, v.version, "77.7", 1)
		return []string{`The message says 77.7, and the image is ` + v.pushTag}, nil
	}},
	{"deprecated without a day", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return v.run != "" && v.registered })
		if v == nil {
			return nil, nil
		}
		v.deprecated = "true"
		return []string{v.id() + ` is deprecated, and nothing says since when`}, nil
	}},
	{"built on another image than registered", func(r *repository) ([]string, []string) {
		v := r.pick(func(*image) bool { return r.form != buildAndRun })
		if v == nil {
			return nil, nil
		}
		v.builtOn += "-alpine"
		return []string{v.key + ` ` + v.version + ` is registered as built on ` + v.builtOn}, nil
	}},
	{"no platforms in the class", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return r.sibling(v) != nil && v.registered && v.deprecated == "" })
		if v == nil {
			return nil, nil
		}
		r.sibling(v).touched = true
		v.supports = ""
		return []string{v.key + ` ` + v.version + ` has no platforms`}, nil
	}},
	{"no run image", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return v.compiled && r.sibling(v) != nil })
		if v == nil {
			return nil, nil
		}
		r.sibling(v).touched = true
		v.run = ""
		return []string{v.key + ` ` + v.version + ` has no run image`},
			[]string{v.key + ` ` + v.version + ` has no platforms`}
	}},
	{"another prefix", func(r *repository) ([]string, []string) {
		v := r.pick(func(*image) bool { return r.form == upstreamAfter && len(r.images) > 5 })
		if v == nil {
			return nil, nil
		}
		v.pushTag = strings.Replace(v.pushTag, "v3-", "v2-", 1)
		v.localTag = v.pushTag
		return []string{`The tag v2-` + v.version + ` does not begin with v3-`},
			[]string{v.key + ` ` + v.version + ` is registered as .*v3-` + v.version + `, and built as .*v2-`}
	}},
	{"an argument that no Dockerfile declares", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.pushFlags += " --build-arg EXTRA_" + strings.ToUpper(v.key) + "=1"
		v.localFlags += " --build-arg EXTRA_" + strings.ToUpper(v.key) + "=1"
		return []string{v.id() + `/Dockerfile declares no ARG EXTRA_`}, nil
	}},
	{"built twice", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return v.inPush })
		if v == nil {
			return nil, nil
		}
		v.twice = true
		return []string{v.pushTag + ` is built more than once`}, nil
	}},
	{"a test under another key", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return strings.Contains(v.version, ".") })
		if v == nil {
			return nil, nil
		}
		v.testKey = strings.ReplaceAll(v.id(), ".", "")
		return []string{`Test "` + v.testKey + `" is of ` + v.id()}, nil
	}},
	{"an archive under another name", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.archive = v.key + ".tar.gz"
		return []string{`The archive of ` + v.id() + ` is called ` + v.archive}, nil
	}},
	{"no test", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.tested = false
		return []string{v.id() + ` has no test`}, nil
	}},
	{"a test of nothing", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.testOf, v.testKey, v.archive = v.id()+"7", v.id()+"7", strings.ReplaceAll(v.id()+"7", ".", "-")+".tar.gz"
		return []string{`never runs: there is no ` + v.testOf, v.id() + ` has no test`}, nil
	}},
	{"an entry point that is not there", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.entrypoint = "wrong-" + v.entrypoint
		return []string{v.entrypoint + ` is not in tests/resources/` + v.key}, nil
	}},
	{"a function that is not there", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.folder += "x"
		return []string{`Test "` + v.testKey + `" has no folder with its function`}, nil
	}},
	{"the function of another language", func(r *repository) ([]string, []string) {
		v := r.pick(func(v *image) bool { return r.sibling(v) != nil })
		if v == nil {
			return nil, nil
		}
		r.sibling(v).touched = true
		v.folder = "swift"
		if v.key == "swift" {
			v.folder = "rust"
		}
		return []string{
			v.entrypoint + ` is not in tests/resources/` + v.folder,
			`Test "` + v.testKey + `" has the function in tests/resources/` + v.folder,
		}, nil
	}},
	{"an option without a word in definitions", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.pushFlags += " --squash"
		return []string{`no place for --squash`}, nil
	}},
	{"a Dockerfile that is none", func(r *repository) ([]string, []string) {
		v := r.pick(anyOf)
		if v == nil {
			return nil, nil
		}
		v.dockerfile = "FROM " + v.builtOn + " # the base\n"
		return []string{`Dockerfile cannot be parsed.*It is not imported: ` + v.id()}, nil
	}},
}

// gone is what may be said of a version that has no definition.
func gone(v *image) []string {
	return []string{
		v.key + ` ` + v.version + ` is registered, and`, `there is no ` + v.id() + `\b`,
		`images/` + v.id() + ` is never built`,
		`runtimes/` + v.id() + ` is never built`,
	}
}
