package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSubordinate: ids count for the user's name and number, whatever else is in
// the file.
func TestSubordinate(t *testing.T) {
	a := account{name: "ann", id: 1000}
	for text, want := range map[string]int{
		"": 0, "ann:100000:65536\n": 65536, "1000:100000:65536": 65536, "bob:100000:65536\n": 0,
		"ann:1:10\nbob:1:7\nann:20:30\n": 40, "ann:1\nann:1:x\nann:1:-5\n:::\n# ann:1:5\n": 0,
	} {
		if got := a.subordinate([]byte(text)); got != want {
			t.Errorf("%q gives %d, want %d", text, got, want)
		}
	}
}

// TestAccount: what is missing is named, with what mends it.
func TestAccount(t *testing.T) {
	const ids = "ann:100000:65536\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // problem and fix
		works bool
	}{
		"all":        {map[string]string{"etc/subuid": ids, "etc/subgid": ids}, "", false},
		"old Debian": {map[string]string{"etc/subuid": ids, "etc/subgid": ids, "proc/sys/kernel/unprivileged_userns_clone": "1\n"}, "", false},
		"no ids":     {nil, "/etc/subuid gives ann 0 of 65536 ids; as root, with ids that nobody else has there: usermod", false},
		"few ids":    {map[string]string{"etc/subuid": ids, "etc/subgid": "ann:1:5\n"}, "/etc/subgid gives ann 5 of", false},
		"none allowed": {
			map[string]string{"etc/subuid": ids, "etc/subgid": ids, "proc/sys/user/max_user_namespaces": "0\n"},
			"user.max_user_namespaces is 0; as root: sysctl user.max_user_namespaces=", false,
		},
		"for root only": {
			map[string]string{"etc/subuid": ids, "etc/subgid": ids, "proc/sys/kernel/unprivileged_userns_clone": "0\n"},
			"kernel.unprivileged_userns_clone is 0; as root: sysctl", false,
		},
		"AppArmor": {
			map[string]string{"etc/subuid": ids, "etc/subgid": ids, "proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n"},
			"kernel.apparmor_restrict_unprivileged_userns is 1; as root: install rootlesskit", true,
		},
	} {
		a := account{name: "ann", id: 1000, root: t.TempDir()}
		for file, text := range c.files {
			file = filepath.Join(a.root, file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		said, works := "", false
		for _, f := range []Finding{a.checkNamespaces(), a.checkIDs()} {
			if f.Problem != "" {
				said, works = said+f.Problem+"; "+f.Fix, f.Works
			}
		}
		if c.want == "" && said != "" || !strings.HasPrefix(said, c.want) || works != c.works {
			t.Errorf("%s: %q, works %v", name, said, works)
		}
	}
}

// TestMappers: both programs are needed.
func TestMappers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for _, name := range []string{"newuidmap", "newgidmap", ""} {
		f := checkMappers()
		if name == "" {
			if f.Problem != "" || f.Have != filepath.Join(dir, "newuidmap")+", "+filepath.Join(dir, "newgidmap") {
				t.Errorf("with both: %+v", f)
			}
			break
		}
		if f.Problem != "there is no "+name || f.Have != "" || !strings.Contains(f.Fix, "apt-get install uidmap") {
			t.Errorf("without %s: %+v", name, f)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil { //nolint:gosec // a program is run
			t.Fatal(err)
		}
	}
}
