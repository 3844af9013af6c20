package dockerfile

import (
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// Command is the command of the image that a build of a stage ("" for the last
// one) makes, as the Dockerfile gives it; found is false when it gives none,
// and the image has that of its base.
func (f *File) Command(stage string, args map[string]string) (command []string, found bool) {
	w := f.walk(args, buildPlatform)
	i, ok := w.find(stage)
	for ok && i >= 0 {
		for _, c := range w.commands[i] {
			if cmd, is := c.(*instructions.CmdCommand); is {
				command, found = cmd.CmdLine, true
				if cmd.PrependShell {
					command = append([]string{"/bin/sh", "-c"}, cmd.CmdLine...)
				}
			}
		}
		if found {
			return command, true
		}
		i = w.parents[i]
	}
	return nil, false
}
