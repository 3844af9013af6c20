package shell

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/syntax"
)

// Bashism is something that sh does not know.
type Bashism struct {
	What    string // as it is written: [[ … ]]
	Mend    string
	BusyBox bool // the sh of BusyBox, which Alpine has, knows it
	Range   hcl.Range
}

// Bashisms lists what of the script is not sh, in the order of places.
func (s *Script) Bashisms() []Bashism {
	if s.file == nil {
		return nil
	}
	var found []Bashism
	syntax.Walk(s.file, func(n syntax.Node) bool {
		if n == nil {
			return true
		}
		if b, is := bashism(n); is {
			b.Range = s.place(n)
			found = append(found, b)
		}
		return true
	})
	if len(found) > 0 {
		return found
	}
	return s.otherwise()
}

// otherwise asks the parser for sh, which knows what the list below does not.
func (s *Script) otherwise() []Bashism {
	_, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(bytes.NewReader(s.src), s.Name)
	if lang, is := errors.AsType[syntax.LangError](err); is {
		return []Bashism{{What: lang.Feature, Mend: "Write it as POSIX describes it.", Range: s.lineRange(int(lang.Pos.Line()))}}
	}
	if parse, is := errors.AsType[syntax.ParseError](err); is {
		return []Bashism{{What: parse.Text, Mend: "Write it as POSIX describes it.", Range: s.lineRange(int(parse.Pos.Line()))}}
	}
	return nil
}

func bashism(n syntax.Node) (Bashism, bool) {
	switch n := n.(type) {
	case *syntax.TestClause:
		return Bashism{What: "[[ … ]]", Mend: "Write [ … ], with the variables in quotes.", BusyBox: true}, true
	case *syntax.ArithmCmd:
		return Bashism{What: "(( … ))", Mend: "Write [ \"$a\" -gt 1 ], or : $(( … ))."}, true
	case *syntax.ArrayExpr:
		return Bashism{What: "an array", Mend: `Use the list of arguments: set -- a b c, and "$@".`}, true
	case *syntax.ProcSubst:
		return Bashism{What: n.Op.String() + "…)", Mend: "Use a pipe, or a file of mktemp."}, true
	case *syntax.ExtGlob:
		return Bashism{What: n.Op.String() + "…)", Mend: "Use case, or find."}, true
	case *syntax.LetClause:
		return Bashism{What: "let", Mend: "Write a=$(( … )).", BusyBox: true}, true
	case *syntax.CoprocClause:
		return Bashism{What: "coproc", Mend: "Use a pipe made with mkfifo."}, true
	case *syntax.ForClause:
		return loopBashism(n)
	case *syntax.FuncDecl:
		return Bashism{What: "function", Mend: fmt.Sprintf("Write %s() { … }.", functionName(n)), BusyBox: true}, n.RsrvWord
	case *syntax.SglQuoted:
		return Bashism{What: "$'…'", Mend: "Use printf.", BusyBox: true}, n.Dollar
	case *syntax.DblQuoted:
		return Bashism{What: `$"…"`, Mend: "Leave the dollar out."}, n.Dollar
	case *syntax.ParamExp:
		return paramBashism(n)
	case *syntax.Redirect:
		return redirectBashism(n)
	case *syntax.BinaryCmd:
		return Bashism{What: "|&", Mend: "Write 2>&1 |."}, n.Op == syntax.PipeAll
	case *syntax.DeclClause:
		name := n.Variant.Value
		return Bashism{What: name, Mend: "Assign without it."}, name == "declare" || name == "typeset" || name == "nameref"
	case *syntax.Assign:
		return Bashism{What: "+=", Mend: `Write a="$a…".`}, n.Append
	case *syntax.CallExpr:
		return callBashism(n)
	}
	return Bashism{}, false
}

func functionName(n *syntax.FuncDecl) string {
	if n.Name == nil {
		return "name"
	}
	return n.Name.Value
}

func loopBashism(n *syntax.ForClause) (Bashism, bool) {
	if n.Select {
		return Bashism{What: "select", Mend: "Use read and case."}, true
	}
	_, is := n.Loop.(*syntax.CStyleLoop)
	return Bashism{What: "for (( … ))", Mend: "Use while with [ … ]."}, is
}

func paramBashism(n *syntax.ParamExp) (Bashism, bool) {
	switch {
	case n.Excl || n.Names != 0:
		return Bashism{What: "${!…}", Mend: "Use eval, or name the variable."}, true
	case n.Index != nil:
		return Bashism{What: "an element of an array", Mend: `Use the list of arguments: set -- a b c, and "$@".`}, true
	case n.Slice != nil:
		return Bashism{What: "${a:from:length}", Mend: "Use cut, or ${a#…} and ${a%…}.", BusyBox: true}, true
	case n.Repl != nil:
		return Bashism{What: "${a/from/to}", Mend: "Use sed.", BusyBox: true}, true
	case n.Exp != nil && strings.ContainsAny(n.Exp.Op.String(), "^,@"):
		return Bashism{What: "${a" + n.Exp.Op.String() + "}", Mend: "Use tr."}, true
	case n.Param != nil && (n.Param.Value == "BASH_SOURCE" || n.Param.Value == "RANDOM" || n.Param.Value == "BASHPID"):
		return Bashism{What: "$" + n.Param.Value, Mend: "Only bash sets it.", BusyBox: n.Param.Value == "RANDOM"}, true
	}
	return Bashism{}, false
}

func redirectBashism(n *syntax.Redirect) (Bashism, bool) {
	switch n.Op {
	case syntax.WordHdoc:
		return Bashism{What: "<<<", Mend: `Write printf '%s\n' "…" | before the command.`}, true
	case syntax.RdrAll, syntax.AppAll:
		return Bashism{What: n.Op.String(), Mend: "Write > file 2>&1.", BusyBox: n.Op == syntax.RdrAll}, true
	}
	return Bashism{}, false
}

func callBashism(n *syntax.CallExpr) (Bashism, bool) {
	if len(n.Args) == 0 {
		return Bashism{}, false
	}
	switch name := n.Args[0].Lit(); name {
	case "source":
		return Bashism{What: "source", Mend: "Write a dot: . file.", BusyBox: true}, true
	case "pushd", "popd", "dirs", "shopt", "mapfile", "readarray", "disown", "compgen":
		return Bashism{What: name, Mend: "Only bash has it."}, true
	case "[":
		for _, word := range n.Args[1:] {
			if word.Lit() == "==" {
				return Bashism{What: "== in [ … ]", Mend: "Write one equals sign.", BusyBox: true}, true
			}
		}
	}
	for _, word := range n.Args {
		split := *word
		syntax.SplitBraces(&split)
		if slices.ContainsFunc(split.Parts, func(p syntax.WordPart) bool { _, is := p.(*syntax.BraceExp); return is }) {
			return Bashism{What: "{a,b}", Mend: "Write the words out: sh takes the braces as they are."}, true
		}
	}
	return Bashism{}, false
}
