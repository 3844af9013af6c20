package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// rawInputs are lists in which Docker's actions give quotation marks no meaning: buildx
// does that.
var rawInputs = []string{"outputs", "set"}

// list are the entries of an input that is a list, as Docker's actions read it: a record of
// comma-separated values a line, where a value in quotation marks may have commas, lines and
// doubled marks, and marks elsewhere are as they are. commas says that each value is an
// entry, and not the record.
func (s *step) list(input string, commas bool) []fact.Text {
	m := s.input(input)
	if slices.Contains(rawInputs, input) {
		return m.listed(commas)
	}
	text := m.String()
	all, open := records(text)
	if open >= 0 {
		s.fail(fact.RuleNotUnderstood, m.Range(open, open+1), fmt.Sprintf("A quotation mark of %s is not closed", input),
			"The action refuses it. What follows is left out.")
	}
	var entries []fact.Text
	for _, r := range all {
		values := []string{strings.Join(r.values, ",")}
		switch {
		case commas && len(r.values) == 1:
			values = strings.Split(r.values[0], ",")
		case commas:
			values = r.values
		}
		at := r.from
		for _, value := range values {
			if value = strings.TrimSpace(value); value == "" {
				continue
			}
			from, to := r.from, r.to
			if found := strings.Index(text[at:r.to], value); found >= 0 { // as it is written
				from, to = at+found, at+found+len(value)
				at = to
			}
			entries = append(entries, fact.Text{Value: value, Range: m.Range(from, to)})
		}
	}
	return entries
}

// record is a line of comma-separated values, which may go on over others.
type record struct {
	values   []string
	from, to int
}

// records takes a text of comma-separated values apart. Empty lines and those of comments
// are none; open is where a value begins that does not end, or -1.
func records(text string) (all []record, open int) {
	for at := 0; at < len(text); {
		if line, _, _ := strings.Cut(text[at:], "\n"); strings.TrimSpace(line) == "" || strings.HasPrefix(strings.TrimSpace(line), "#") {
			at += len(line) + 1
			continue
		}
		r := record{from: at}
		for more := true; more; {
			value, end, closed := cell(text, at)
			if !closed {
				return all, at
			}
			r.values = append(r.values, value)
			more = end < len(text) && text[end] == ','
			r.to, at = end, end+1
		}
		all = append(all, r)
	}
	return all, -1
}

// cell is the value at a place, and where it ends: at a comma, or with the line.
func cell(text string, at int) (value string, end int, closed bool) {
	if at >= len(text) || text[at] != '"' {
		end = ending(text, at)
		return text[at:end], end, true
	}
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		switch {
		case text[i] != '"':
			b.WriteByte(text[i])
		case i+1 < len(text) && text[i+1] == '"':
			b.WriteByte('"')
			i++
		default:
			if end = ending(text, i+1); strings.TrimRight(text[i+1:end], "\r") == "" {
				return b.String(), end, true
			}
			return `"` + b.String() + text[i:end], end, true // more follows: the marks are part of it
		}
	}
	return "", len(text), false
}

// ending is where a value ends that is in no quotation marks.
func ending(text string, at int) int {
	if at >= len(text) {
		return len(text)
	}
	if end := strings.IndexAny(text[at:], ",\n"); end >= 0 {
		return at + end
	}
	return len(text)
}
