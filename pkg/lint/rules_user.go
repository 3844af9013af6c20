package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
)

// makeUser is how user and group are made with the tools of a family.
var makeUser = map[family]string{
	debian: fmt.Sprintf("groupadd -g %s %[2]s && useradd -m -u %[3]s -g %[2]s %[2]s",
		contract.GroupID, contract.User, contract.UserID),
	busybox: fmt.Sprintf("addgroup -S -g %s %[2]s && adduser -S -D -u %[3]s -G %[2]s %[2]s",
		contract.GroupID, contract.User, contract.UserID),
}

func user(s *subject) []finding {
	found := wrongAccounts(s.image)
	for i := range found {
		if command := makeUser[s.image.family]; command != "" {
			found[i].fix = fmt.Sprintf("Write RUN %s.", command)
		}
	}
	return found
}

func wrongAccounts(img *image) []finding {
	var found []finding
	group, isGroup := img.groups[contract.User]
	account, isUser := img.users[contract.User]
	switch {
	case !isGroup && !isUser:
		return []finding{{at: img.from, summary: "There is no user " + contract.User}}
	case !isGroup:
		found = append(found, finding{
			at:      account.at,
			summary: fmt.Sprintf("There is no group %s with gid %s", contract.User, contract.GroupID),
		})
	case group.known && group.id != contract.GroupID:
		found = append(found, finding{
			at:      group.at,
			summary: fmt.Sprintf("Group %s has %s", contract.User, number("gid", group.id, contract.GroupID)),
		})
	}
	switch {
	case !isUser:
		return append(found, finding{at: group.at, summary: "There is no user " + contract.User})
	case account.known && account.id != contract.UserID:
		found = append(found, finding{
			at:      account.at,
			summary: fmt.Sprintf("User %s has %s", contract.User, number("uid", account.id, contract.UserID)),
		})
	}
	if isGroup && account.group != contract.User && account.group != contract.GroupID {
		found = append(found, finding{
			at:      account.at,
			summary: fmt.Sprintf("User %s is not created in group %[1]s", contract.User),
		})
	}
	return found
}

func number(what, given, want string) string {
	if given == "" {
		return fmt.Sprintf("whatever %s is free, not %s", what, want)
	}
	return fmt.Sprintf("%s %s, not %s", what, given, want)
}

func unprivileged(s *subject) []finding {
	img := s.image
	name, _, _ := strings.Cut(img.state.User, ":")
	at := img.userAt
	switch {
	case name == contract.User || name == contract.UserID:
		return nil
	case name == "" || at.Filename == "":
		return []finding{{at: img.from, summary: "The image has no USER: the server would be root"}}
	case name == "root" || name == "0":
		return []finding{{at: at, summary: "The server would be root"}}
	case strings.Contains(name, "$"):
		return nil
	}
	return []finding{{at: at, summary: fmt.Sprintf("The server would be %s, not %s", name, contract.User)}}
}

// missing lists the folders that an image does not have.
func missing(img *image, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return img.own[n] != nil || img.unknownAt(n) })
}

func folders(s *subject) []finding {
	names := contract.Dirs()
	if s.version.Runtime.Kind == catalogue.Base {
		names = contract.RunDirs()
	}
	if lost := missing(s.image, names); len(lost) > 0 {
		return []finding{{
			at: s.image.from, summary: fmt.Sprintf("The image has no %s", list(lost)),
			fix: fmt.Sprintf("RUN mkdir -p %s.", strings.Join(lost, " ")),
		}}
	}
	return nil
}

func baseFolders(s *subject) []finding {
	if s.version.Runtime.Kind != catalogue.Base || len(missing(s.image, []string{contract.BuiltDir})) == 0 {
		return nil
	}
	return []finding{{at: s.image.from, summary: "The base has no " + contract.BuiltDir}}
}

func folderOwner(s *subject) []finding {
	const owner = contract.User + ":" + contract.User
	var found []finding
	for _, dir := range contract.Dirs() {
		f := s.image.own[dir]
		if f == nil || f.owner == owner {
			continue
		}
		found = append(found, finding{
			at: f.at, summary: fmt.Sprintf("%s belongs to %s", dir, f.owner),
			fix: fmt.Sprintf("RUN chown -R %s %s.", owner, dir),
		})
	}
	return found
}

func workdir(s *subject) []finding {
	switch dir := s.image.state.Workdir; dir {
	case contract.SourceDir:
		return nil
	case "":
		return []finding{{at: s.image.from, summary: "The image has no WORKDIR"}}
	default:
		return []finding{{at: s.image.workdirAt, summary: fmt.Sprintf("WORKDIR is %s", dir)}}
	}
}

// list writes names as people do: a, b and c.
func list(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
