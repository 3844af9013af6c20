package probe

import (
	"debug/elf"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// machine is what the header of a program says that it is for.
type machine struct {
	machine elf.Machine
	class   elf.Class
	data    elf.Data
}

// machines are those of platforms, by what Go calls their architecture.
var machines = map[string]machine{
	"386":      {elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"amd64":    {elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"arm":      {elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"arm64":    {elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"loong64":  {elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"mips64":   {elf.EM_MIPS, elf.ELFCLASS64, elf.ELFDATA2MSB},
	"mips64le": {elf.EM_MIPS, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"ppc64le":  {elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"riscv64":  {elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"s390x":    {elf.EM_S390, elf.ELFCLASS64, elf.ELFDATA2MSB},
}

// errNoProgram is about a file that is no program of a machine: a script.
var errNoProgram = errors.New("it is no program of a machine")

// architecture is what a program is for, by Go's name or else by that of ELF.
func architecture(name string) (string, error) {
	f, err := elf.Open(name)
	_, other := errors.AsType[*elf.FormatError](err)
	if other || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "", errNoProgram
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	for arch, m := range machines {
		if m == (machine{f.Machine, f.Class, f.Data}) {
			return arch, nil
		}
	}
	return f.Machine.String(), nil
}

// forPlatform checks that a program is for the platform of the image, which is
// that of the probe: the steps of a test take it by its name. The kernel of the
// machine that builds runs programs of its own kind in any image, so that a
// server of the wrong one may pass every other rule.
func forPlatform(name, what string) error {
	switch arch, err := architecture(name); {
	case errors.Is(err, errNoProgram):
		return nil // what interprets it is looked at when it runs
	case err != nil:
		return notRun("%s cannot be read: %v", what, err)
	case arch != runtime.GOARCH:
		return wanted(what+" for "+runtime.GOARCH, "one for %s", arch)
	}
	return nil
}

// program is the file that a process runs. Of an emulated one the system says
// that it runs the emulator, which has the program among its words.
func program(pid int) (string, error) {
	proc := "/proc/" + strconv.Itoa(pid)
	exe, err := os.Readlink(proc + "/exe")
	if err != nil {
		return "", err
	}
	if !strings.Contains(filepath.Base(exe), "qemu") {
		return proc + "/exe", nil // also when the file is gone
	}
	line, err := os.ReadFile(proc + "/cmdline")
	if err != nil {
		return "", err
	}
	dir, err := os.Readlink(proc + "/cwd")
	if err != nil {
		dir = "/"
	}
	return emulated(dir, strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00"))
}

// emulated finds the program among the words of an emulator: the first that is
// one. -0 gives the name that the program sees, which need not be its file.
func emulated(dir string, words []string) (string, error) {
	for i := 1; i < len(words); i++ {
		if words[i] == "-0" {
			i++
			continue
		}
		name := words[i]
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if _, err := architecture(name); err == nil {
			return name, nil
		}
	}
	return "", fs.ErrNotExist
}

// ofPlatform checks what the server runs: its first process, and that which
// listens.
func (s *session) ofPlatform() error {
	pids := []int{s.process.cmd.Process.Pid}
	if s.pid != 0 && s.pid != pids[0] {
		pids = append(pids, s.pid)
	}
	for _, pid := range pids {
		name, err := program(pid)
		if err != nil {
			return notRun("what runs cannot be known: %v", err)
		}
		if err := forPlatform(name, "a server"); err != nil {
			return err
		}
	}
	return nil
}
