package contract

import "slices"

// What the executor relies on in an image.
const (
	User    = "appwrite" // and its group
	UserID  = "2001"
	GroupID = "2000"

	SourceDir    = "/usr/local/src" // the scripts, and the server
	CodeDir      = "/usr/code"      // the function
	WorkspaceDir = "/usr/workspace"
	BuiltDir     = "/usr/builtCode"

	LaunchScript = SourceDir + "/launch.sh"
	CodeArchive  = "/tmp/code.tar.gz"
	Executable   = CodeDir + "/runtime" // what compiled runtimes leave
	Port         = 3000
)

// Marker stands, with a colon behind it, before what only a person can write, until
// one has.
const Marker = "TODO(runbake)"

// RunDirs are the folders that launch.sh needs.
func RunDirs() []string { return []string{SourceDir, CodeDir, WorkspaceDir} }

// Dirs are the folders of a build image; all belong to User.
func Dirs() []string { return slices.Concat(RunDirs(), []string{BuiltDir}) }
