package listing

import (
	"bytes"
	"fmt"
	"strings"
)

// Markers stand on lines of their own around the table of a README.
const (
	BeginMarker = "<!-- runbake:list -->"
	EndMarker   = "<!-- /runbake:list -->"
)

// Splice puts a table between the markers of a README. found is false when it
// has none. The error is of markers that do not belong together; it starts with
// the number of a line.
func Splice(readme, table []byte) (out []byte, found bool, err error) {
	begin, end, at := -1, -1, 0
	number := 0
	newline := "\n"
	for line := range bytes.Lines(readme) {
		number++
		switch strings.TrimSpace(string(line)) {
		case BeginMarker:
			if begin >= 0 {
				return nil, true, fmt.Errorf("%d: there is a second %s", number, BeginMarker)
			}
			begin = at + len(line)
			if bytes.HasSuffix(line, []byte("\r\n")) {
				newline = "\r\n"
			}
		case EndMarker:
			if begin < 0 || end >= 0 {
				return nil, true, fmt.Errorf("%d: there is no %s before this %s", number, BeginMarker, EndMarker)
			}
			end = at
		}
		at += len(line)
	}
	switch {
	case begin < 0:
		return readme, false, nil
	case end < 0:
		return nil, true, fmt.Errorf("%d: there is no %s after %s", bytes.Count(readme[:begin], []byte("\n")), EndMarker, BeginMarker)
	}
	var b bytes.Buffer
	b.Write(readme[:begin])
	b.WriteString(strings.ReplaceAll("\n"+strings.TrimSpace(string(table))+"\n\n", "\n", newline))
	b.Write(readme[end:])
	return b.Bytes(), true, nil
}
