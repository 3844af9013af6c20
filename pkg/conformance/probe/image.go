package probe

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/contract"
)

// accounts checks the user and the group of the contract.
func accounts() error {
	user, found := entry("/etc/passwd", contract.User)
	if !found {
		return wanted("user "+contract.User, "none")
	}
	group, found := entry("/etc/group", contract.User)
	if !found {
		return wanted("group "+contract.User, "none")
	}
	if len(user) < 4 || len(group) < 3 || user[2] != contract.UserID || user[3] != contract.GroupID ||
		group[2] != contract.GroupID {
		return wanted("uid "+contract.UserID+", gid "+contract.GroupID, "%s and %s", strings.Join(user, ":"),
			strings.Join(group, ":"))
	}
	return nil
}

// entry finds a line of /etc/passwd or /etc/group.
func entry(file, name string) ([]string, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); fields[0] == name {
			return fields, true
		}
	}
	return nil, false
}

// folders checks that folders exist and belong to appwrite, whichever numbers
// that has.
func folders(names []string) error {
	user, group := ids(contract.User)
	var wrong []string
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			wrong = append(wrong, name+" does not exist")
			continue
		}
		if owner := ownerOf(info); owner != user+":"+group {
			wrong = append(wrong, name+" belongs to "+owner)
		}
	}
	if len(wrong) > 0 {
		return wanted("all of them, of "+user+":"+group, "%s", strings.Join(wrong, ", "))
	}
	return nil
}

// ids are the numbers of a user and its group; those of the contract when
// there is no such user.
func ids(name string) (user, group string) {
	if fields, found := entry("/etc/passwd", name); found && len(fields) > 3 {
		return fields[2], fields[3]
	}
	return contract.UserID, contract.GroupID
}

// scripts checks that the scripts of a build image can be executed. What makes an
// executable need not run it.
func scripts(compiled bool) error {
	names := []string{"build.sh"}
	if _, err := os.Stat(contract.LaunchScript); err == nil || !compiled {
		names = append(names, "launch.sh")
	}
	for _, name := range names {
		if err := executable(filepath.Join(contract.SourceDir, name)); err != nil {
			return err
		}
	}
	return nil
}

// environment is ours without what the test's Dockerfile put into it, and with
// more.
func environment(more ...string) []string {
	ours := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains([]string{
			"KIND", "ENTRYPOINT", "BEHAVIOUR", "BROKEN", "COMMAND", "BUILD_COMMAND",
			"TARGETARCH", "INTERNAL_RUNTIME_KEY", "ENTRYPOINT_NAME",
		}, name)
	})
	return append(ours, more...)
}
