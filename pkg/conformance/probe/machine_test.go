//go:build linux

package probe

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// header writes the header of a program, which is enough to know the machine.
func header(t *testing.T, dir, arch string) string {
	t.Helper()
	m := machines[arch]
	h := make([]byte, 64)
	copy(h, "\x7fELF")
	h[4], h[5], h[6] = byte(m.class), byte(m.data), 1
	order := binary.ByteOrder(binary.LittleEndian)
	if m.data == 2 {
		order = binary.BigEndian
	}
	order.PutUint16(h[16:], 2) // executable
	order.PutUint16(h[18:], uint16(m.machine))
	order.PutUint32(h[20:], 1)
	size, entry := 52, 40 // of the header, and where it says so
	if m.class == 2 {
		size, entry = 64, 52
	}
	order.PutUint16(h[entry:], uint16(size))
	name := filepath.Join(dir, arch)
	if err := os.WriteFile(name, h[:size], 0o700); err != nil { //nolint:gosec // it is not run
		t.Fatal(err)
	}
	return name
}

func TestForPlatform(t *testing.T) {
	dir := t.TempDir()
	for arch := range machines {
		want := ""
		if arch != runtime.GOARCH {
			want = "want runtime for " + runtime.GOARCH + ", got one for " + arch
		}
		if got := errorText(forPlatform(header(t, dir, arch), "runtime")); got != want {
			t.Errorf("%s: got %q, want %q", arch, got, want)
		}
	}
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // it is not run
		t.Fatal(err)
	}
	for name, file := range map[string]string{"a script": script, "this test": "/proc/self/exe"} {
		if err := forPlatform(file, "runtime"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, undecided := errors.AsType[*undecided](forPlatform(filepath.Join(dir, "missing"), "runtime")); !undecided {
		t.Error("a file that there is not was decided")
	}
}

// TestProgram: what a process runs, be it emulated.
func TestProgram(t *testing.T) {
	p := shell(t, "echo ready; while :; do sleep 0.01; done")
	name, err := program(p.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if arch, err := architecture(name); err != nil || arch != runtime.GOARCH {
		t.Errorf("the shell is for %s, %v", arch, err)
	}
	if err := (&session{process: p, pid: os.Getpid()}).ofPlatform(); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	node := header(t, dir, "arm64")
	for want, words := range map[string][]string{
		node:                      {"/usr/bin/qemu-aarch64-static", node, "server.js"},
		filepath.Join(dir, "arm"): {"/dev/.buildkit_qemu_emulator", "-0", "node", "arm", "x"},
		"":                        {"/usr/bin/qemu-aarch64-static", "/nowhere"},
	} {
		header(t, dir, "arm")
		if got, err := emulated(dir, words); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", words, got, err, want)
		}
	}
}
