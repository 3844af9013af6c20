package git

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/runbake/runbake/pkg/repofs"
)

// objects reads from git's store, through one process.
type objects struct {
	command *exec.Cmd

	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
	err error // it cannot go on
}

// read returns an object's content.
func (o *objects) read(object string) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil && o.in == nil {
		o.err = o.start()
	}
	if o.err != nil {
		return nil, o.err
	}
	data, err := o.ask(object)
	if !errors.Is(err, repofs.ErrSize) {
		o.err = err
	}
	return data, err
}

func (o *objects) start() error {
	in, err := o.command.StdinPipe()
	if err != nil {
		return err
	}
	out, err := o.command.StdoutPipe()
	if err != nil {
		return err
	}
	o.in, o.out = in, bufio.NewReaderSize(out, 64<<10)
	return o.command.Start()
}

func (o *objects) ask(object string) ([]byte, error) {
	if _, err := io.WriteString(o.in, object+"\n"); err != nil {
		return nil, err
	}
	head, err := o.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return nil, fmt.Errorf("git cat-file: %s", strings.TrimSpace(head))
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return nil, err
	}
	if size > repofs.MaxFile {
		if _, err := io.CopyN(io.Discard, o.out, size+1); err != nil {
			return nil, fmt.Errorf("git cat-file: %w", err)
		}
		return nil, repofs.ErrSize
	}
	data := make([]byte, size+1) // a line feed follows
	if _, err := io.ReadFull(o.out, data); err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	return data[:size], nil
}

func (o *objects) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.in == nil {
		return nil
	}
	if err := o.in.Close(); err != nil {
		return err
	}
	return o.command.Wait()
}
