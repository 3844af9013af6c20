package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// rootlessKit makes the user namespace in which users who are not root have a
// BuildKit, https://github.com/rootless-containers/rootlesskit.
const rootlessKit = "rootlesskit"

// leastIDs is how many users an image may have files of.
const leastIDs = 65536

// rootless reports whether BuildKit gets a user namespace.
func rootless() bool { return os.Geteuid() != 0 }

// account is a user who is not root, on a machine.
type account struct {
	name string
	id   int
	root string // of the machine's files
}

func here() account {
	a := account{id: os.Geteuid(), root: "/"}
	a.name = strconv.Itoa(a.id)
	if u, err := user.LookupId(a.name); err == nil {
		a.name = u.Username
	}
	return a
}

// check says what is there of what a user namespace needs.
func (a account) check() []Finding {
	return []Finding{a.checkNamespaces(), checkMappers(), a.checkIDs()}
}

// setting is a number of the kernel's; known is false where this kernel has none of
// that name.
func (a account) setting(name string) (value int, known bool) {
	text, err := os.ReadFile(filepath.Join(a.root, "proc/sys", name))
	if err != nil {
		return 0, false
	}
	value, err = strconv.Atoi(string(bytes.TrimSpace(text)))
	return value, err == nil
}

func (a account) checkNamespaces() Finding {
	f := Finding{Name: "namespaces", Have: a.name + " can have user namespaces"}
	for _, s := range []struct {
		setting string // that forbids them
		value   int
		works   bool // where a profile of AppArmor allows it for the program
		fix     string
	}{
		{"user/max_user_namespaces", 0, false, "sysctl user.max_user_namespaces=28633"},
		{"kernel/unprivileged_userns_clone", 0, false, "sysctl kernel.unprivileged_userns_clone=1"},
		{
			"kernel/apparmor_restrict_unprivileged_userns", 1, true,
			"install rootlesskit, whose package has a profile of AppArmor: apt-get install rootlesskit; or sysctl kernel.apparmor_restrict_unprivileged_userns=0",
		},
	} {
		if value, known := a.setting(s.setting); known && value == s.value {
			f.Problem, f.Fix, f.Works = fmt.Sprintf("%s is %d", strings.ReplaceAll(s.setting, "/", "."), value), "as root: "+s.fix, s.works
			return f
		}
	}
	return f
}

// checkMappers looks for the programs that give a namespace the user's ids.
func checkMappers() Finding {
	f := Finding{Name: "uidmap"}
	for _, name := range []string{"newuidmap", "newgidmap"} {
		path, err := exec.LookPath(name)
		if err != nil {
			f.Have, f.Problem, f.Fix = "", "there is no "+name, "install it: apt-get install uidmap, dnf install shadow-utils, pacman -S shadow"
			return f
		}
		f.Have = strings.TrimPrefix(f.Have+", "+path, ", ")
	}
	return f
}

func (a account) checkIDs() Finding {
	f := Finding{Name: "subids", Have: fmt.Sprintf("%s has %d subordinate ids or more", a.name, leastIDs)}
	for _, name := range []string{"etc/subuid", "etc/subgid"} {
		text, err := os.ReadFile(filepath.Join(a.root, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			f.Problem = err.Error()
			return f
		}
		if n := a.subordinate(text); n < leastIDs {
			f.Problem = fmt.Sprintf("/%s gives %s %d of %d ids", name, a.name, n, leastIDs)
			f.Fix = "as root, with ids that nobody else has there: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + a.name
			return f
		}
	}
	return f
}

// subordinate is how many ids a file gives the user, by name or number, see
// subuid(5).
func (a account) subordinate(text []byte) int {
	n := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) != 3 || fields[0] != a.name && fields[0] != strconv.Itoa(a.id) {
			continue
		}
		if count, err := strconv.Atoi(fields[2]); err == nil && count > 0 {
			n += count
		}
	}
	return n
}

// findRootlessKit is where it is installed.
func findRootlessKit() (string, error) {
	path, err := exec.LookPath(rootlessKit)
	if err != nil {
		return "", missingError("it needs rootlesskit to run without root; install it: apt-get install rootlesskit, dnf install rootlesskit, pacman -S rootlesskit")
	}
	return filepath.Abs(path)
}

// command is the watcher's command line. Without root it runs in a user namespace
// of its own, where it is root: mounts and containers are there, and end with it.
// The network is that of the machine.
func (o *Options) command() []string {
	watch := []string{o.Self, Command, "--state", o.State, "--idle", o.Idle.String()}
	if !rootless() {
		return watch
	}
	return append([]string{o.path("bin/" + rootlessKit), "--net=host", "--state-dir=" + o.path(rootlessKit)}, watch...)
}

// environment is what the watcher has besides. Without root the container runtime
// keeps its state in the folder, not where the system's is.
func (o *Options) environment() []string {
	if !rootless() {
		return nil
	}
	return []string{"XDG_RUNTIME_DIR=" + o.path("run")}
}
