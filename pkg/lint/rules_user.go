package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
)

func userRules() []Rule {
	return []Rule{
		{
			"user", 4, Error, Error,
			"User appwrite has uid 2001 and group appwrite, which has gid 2000", "Volumes that the executor mounts belong to these numbers.",
			"Write groupadd -g 2000 appwrite && useradd -m -u 2001 -g appwrite appwrite; on Alpine addgroup -S -g 2000 appwrite && adduser -S -D -u 2001 -G appwrite appwrite.", user, nil,
		},
		{
			"user-dialect", 4, Error, Error,
			"User and group are made with the commands that the image has", "Debian has groupadd and useradd, Alpine BusyBox's addgroup and adduser.",
			"Use the commands of the base image.", event("user-dialect"), nil,
		},
		{
			"unprivileged", 8, Warning, Error,
			"The image ends with USER appwrite", "User code in a server that is root owns the container.",
			"Write USER appwrite behind the last command that needs root.", unprivileged, nil,
		},
		{
			"root-needed", 8, Error, Error,
			"What needs root stands above USER", "It fails as another user.",
			"Move it above USER appwrite.", event("root-needed"), nil,
		},
	}
}

// makeUser is how user and group are made with the tools of a family.
var makeUser = map[family]string{
	debian:  "groupadd -g 2000 appwrite && useradd -m -u 2001 -g appwrite appwrite",
	busybox: "addgroup -S -g 2000 appwrite && adduser -S -D -u 2001 -G appwrite appwrite",
}

func user(s *subject) []finding {
	found := wrongAccounts(s.image)
	for i := range found {
		if command := makeUser[s.image.family]; command != "" {
			found[i].mend = fmt.Sprintf("Write RUN %s.", command)
		}
	}
	return found
}

func wrongAccounts(img *image) []finding {
	var found []finding
	group, isGroup := img.groups[appwrite]
	account, isUser := img.users[appwrite]
	switch {
	case !isGroup && !isUser:
		return []finding{{at: img.from, summary: "There is no user appwrite"}}
	case !isGroup:
		found = append(found, finding{at: account.at, summary: "There is no group appwrite with gid 2000"})
	case group.known && group.id != groupID:
		found = append(found, finding{at: group.at, summary: fmt.Sprintf("Group appwrite has %s", number("gid", group.id, groupID))})
	}
	switch {
	case !isUser:
		return append(found, finding{at: group.at, summary: "There is no user appwrite"})
	case account.known && account.id != userID:
		found = append(found, finding{at: account.at, summary: fmt.Sprintf("User appwrite has %s", number("uid", account.id, userID))})
	}
	if isGroup && account.group != appwrite && account.group != groupID {
		found = append(found, finding{at: account.at, summary: "User appwrite is not created in group appwrite"})
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
	case name == appwrite || name == userID:
		return nil
	case name == "" || at.Filename == "":
		return []finding{{at: img.from, summary: "The image has no USER: the server would be root"}}
	case name == "root" || name == "0":
		return []finding{{at: at, summary: "The server would be root"}}
	case strings.Contains(name, "$"):
		return nil
	}
	return []finding{{at: at, summary: fmt.Sprintf("The server would be %s, not appwrite", name)}}
}

func ownerRules() []Rule {
	return []Rule{
		{
			"folders", 5, Error, Error,
			"/usr/local/src, /usr/code, /usr/workspace and /usr/builtCode exist", "The executor unpacks, builds and packs in them.",
			"RUN mkdir -p /usr/local/src /usr/code /usr/workspace /usr/builtCode.", folders, nil,
		},
		{
			"base-folders", 5, Off, Error,
			"A base has /usr/builtCode too", "So that every image takes the same mounts.",
			"RUN mkdir -p /usr/builtCode.", baseFolders, nil,
		},
		{
			"folder-owner", 5, Error, Error,
			"They belong to appwrite:appwrite", "The executor works in them as appwrite.",
			"RUN chown -R appwrite:appwrite /usr/local/src /usr/code /usr/workspace /usr/builtCode.", folderOwner, nil,
		},
		{
			"owner-order", 5, Error, Error,
			"Files are copied before their folder is given to appwrite", "COPY makes files that belong to root.",
			"Move chown below the last COPY, or write COPY --chown=appwrite:appwrite.", event("owner-order"), nil,
		},
		{
			"workdir", 5, Error, Error,
			"WORKDIR is /usr/local/src", "build.sh and launch.sh expect to be started there.",
			"WORKDIR /usr/local/src.", workdir, nil,
		},
	}
}

// missing lists the folders that an image does not have.
func missing(img *image, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return img.own[n] != nil || img.unknownAt(n) })
}

func folders(s *subject) []finding {
	names := ownFolders
	if s.version.Runtime.Kind == catalogue.Base {
		names = names[:3]
	}
	if lost := missing(s.image, names); len(lost) > 0 {
		return []finding{{at: s.image.from, summary: fmt.Sprintf("The image has no %s", list(lost)), mend: fmt.Sprintf("RUN mkdir -p %s.", strings.Join(lost, " "))}}
	}
	return nil
}

func baseFolders(s *subject) []finding {
	if s.version.Runtime.Kind != catalogue.Base || len(missing(s.image, ownFolders[3:])) == 0 {
		return nil
	}
	return []finding{{at: s.image.from, summary: "The base has no " + builtCode}}
}

func folderOwner(s *subject) []finding {
	var found []finding
	for _, dir := range ownFolders {
		f := s.image.own[dir]
		if f == nil || f.owner == appwrite+":"+appwrite {
			continue
		}
		found = append(found, finding{at: f.at, summary: fmt.Sprintf("%s belongs to %s", dir, f.owner), mend: fmt.Sprintf("RUN chown -R appwrite:appwrite %s.", dir)})
	}
	return found
}

func workdir(s *subject) []finding {
	switch dir := s.image.state.Workdir; dir {
	case sources:
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
