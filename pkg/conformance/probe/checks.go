package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/runbake/runbake/pkg/check"
	"github.com/runbake/runbake/pkg/conformance"
)

// commandLimit is how long a command of a check may run, emulated or not.
const commandLimit = 2 * time.Minute

// runsOn is how long a server must live after its answer.
const runsOn = time.Second

// maxRead is how much is looked at of what a command writes, of a file, and of an
// answer, in bytes. What is longer fails: a pattern could match what was cut off.
const maxRead = 1 << 20

// Commands runs the commands and servers of checks, as the image's user. What
// checks ask of files [Files] adds.
func Commands(ctx context.Context, checks []check.Check) *conformance.Report {
	report := &conformance.Report{}
	for _, c := range checks {
		a := &asking{Check: c, limit: commandLimit}
		begin := time.Now()
		f := a.ask(ctx)
		r := conformance.Result{Check: c.Name, Verdict: conformance.Pass}
		f.tell(&r)
		if r.Seconds = time.Since(begin).Seconds(); r.Verdict == conformance.Fail {
			r.Log = a.log.String()
		}
		report.Results = append(report.Results, r)
	}
	report.Time = time.Now()
	return report
}

// Files looks at the files that checks are about, when all commands have ended, and
// adds what it finds to the report of those, which has a result for each check.
// Only root may look everywhere.
func Files(checks []check.Check, report *conformance.Report) {
	for i, c := range checks {
		f := &faults{}
		begin := time.Now()
		for _, file := range c.Files {
			f.look(file)
		}
		f.tell(&report.Results[i])
		report.Results[i].Seconds += time.Since(begin).Seconds()
	}
	report.Time = time.Now()
}

// asking is a check that is being made.
type asking struct {
	check.Check
	limit time.Duration // of a command that ends
	log   tail          // of all that the command writes
}

// faults are what is wrong with an image, all of one check.
type faults struct{ want, got []string }

func (f *faults) add(err error) {
	if m, is := errors.AsType[*mismatch](err); is {
		f.want, f.got = append(f.want, m.want), append(f.got, m.got)
	} else if err != nil {
		f.want, f.got = append(f.want, "something to look at"), append(f.got, err.Error())
	}
}

// tell makes a failure of a result if there are faults.
func (f *faults) tell(r *conformance.Result) {
	if len(f.want) == 0 {
		return
	}
	join := func(before string, all []string) string {
		if before != "" {
			all = append([]string{before}, all...)
		}
		return strings.Join(all, "; ")
	}
	r.Verdict, r.Want, r.Got = conformance.Fail, join(r.Want, f.want), join(r.Got, f.got)
}

// ask asks what a check asks of a command.
func (a *asking) ask(ctx context.Context) *faults {
	f := &faults{}
	switch {
	case a.Serves != nil:
		a.serve(ctx, f)
	case len(a.Command) > 0:
		a.run(ctx, f)
	case len(a.Files) == 0:
		f.add(wanted("a command or files", "a check that asks nothing"))
	}
	return f
}

// variables are those of a command: the image's, and the check's over them.
func (a *asking) variables() []string {
	all := os.Environ()
	for name, value := range a.Environment {
		all = append(all, name+"="+value) // the last one counts
	}
	return all
}

// run runs a command to its end, and looks at what it wrote.
func (a *asking) run(ctx context.Context, f *faults) {
	ctx, cancel := context.WithTimeout(ctx, a.limit)
	defer cancel()
	var stdout, stderr limited
	cmd := exec.CommandContext(ctx, a.Command[0], a.Command[1:]...)
	cmd.Env = a.variables()
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, &a.log), io.MultiWriter(&stderr, &a.log)
	cmd.Cancel = func() error {
		killTree(cmd.Process.Pid)
		return nil
	}
	cmd.WaitDelay = time.Second // children may keep its output open
	switch err := cmd.Run(); {
	case cmd.ProcessState == nil:
		f.add(wanted("a command that starts", "%v", err))
		return
	case ctx.Err() != nil:
		f.add(wanted("its end within "+a.limit.String(), "it runs on"))
		return
	case cmd.ProcessState.ExitCode() < 0:
		f.add(wanted(fmt.Sprintf("exit code %d", a.Exit), "its end: %v", err))
	case cmd.ProcessState.ExitCode() != a.Exit:
		f.add(wanted(fmt.Sprintf("exit code %d", a.Exit), "exit code %d", cmd.ProcessState.ExitCode()))
	}
	f.add(matches("stdout", stdout.text, a.Stdout))
	f.add(matches("stderr", stderr.text, a.Stderr))
}

// limited keeps the beginning of what is written, one byte more than is looked at.
type limited struct{ text []byte }

func (l *limited) Write(p []byte) (int, error) {
	l.text = append(l.text, p[:min(len(p), maxRead+1-len(l.text))]...)
	return len(p), nil
}

// matches compares a text with a pattern; "" is none.
func matches(what string, text []byte, pattern string) error {
	if pattern == "" {
		return nil
	}
	want := fmt.Sprintf("%s that matches %q", what, pattern)
	p, err := regexp.Compile(pattern)
	switch {
	case err != nil:
		return wanted(want, "a pattern that is none: %v", err)
	case len(text) > maxRead:
		return wanted(want, "more than %d bytes", maxRead)
	case !p.Match(text):
		return wanted(want, "%s", excerpt(text))
	}
	return nil
}

// excerpt is the beginning of a text.
func excerpt(text []byte) string {
	const most = 300
	if len(text) > most {
		return strconv.Quote(string(text[:most])) + fmt.Sprintf(" and %d bytes more", len(text)-most)
	}
	return strconv.Quote(string(text))
}

// look adds what is wrong with a file.
func (f *faults) look(file check.File) {
	for _, err := range lookAt(file) {
		if m, is := errors.AsType[*mismatch](err); is {
			err = wanted(file.Path+": "+m.want, "%s", m.got)
		}
		f.add(err)
	}
}

// lookAt says all that is wrong with a file.
func lookAt(file check.File) []error {
	if file.Absent {
		switch _, err := os.Lstat(file.Path); {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return []error{wanted("no such file", "%v", err)}
		}
		return []error{wanted("no such file", "one")}
	}
	info, err := os.Stat(file.Path)
	if err != nil {
		return []error{wanted("a file", "%v", err)}
	}
	var errs []error
	if want, err := strconv.ParseUint(file.Mode, 8, 32); file.Mode != "" && (err != nil || want != modeOf(info)) {
		errs = append(errs, wanted("mode "+file.Mode, "%04o", modeOf(info)))
	}
	if file.Owner != "" {
		errs = append(errs, owned(info, file.Owner))
	}
	if file.Content != "" {
		text, err := readSome(file.Path)
		if err == nil {
			err = matches("content", text, file.Content)
		}
		errs = append(errs, err)
	}
	return errs
}

// modeOf is the mode of a file as chmod has it.
func modeOf(info fs.FileInfo) uint64 {
	mode := uint64(info.Mode().Perm())
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if info.Mode()&flag != 0 {
			mode |= bit
		}
	}
	return mode
}

// owned compares the owner of a file with a user, or a user and a group.
func owned(info fs.FileInfo, want string) error {
	user, group, both := strings.Cut(want, ":")
	haveUser, haveGroup, _ := strings.Cut(ownerOf(info), ":")
	if number("/etc/passwd", user) != haveUser || both && number("/etc/group", group) != haveGroup {
		return wanted("owner "+want, "%s", ownerOf(info))
	}
	return nil
}

// number is that of a user or group of the image; what has none stays.
func number(file, name string) string {
	if fields, found := entry(file, name); found && len(fields) > 2 {
		return fields[2]
	}
	return name
}

// readSome reads as much of a file as is looked at, and a byte more.
func readSome(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the definition names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, maxRead+1))
}

// serve starts a server, and waits for the answer that it must give.
func (a *asking) serve(ctx context.Context, f *faults) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Serves.Port))
	if conn, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
		_ = conn.Close() // nothing was written
		f.add(wanted("a free port "+strconv.Itoa(a.Serves.Port), "another server there, before this one has started"))
		return
	}
	p, err := startWith(ctx, a.Command, a.variables(), &a.log)
	if err != nil {
		f.add(wanted("a server that starts", "%v", err))
		return
	}
	defer p.kill()
	if err := a.answer(ctx, p, "http://"+address+a.Serves.Path); err != nil {
		f.add(err)
		return
	}
	select {
	case <-p.ended: // of its answer, or because it has left another process to serve
		f.add(wanted("a server that keeps running", "its end: %s", ending(p.err)))
	case <-time.After(runsOn):
	}
}

// answer asks a server until it gives the right answer, it has ended, or its time
// is over; what was wrong last is what is told then.
func (a *asking) answer(ctx context.Context, p *process, url string) error {
	ctx, cancel := context.WithTimeout(ctx, a.Serves.Within)
	defer cancel()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // and no proxy
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	want := fmt.Sprintf("status %d for GET %s within %v", a.Serves.Status, a.Serves.Path, a.Serves.Within)
	none := wanted(want, "no answer")
	last, refused := none, false
	for {
		status, body, err := get(ctx, client, url)
		switch {
		case err != nil && ctx.Err() == nil:
			last, refused = wanted(want, "%v", err), isRefused(err)
		case err != nil && refused:
			last = none // it has taken the connection since
		case err != nil: // what came before says more
		case status != a.Serves.Status:
			last, refused = wanted(want, "status %d, %s", status, excerpt(body)), false
		default:
			if last, refused = matches("a body", body, a.Serves.Body), false; last == nil {
				return nil
			}
		}
		select {
		case <-p.ended:
			return wanted("a server that keeps running", "its end: %s", ending(p.err))
		case <-ctx.Done():
			return last
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// isRefused reports whether nobody listens.
func isRefused(err error) bool {
	op, is := errors.AsType[*net.OpError](err)
	return is && op.Op == "dial"
}

// get is one request, and as much of its answer as is looked at.
func get(ctx context.Context, client *http.Client, url string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	var b bytes.Buffer
	_, err = io.Copy(&b, io.LimitReader(response.Body, maxRead+1))
	return response.StatusCode, b.Bytes(), err
}
