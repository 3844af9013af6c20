package catalogue

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/go-units"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// Requirements are what a build needs of where it runs, besides files and
// images.
type Requirements struct {
	Secrets      map[string]string // id → env=<variable> or src=<file>
	SSH          []string          // agents and keys: <id>, or <id>=<socket or key>
	Entitlements []string          // sorted
	Network      string            // "" for the default
	ExtraHosts   map[string]string // name → address
	Ulimits      []string          // <name>=<soft>[:<hard>], sorted
	ShmSize      string            // "" for the default
}

var (
	secretID     = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	secretSource = regexp.MustCompile(`^(env=[A-Za-z_][A-Za-z0-9_]*|src=[^\s,"]+)$`)
	sshSource    = regexp.MustCompile(`^[A-Za-z0-9_.-]+(=[^\s,"=]+)?$`)
	hostName     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)
	ulimitName   = regexp.MustCompile(`^[a-z]+$`)
	entitlements = []string{"network.host", "security.insecure"}
	networks     = []string{"default", "none", "host"}
)

// requirements evaluates and checks what a version's build needs.
func (r *resolver) requirements(s *scope) Requirements {
	q := Requirements{Secrets: map[string]string{}, ExtraHosts: map[string]string{}}
	s.secrets = r.merged(s, s.given.Secrets)
	for _, e := range s.secrets {
		if !secretID.MatchString(e.key.Value) || !secretSource.MatchString(e.value) {
			r.report(e.key.Range, fmt.Sprintf("Invalid secret %q", e.key.Value), "Say where it comes from, a variable of the "+
				`environment or a file: npmrc = "env=NPMRC", or npmrc = "src=/run/secrets/npmrc".`)
			continue
		}
		q.Secrets[e.key.Value] = e.value
	}
	for _, e := range r.merged(s, s.given.ExtraHosts) {
		if _, err := netip.ParseAddr(e.value); !hostName.MatchString(e.key.Value) || err != nil && e.value != "host-gateway" {
			r.report(e.key.Range, fmt.Sprintf("Invalid host %q", e.key.Value),
				`Give a name and an address, for example "mirror.local" = "10.0.0.1".`)
			continue
		}
		q.ExtraHosts[e.key.Value] = e.value
	}
	for _, e := range r.merged(s, s.given.Ulimits) {
		limit := e.key.Value + "=" + e.value
		if _, err := units.ParseUlimit(limit); !ulimitName.MatchString(e.key.Value) || err != nil {
			r.report(e.key.Range, fmt.Sprintf("Invalid ulimit %q", e.key.Value),
				`Give a name and a soft and hard limit, for example nofile = "1024:4096".`)
			continue
		}
		q.Ulimits = append(q.Ulimits, limit)
	}
	slices.Sort(q.Ulimits)
	r.lone(s, &q)
	return q
}

// lone are the requirements that are lists and single values.
func (r *resolver) lone(s *scope, q *Requirements) {
	for _, e := range r.words(s, s.given.SSH) {
		if !sshSource.MatchString(e.value) {
			r.report(e.at, fmt.Sprintf("Invalid agent %q", e.value),
				`Write "default" for the agent of SSH_AUTH_SOCK, or an id with the path of a socket or key: "deploy=keys/id".`)
			continue
		}
		id, _, _ := strings.Cut(e.value, "=")
		if slices.ContainsFunc(q.SSH, func(o string) bool { return o == id || strings.HasPrefix(o, id+"=") }) {
			r.report(e.at, fmt.Sprintf("Agent %q is listed twice", id), "Remove one of the two.")
			continue
		}
		q.SSH = append(q.SSH, e.value)
	}
	for _, e := range r.words(s, s.given.Entitlements) {
		if !slices.Contains(entitlements, e.value) {
			r.report(e.at, fmt.Sprintf("Unknown entitlement %q", e.value), suggestion(e.value, entitlements))
			continue
		}
		if slices.Contains(q.Entitlements, e.value) {
			r.report(e.at, fmt.Sprintf("Entitlement %q is listed twice", e.value), "Remove one of the two.")
			continue
		}
		q.Entitlements = append(q.Entitlements, e.value)
	}
	if given := firstString("", s.given.Network); given.Value != "" {
		q.Network = r.oneOf(given, "network", networks)
		if q.Network == "host" {
			q.Entitlements = append(q.Entitlements, "network.host")
		}
	}
	if given := firstString("", s.given.ShmSize); given.Value != "" {
		if _, err := units.RAMInBytes(given.Value); err != nil {
			r.report(given.Range, fmt.Sprintf("Invalid size %q", given.Value),
				`Write a number of bytes, with k, m or g behind it, for example "256m".`)
		} else {
			q.ShmSize = given.Value
		}
	}
	slices.Sort(q.Entitlements)
	q.Entitlements = slices.Compact(q.Entitlements)
}

// asked compares what a Dockerfile asks for with what its definition gives.
func (r *resolver) asked(s *scope) {
	v := s.version
	agents := map[string]bool{}
	for _, agent := range v.SSH {
		id, _, _ := strings.Cut(agent, "=")
		agents[id] = true
	}
	unused := maps.Clone(v.Secrets)
	for _, a := range s.asks {
		switch _, given := v.Secrets[a.ID]; {
		case a.Kind == dockerfile.AskSecret:
			delete(unused, a.ID)
			if !given && a.Required {
				r.warnOf(a.Range, a.ID, v.ID, func(ids string) (summary, detail string) {
					return fmt.Sprintf("Nobody gives the secret %q", a.ID), fmt.Sprintf(
						`%s cannot be built without it. Say in the definition where it comes from, for example secrets = { %q = "env=%s" }.`,
						ids, a.ID, variableFor(a.ID))
				})
			}
		case a.Kind == dockerfile.AskSSH && !agents[a.ID]:
			r.warnOf(a.Range, a.ID, v.ID, func(ids string) (summary, detail string) {
				return fmt.Sprintf("Nobody gives the SSH agent %q", a.ID),
					fmt.Sprintf("Say in the definition what %s cannot be built without: ssh = [%q].", ids, a.ID)
			})
		case a.Kind == dockerfile.AskEntitlement && !slices.Contains(v.Entitlements, a.ID):
			r.warnOf(a.Range, a.ID, v.ID, func(ids string) (summary, detail string) {
				return fmt.Sprintf("The build is not entitled to %s", a.ID), fmt.Sprintf(
					"BuildKit refuses this step. Say in the definition what %s cannot be built without: entitlements = [%q].", ids, a.ID)
			})
		}
	}
	for _, e := range s.secrets {
		switch _, given := unused[e.key.Value]; {
		case !given, s.file == nil, s.diags.HasErrors(): // or what is not known
			r.fineFor(e.key.Range, "secret")
		default:
			r.warnOf(e.key.Range, "secret", v.ID, func(string) (summary, detail string) {
				return fmt.Sprintf("Nothing mounts the secret %q", e.key.Value),
					fmt.Sprintf("%s has no RUN --mount=type=secret,id=%s. Remove it here.", s.file.Name, e.key.Value)
			})
		}
	}
}

// variableFor is a name for the variable that has a secret.
func variableFor(id string) string {
	name := strings.ToUpper(regexp.MustCompile(`[^A-Za-z0-9]`).ReplaceAllString(id, "_"))
	if name[0] <= '9' {
		return "_" + name
	}
	return name
}

// words evaluates a list of strings.
func (r *resolver) words(s *scope, list *definition.List) []entry {
	var entries []entry
	if list == nil {
		return nil
	}
	for _, item := range list.Items {
		if text, ok := r.text(s, item); ok {
			entries = append(entries, entry{value: text, at: item.Range()})
		}
	}
	return entries
}
