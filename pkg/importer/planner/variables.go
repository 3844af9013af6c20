package planner

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// variables leaves out those that definitions cannot have: their values stay.
func (p *planner) variables() {
	seen := map[string]*fact.Variable{}
	p.settable = slices.DeleteFunc(p.settable, func(v *fact.Variable) bool {
		var why string
		switch other := seen[v.Name]; {
		case catalogue.VariableProblem(v.Name) != "":
			why = "that is another variable of every emitted file, or of the system"
		case other != nil && other.Default != v.Default:
			why = "another file has another default"
		case other != nil:
			return true
		default:
			seen[v.Name] = v
			return false
		}
		p.notes = append(p.notes, fact.Note{Range: v.Range, Kind: fact.LeftOut, Text: fmt.Sprintf(
			"the variable %s: definitions have its default, %s; %s", v.Name, fact.Shorten(v.Default), why)})
		return true
	})
}

// settled are pairs whose templates have variables of the project alone: others have
// their defaults.
func (w *writer) settled(pairs []fact.Pair) []fact.Pair {
	all := slices.Clone(pairs)
	for i, pair := range all {
		open := false
		pieces := slices.Clone(pair.Template)
		for j, piece := range pieces {
			if slices.ContainsFunc(w.variables, func(v *fact.Variable) bool { return v.Name == piece.Variable }) {
				open = true
			} else {
				pieces[j].Variable = ""
			}
		}
		if all[i].Template = pieces; !open {
			all[i].Template = nil
		}
	}
	return all
}

// used are the variables that stand in what is written.
func (p *planner) used() []*fact.Variable {
	stands := map[string]bool{}
	for _, v := range p.versions {
		for _, pair := range slices.Concat(v.args, v.from, v.build.Labels, v.build.Extra()) {
			for _, piece := range pair.Template {
				stands[piece.Variable] = piece.Variable != ""
			}
		}
	}
	var all []*fact.Variable
	for _, v := range p.settable {
		if stands[v.Name] {
			all = append(all, v)
		}
	}
	return all
}

// writeVariables writes variables into the project.
func writeVariables(body *hclwrite.Body, variables []*fact.Variable) {
	for _, v := range variables {
		body.AppendNewline()
		block := body.AppendNewBlock("variable", []string{v.Name}).Body()
		block.SetAttributeValue("default", cty.StringVal(v.Default))
		if v.Description != "" {
			block.SetAttributeValue("description", cty.StringVal(v.Description))
		}
	}
}
