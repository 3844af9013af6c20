package embedded

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often it is tried to get a lock that others have.
const lockPoll = 20 * time.Millisecond

// open opens a file that is locked. It is not inherited by programs that are
// started, unless they are given it.
func (o *Options) open(name string) (*os.File, error) {
	return os.OpenFile(o.path(name), os.O_CREATE|os.O_RDWR, 0o600)
}

// lock opens a file and waits until the lock on it is had: shared (LOCK_SH) or
// alone (LOCK_EX). Closing the file gives it back.
func (o *Options) lock(ctx context.Context, name string, how int) (*os.File, error) {
	f, err := o.open(name)
	if err != nil {
		return nil, err
	}
	for {
		err := tryLock(f, how)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		case <-time.After(lockPoll):
		}
	}
}

// tryLock gets a lock, or EWOULDBLOCK.
func tryLock(f *os.File, how int) error { return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) }
