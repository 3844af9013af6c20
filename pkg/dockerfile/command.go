package dockerfile

import (
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// Start is what the image that a build of a stage ("" for the last one) makes
// starts with, ENTRYPOINT and CMD, as far as the Dockerfile gives them: nil for
// what the image has of its base, if it has any.
func (f *File) Start(stage string, args map[string]string) (entrypoint, command []string) {
	w := f.walk(args, buildPlatform)
	for i, ok := w.find(stage); ok && i >= 0 && entrypoint == nil; i = w.parents[i] {
		var cmd []string
		for _, c := range w.commands[i] {
			switch c := c.(type) {
			case *instructions.CmdCommand:
				cmd = line(c.ShellDependantCmdLine)
			case *instructions.EntrypointCommand:
				entrypoint = line(c.ShellDependantCmdLine)
			}
		}
		if command == nil {
			command = cmd // an ENTRYPOINT ends that of images below
		}
	}
	return entrypoint, command
}

// line is a command as a program is given it; not nil.
func line(c instructions.ShellDependantCmdLine) []string {
	if c.PrependShell {
		return append([]string{"/bin/sh", "-c"}, c.CmdLine...)
	}
	return append([]string{}, c.CmdLine...)
}
