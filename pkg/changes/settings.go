package changes

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Setting is something of a configuration that differs: a list as JSON, as
// Dockerfiles write it. What is hidden looks like a secret, and has no values here.
type Setting struct {
	Setting string `json:"setting"`        // user, workdir, env …
	Name    string `json:"name,omitempty"` // of a variable, a label, a port or a volume
	Change  Kind   `json:"change"`         // added, removed or changed
	Pair
	Hidden bool `json:"hidden,omitempty"`
}

// compareConfigs finds what differs, in the order in which people ask for it.
func compareConfigs(a, b Config) []Setting {
	var all []Setting
	single := func(setting, before, after string) {
		if before != after {
			all = append(all, Setting{setting, "", kindOfSetting(before != "", after != ""), Pair{before, after}, false})
		}
	}
	single("user", a.User, b.User)
	single("workdir", a.WorkingDir, b.WorkingDir)
	single("entrypoint", list(a.Entrypoint), list(b.Entrypoint))
	single("cmd", list(a.Cmd), list(b.Cmd))
	single("stopsignal", a.StopSignal, b.StopSignal)
	all = append(all, compareMaps("port", set(a.Ports), set(b.Ports))...)
	all = append(all, compareMaps("volume", set(a.Volumes), set(b.Volumes))...)
	for _, s := range compareMaps("env", a.Env, b.Env) {
		if Secret(s.Name) {
			s.Hidden, s.Pair = true, Pair{}
		}
		all = append(all, s)
	}
	return append(all, compareMaps("label", telling(a.Labels), telling(b.Labels))...)
}

func kindOfSetting(had, has bool) Kind {
	switch {
	case !had:
		return Came
	case !has:
		return Gone
	}
	return Replaced
}

// list writes a list as the exec form of a Dockerfile.
func list(words []string) string {
	if words == nil {
		return ""
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(words); err != nil {
		return strings.Join(words, " ") // strings are always encoded
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// set is a list as a map, each word its own value.
func set(words []string) map[string]string {
	all := map[string]string{}
	for _, w := range words {
		all[w] = w
	}
	return all
}

func compareMaps(setting string, a, b map[string]string) []Setting {
	var changed []Setting
	names := maps.Clone(a)
	if names == nil {
		names = map[string]string{}
	}
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, had := a[name]
		after, has := b[name]
		if before != after || had != has {
			changed = append(changed, Setting{setting, name, kindOfSetting(had, has), Pair{before, after}, false})
		}
	}
	return changed
}

// telling are the labels without those that say when and of what an image was
// built: these differ with every build, and the base is told by itself.
func telling(labels map[string]string) map[string]string {
	all := maps.Clone(labels)
	maps.DeleteFunc(all, func(name, _ string) bool {
		switch name {
		case "org.opencontainers.image.created", "org.opencontainers.image.revision",
			BaseName, BaseDigest, "dev.runbake.inputs":
			return true
		}
		return false
	})
	return all
}

// Secret reports whether a variable looks as if its value were a secret: by the
// words that BuildKit's check SecretsUsedInArgOrEnv looks for.
func Secret(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	if slices.Contains(words, "public") {
		return false
	}
	for _, w := range words {
		for _, hint := range []string{"apikey", "auth", "credential", "key", "passphrase", "password", "passwd", "pword", "pwd", "secret", "token"} {
			if w == hint || w == hint+"s" || len(hint) > 4 && strings.HasSuffix(w, hint) {
				return w != "pwd" || len(words) > 1 // PWD is the working folder
			}
		}
	}
	return false
}
