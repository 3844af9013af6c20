package php

import (
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// readTests finds the tables of tests in what was read.
func (p *php) readTests() {
	for _, table := range p.tables {
		last := map[string]*fact.Test{}
		for _, row := range table.list {
			e := p.testEntry(row)
			if e == nil {
				continue
			}
			if before := last[e.Key.Value]; before != nil {
				before.Again = e
			}
			last[e.Key.Value] = e
			p.Tests = append(p.Tests, e)
		}
	}
}

// testEntry is a row that has a function and an entry point or a runtime; nil if
// it is none.
func (p *php) testEntry(row entry) *fact.Test {
	if row.key == nil || !row.value.isList {
		return nil
	}
	e := &fact.Test{Key: *row.key, Range: row.key.Range}
	fields := map[string]*fact.Text{
		"code": &e.Code, "entrypoint": &e.Entrypoint, "runtime": &e.Runtime, "tarname": &e.Archive,
	}
	known := 0
	for _, f := range row.value.list {
		if f.key == nil {
			continue
		}
		if to := fields[f.key.Value]; to != nil {
			*to = fact.Text{Value: f.value.holed(), Range: f.value.at}
			known++
		}
	}
	if known < 2 || e.Code.Value == "" {
		return nil
	}
	for _, f := range []fact.Text{e.Entrypoint, e.Runtime} {
		if strings.Contains(f.Value, fact.Hole) {
			p.Fail(fact.RuleNotUnderstood, f.Range, "Not understood: "+p.snippet(f.Range),
				"It is more than a text. The test is left out.")
			return nil
		}
	}
	return e
}
