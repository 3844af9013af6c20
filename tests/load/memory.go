package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// looks are taken at the memory of processes until the last request's children
// have ended and its garbage is gone; the least counts.
const (
	looks   = 10
	between = 50 * time.Millisecond
)

// memory is what the processes of a server take, in bytes: pages that several
// of them share count once.
func (s *server) memory() (int64, error) {
	least := int64(-1)
	for range looks {
		sum, err := proportional(s.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		if least < 0 || sum < least {
			least = sum
		}
		time.Sleep(between)
	}
	return least, nil
}

// proportional is the sum of the proportional set sizes of a process and of all
// that it has started.
func proportional(root int) (int64, error) {
	var sum int64
	for _, pid := range descendants(root) {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			if pid == root {
				return 0, err
			}
			continue // it has ended
		}
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "Pss:" {
				n, err := strconv.ParseInt(fields[1], 10, 64)
				if err != nil {
					return 0, err
				}
				sum += n << 10
			}
		}
	}
	return sum, nil
}

// descendants are a process and all that it has started.
func descendants(root int) []int {
	children := map[int][]int{}
	names, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		// pid (name) state parent …
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}
