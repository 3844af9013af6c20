package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/shell"
)

// accounts follows the commands that make users and groups, in the two
// dialects: groupadd and useradd of Debian, addgroup and adduser of BusyBox,
// and those of Debian that have the names of BusyBox's and other options.
func (img *image) accounts(s *dockerfile.Step, name string, args []shell.Word) {
	img.dialect(s, name, args)
	switch name {
	case "groupadd":
		given, names := options(args, "gKpRPU", "gid", "key", "password", "root", "prefix", "users")
		img.addGroup(s, names, pick(given, "g", "gid"))
	case "addgroup":
		given, names := options(args, "g", "gid")
		if len(names) > 1 { // a user, and the group that it joins
			return
		}
		img.addGroup(s, names, pick(given, "g", "gid"))
	case "useradd":
		given, names := options(args, "ugGdscbkKefpRPZ", "uid", "gid", "groups", "home-dir", "home", "shell", "comment",
			"base-dir", "skel", "key", "expiredate", "inactive", "password", "root", "prefix", "selinux-user")
		img.addUser(s, names, pick(given, "u", "uid"), pick(given, "g", "gid"))
	case "adduser":
		given, names := options(args, "hgsGuk", "uid", "gid", "ingroup", "home", "shell", "gecos", "comment",
			"add_extra_groups", "firstuid", "lastuid")
		if len(names) > 1 {
			return
		}
		group := pick(given, "G", "ingroup")
		if group.Text == "" && given["gid"].Text != "" {
			group = given["gid"]
		}
		img.addUser(s, names, pick(given, "u", "uid"), group)
	case "groupmod":
		given, names := options(args, "gn", "gid", "new-name")
		if to := pick(given, "n", "new-name"); to.Text != "" {
			names = []shell.Word{to}
		}
		img.addGroup(s, names, pick(given, "g", "gid"))
	case "usermod":
		given, names := options(args, "uglGdscef", "uid", "gid", "login", "groups", "home", "shell", "comment")
		if to := pick(given, "l", "login"); to.Text != "" {
			names = []shell.Word{to}
		}
		img.addUser(s, names, pick(given, "u", "uid"), pick(given, "g", "gid"))
	}
}

// pick is the value of an option by its short or long name.
func pick(given map[string]shell.Word, short, long string) shell.Word {
	if w, found := given[short]; found {
		return w
	}
	if w, found := given[long]; found {
		return w
	}
	return shell.Word{Known: true}
}

func (img *image) addGroup(s *dockerfile.Step, names []shell.Word, id shell.Word) {
	if len(names) == 0 {
		return
	}
	name := names[len(names)-1].Text
	if before, exists := img.groups[name]; exists && id.Text == "" {
		id = shell.Word{Text: before.id, Known: before.known}
	}
	img.groups[name] = account{id: id.Text, known: id.Known, at: s.Range}
}

func (img *image) addUser(s *dockerfile.Step, names []shell.Word, id, group shell.Word) {
	if len(names) == 0 {
		return
	}
	name := names[len(names)-1].Text
	a := account{id: id.Text, known: id.Known, group: group.Text, at: s.Range}
	if !group.Known {
		a.group = contract.User // taken to be meant
	}
	if before, exists := img.users[name]; exists {
		if a.id == "" {
			a.id, a.known = before.id, before.known
		}
		if a.group == "" {
			a.group = before.group
		}
	}
	img.users[name] = a
}

// dialect reports commands that the image does not have, or that take other
// options there.
func (img *image) dialect(s *dockerfile.Step, name string, args []shell.Word) {
	switch {
	case img.family == busybox && slices.Contains([]string{"groupadd", "useradd", "usermod", "groupmod"}, name) &&
		!slices.Contains(img.installed, "shadow"):
		img.event("user-dialect", finding{
			at: s.Range, summary: fmt.Sprintf("Alpine has no %s", name),
			fix: fmt.Sprintf("Write %s, or install the package shadow.", makeUser[busybox]),
		})
	case img.family == debian && slices.Contains([]string{"addgroup", "adduser"}, name) &&
		slices.ContainsFunc(args, busyboxOption):
		img.event("user-dialect", finding{
			at: s.Range, summary: fmt.Sprintf("Debian's %s has no such options", name),
			detail: "They are those of BusyBox, which Alpine has.",
			fix:    fmt.Sprintf("Write %s.", makeUser[debian]),
		})
	}
}

// busyboxOption reports a short option that only BusyBox has.
func busyboxOption(w shell.Word) bool {
	return len(w.Text) > 1 && w.Text[0] == '-' && w.Text[1] != '-' && strings.ContainsAny(w.Text[1:], "SDGH")
}
