// Package check is what an image is asked that its definition asks: data that
// package catalogue makes and the probe reads. It has the standard library only,
// as the probe has.
package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Check is one question to an image: a command, files, a server, or several of
// these. All defaults are filled in.
type Check struct {
	Name        string            `json:"name"`
	Command     []string          `json:"command,omitempty"`
	Environment map[string]string `json:"environment,omitempty"` // of the command, over that of the image
	Exit        int               `json:"exit"`                  // of a command that ends
	Stdout      string            `json:"stdout,omitempty"`      // pattern; "" for anything
	Stderr      string            `json:"stderr,omitempty"`      // pattern; "" for anything
	Files       []File            `json:"files,omitempty"`       // by root, when all commands have ended
	Serves      *Serves           `json:"serves,omitempty"`      // the command is a server
}

// File is what a file of an image must be.
type File struct {
	Path    string `json:"path"`
	Absent  bool   `json:"absent,omitempty"`
	Mode    string `json:"mode,omitempty"`    // octal digits
	Owner   string `json:"owner,omitempty"`   // user, or user:group: names or numbers
	Content string `json:"content,omitempty"` // pattern; "" for anything
}

// Serves is the answer that a server must give.
type Serves struct {
	Port   int           `json:"port"`
	Path   string        `json:"path"`
	Status int           `json:"status"`
	Body   string        `json:"body,omitempty"` // pattern; "" for anything
	Within time.Duration `json:"within"`         // of its start
}

// Names are those of checks, in their order.
func Names(checks []Check) []string {
	names := make([]string, len(checks))
	for i := range checks {
		names[i] = checks[i].Name
	}
	return names
}

// Encode writes checks for the probe, on one line.
func Encode(checks []Check) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(checks); err != nil {
		panic(err) // strings and numbers
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Decode reads what [Encode] wrote, and refuses what would pass without having
// looked: what it does not know, and a check that asks nothing.
func Decode(data []byte) ([]Check, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var checks []Check
	if err := dec.Decode(&checks); err != nil {
		return nil, fmt.Errorf("reading checks: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading checks: there is more than a list of them")
	}
	if len(checks) == 0 {
		return nil, errors.New("there are no checks")
	}
	for i := range checks {
		if err := checks[i].vet(); err != nil {
			return nil, fmt.Errorf("check %q: %w", checks[i].Name, err)
		}
	}
	if names := slices.Sorted(slices.Values(Names(checks))); len(slices.Compact(names)) != len(checks) {
		return nil, errors.New("two checks have one name")
	}
	return checks, nil
}

func (c *Check) vet() error {
	if c.Name == "" || len(c.Command) == 0 && len(c.Files) == 0 {
		return errors.New("it asks nothing")
	}
	patterns := []string{c.Stdout, c.Stderr}
	for _, f := range c.Files {
		if !strings.HasPrefix(f.Path, "/") || f.Absent && (f.Mode != "" || f.Owner != "" || f.Content != "") {
			return fmt.Errorf("file %q cannot be looked at", f.Path)
		}
		patterns = append(patterns, f.Content)
	}
	if s := c.Serves; s != nil {
		asks := s.Port != 0 && s.Status != 0 && s.Within > 0 && strings.HasPrefix(s.Path, "/")
		if len(c.Command) == 0 || !asks || c.Stdout+c.Stderr != "" || c.Exit != 0 {
			return errors.New("its server cannot be asked")
		}
		patterns = append(patterns, s.Body)
	}
	if len(c.Command) == 0 && (c.Stdout+c.Stderr != "" || c.Exit != 0) {
		return errors.New("it has no command that could write")
	}
	for _, p := range patterns {
		if p == "" {
			continue
		}
		if err := Pattern(p); err != nil {
			return err
		}
	}
	return nil
}

// Pattern says what is wrong with a pattern: that it is none, or that any text
// matches it, so that it would ask nothing.
func Pattern(text string) error {
	p, err := regexp.Compile(text)
	switch {
	case err != nil:
		return err
	case p.MatchString("") && p.MatchString("\x00\n\u2400"):
		return errors.New("any text matches it")
	}
	return nil
}
