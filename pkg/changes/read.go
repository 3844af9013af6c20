package changes

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// What an image may say at most. More is no image that works, and one that is
// made to keep us busy.
const (
	maxPackages = 200_000
	maxWord     = 1_024    // bytes of a name or a version
	maxLine     = 16 << 20 // bytes: dpkg writes descriptions and lists of files in lines of their own
)

var (
	errPackages = fmt.Errorf("more than %d packages", maxPackages)
	errWord     = fmt.Errorf("the name or version of a package has more than %d bytes", maxWord)
)

// collected are the packages of a database while it is read.
type collected struct{ all []Package }

// add takes a package, unless it has no name.
func (c *collected) add(p Package) error {
	switch {
	case p.Name == "":
		return nil
	case len(p.Name) > maxWord, len(p.Version) > maxWord:
		return errWord
	case len(c.all) == maxPackages:
		return errPackages
	}
	c.all = append(c.all, p)
	return nil
}

// ReadDpkg reads /var/lib/dpkg/status, or a file of /var/lib/dpkg/status.d as images
// without dpkg have them: packages that are installed.
func ReadDpkg(text []byte) ([]Package, error) {
	found := collected{}
	err := paragraphs(text, func(fields map[string]string) error {
		if status, said := fields["Status"]; said && !installed(status) {
			return nil
		}
		return found.add(Package{"deb", fields["Package"], fields["Version"]})
	}, "Package", "Version", "Status")
	if err != nil {
		return nil, fmt.Errorf("the database of dpkg: %w", err)
	}
	return sorted(found.all), nil
}

// installed reports whether a status is that of a package whose files are there:
// the last of its three words says so.
func installed(status string) bool {
	words := strings.Fields(status)
	return len(words) == 3 && words[2] != "not-installed" && words[2] != "config-files"
}

// ReadApk reads /lib/apk/db/installed.
func ReadApk(text []byte) ([]Package, error) {
	found := collected{}
	err := paragraphs(text, func(fields map[string]string) error {
		return found.add(Package{"apk", fields["P"], fields["V"]})
	}, "P", "V")
	if err != nil {
		return nil, fmt.Errorf("the database of apk: %w", err)
	}
	return sorted(found.all), nil
}

// paragraphs reads paragraphs of lines "name: value", of which only some names count;
// the first of a paragraph does.
func paragraphs(text []byte, each func(fields map[string]string) error, names ...string) error {
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxLine)
	fields := map[string]string{}
	end := func() error {
		if len(fields) == 0 {
			return nil
		}
		err := each(fields)
		clear(fields)
		return err
	}
	for lines.Scan() {
		line := lines.Text()
		if strings.TrimSpace(line) == "" {
			if err := end(); err != nil {
				return err
			}
			continue
		}
		for _, name := range names {
			value, found := strings.CutPrefix(line, name+":")
			if _, known := fields[name]; found && !known {
				fields[name] = strings.TrimSpace(value)
			}
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a line has more than %d bytes", maxLine)
	} else if err != nil {
		return err
	}
	return end()
}
