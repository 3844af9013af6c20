// Package embedded is a BuildKit that runbake starts itself, where there is
// neither Docker nor a builder: one for each user, shared by all runs of
// runbake, ended by itself when nobody has used it for a while.
//
// It is a buildkitd with a watcher. Who uses it holds a shared lock on a file;
// when the watcher has found nobody there for long enough, it takes the lock
// alone and ends BuildKit. Locks end with the process that holds them, so that
// nothing has to be told when one is killed.
package embedded

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"time"
)

// Options say what the embedded BuildKit is like.
type Options struct {
	State   string        // folder of everything that it writes
	Config  string        // a buildkitd.toml; "" for that of the system, and where there is none for one that limits steps
	Idle    time.Duration // how long it stays without a user
	Self    string        // the runbake program, which is the watcher too
	Version string        // of BuildKit, as go.mod pins it
	Image   string        // of BuildKit, which it is taken from where there is none; "" for no image
	Log     func(line string)

	// Files hands over the files of Image for this machine, by names without a
	// leading slash, and says what the digest of the image is. Nil where there is
	// no image.
	Files func(ctx context.Context, take func(name string, content io.Reader) error) (digest string, err error)
}

// DefaultIdle is how long it stays when nothing else is said.
const DefaultIdle = 5 * time.Minute

// Command is the name of runbake's command that watches over BuildKit; see
// [Watch].
const Command = "watch-embedded-buildkit"

// ErrPlatform is the error of machines on which there can be no embedded
// BuildKit.
var ErrPlatform = errors.New("the embedded BuildKit runs on Linux only; use a builder of buildx, or give the address of a BuildKit")

// maxSocket is how long the path of a socket may be.
const maxSocket = 107

func (o *Options) path(name string) string { return filepath.Join(o.State, name) }

// Addr is where it listens.
func (o *Options) Addr() string { return "unix://" + o.socket() }

func (o *Options) socket() string { return o.path("buildkitd.sock") }

// root is BuildKit's own folder.
func (o *Options) root() string { return o.path("root") }

// The files that are locked: by everybody who uses it, by who starts it, and
// by the watcher and BuildKit.
const (
	usersLock  = "users.lock"
	startLock  = "start.lock"
	daemonLock = "daemon.lock"
)

// Log of BuildKit and the watcher.
const logFile = "buildkitd.log"

// configFile has the configuration of the BuildKit that runs.
const configFile = "buildkitd.toml"

// SystemConfig is where BuildKit looks for its configuration by default.
const SystemConfig = "/etc/buildkit/buildkitd.toml"
