package scaffold

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// language is what is known of a language beforehand. It saves flags, no more.
type language struct {
	name       string
	entrypoint string
	command    string // what runs a file of source; "" when only a person knows
}

// languages are those by their usual keys.
var languages = map[string]language{
	"bun":     {"Bun", "index.ts", "bun"},
	"c":       {"C", "main.c", ""},
	"clojure": {"Clojure", "main.clj", ""},
	"cpp":     {"C++", "main.cpp", ""},
	"crystal": {"Crystal", "main.cr", ""},
	"dart":    {"Dart", "main.dart", ""},
	"deno":    {"Deno", "main.ts", "deno run --allow-all"},
	"dotnet":  {".NET", "Main.cs", ""},
	"elixir":  {"Elixir", "main.exs", "elixir"},
	"erlang":  {"Erlang", "main.erl", ""},
	"go":      {"Go", "main.go", ""},
	"haskell": {"Haskell", "Main.hs", ""},
	"java":    {"Java", "Main.java", ""},
	"julia":   {"Julia", "main.jl", "julia"},
	"kotlin":  {"Kotlin", "Main.kt", ""},
	"lua":     {"Lua", "main.lua", "lua"},
	"nim":     {"Nim", "main.nim", ""},
	"node":    {"Node.js", "index.js", "node"},
	"ocaml":   {"OCaml", "main.ml", ""},
	"perl":    {"Perl", "main.pl", "perl"},
	"php":     {"PHP", "index.php", "php"},
	"python":  {"Python", "main.py", "python3 -u"},
	"r":       {"R", "main.R", "Rscript"},
	"ruby":    {"Ruby", "main.rb", "ruby"},
	"rust":    {"Rust", "main.rs", ""},
	"scala":   {"Scala", "Main.scala", ""},
	"swift":   {"Swift", "main.swift", ""},
	"zig":     {"Zig", "main.zig", ""},
}

// nameOf is the display name of a key that says nothing.
func nameOf(key string) string {
	if l, known := languages[key]; known {
		return l.name
	}
	first, size := utf8.DecodeRuneInString(key)
	return string(unicode.ToUpper(first)) + key[size:]
}

// syntax is how a language writes a comment that is one line.
type syntax struct {
	open  string // what a file starts with
	left  string
	right string
}

// syntaxOf chooses by the extension of a file; most languages that are not
// listed take a number sign.
func syntaxOf(file string) syntax {
	switch strings.ToLower(path.Ext(file)) {
	case ".c", ".cc", ".cpp", ".cs", ".d", ".dart", ".fs", ".go", ".groovy", ".gleam", ".java", ".js", ".jsx", ".kt", ".kts", ".m", ".mjs", ".cjs",
		".mts", ".odin", ".pas", ".rs", ".sc", ".scala", ".swift", ".ts", ".tsx", ".v", ".zig":
		return syntax{left: "//"}
	case ".php":
		return syntax{open: "<?php\n", left: "//"}
	case ".adb", ".elm", ".hs", ".lua", ".luau", ".sql":
		return syntax{left: "--"}
	case ".clj", ".cljs", ".el", ".fnl", ".janet", ".lisp", ".rkt", ".scm":
		return syntax{left: ";;"}
	case ".erl", ".escript", ".pro":
		return syntax{left: "%"}
	case ".f90", ".f95":
		return syntax{left: "!"}
	case ".ml", ".sml":
		return syntax{left: "(*", right: " *)"}
	}
	return syntax{left: "#"}
}

// comment writes a text as comments of the language that a file is in.
func comment(file, text string) []byte {
	s := syntaxOf(file)
	var out strings.Builder
	out.WriteString(s.open)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line != "" {
			line = " " + line
		}
		out.WriteString(s.left + line + s.right + "\n")
	}
	return []byte(out.String())
}

// busyBox says whether an image has BusyBox's tools, by its name and tag:
// users are made with adduser there, and with useradd elsewhere.
func busyBox(ref string) bool {
	name, tag, _ := strings.Cut(path.Base(ref), ":")
	for _, word := range strings.FieldsFunc(name+"-"+tag, func(c rune) bool { return c == '-' || c == '_' || c == '@' }) {
		if strings.HasPrefix(word, "alpine") || strings.HasPrefix(word, "busybox") {
			return true
		}
	}
	return false
}
