package engine

import "github.com/containerd/log"

// quiet keeps off stderr what containerd's packages log about the file systems
// of this machine when images are written into folders. Errors are returned to
// us. Docker's configuration sets a level too: this comes after it.
func quiet() error { return log.SetLevel("error") }
