package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
)

// mutation changes a request, and says what a server may do with the result.
type mutation struct {
	what   string
	change func(*rand.Rand, *draft) verdict
}

// mutate changes a request in one or two ways, or not at all. Of two, one may
// mend what the other has done.
func mutate(random *rand.Rand, d *draft) []string {
	if random.IntN(oneIntact) == 0 {
		return nil
	}
	list := mutations()
	var names []string
	for range pick(random, 1, 1, 1, 2) {
		m := pick(random, list...)
		names = append(names, m.what)
		if v := m.change(random, d); d.verdict == right {
			d.verdict = v
		} else if v != right {
			d.verdict = loose
		}
	}
	return names
}

func mutations() []mutation {
	return slices.Concat(lineMutations(), framingMutations(), chunkMutations(), fieldMutations(), otherMutations())
}

func lineMutations() []mutation {
	return []mutation{
		{"a method", func(random *rand.Rand, d *draft) verdict {
			d.method = pick(random, http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch, "post", "POSTS", "P(OST", "PÖST", "")
			d.line = d.method + strings.TrimPrefix(d.line, http.MethodPost)
			return wrong
		}},
		{"a version", func(random *rand.Rand, d *draft) verdict {
			at := strings.LastIndex(d.line, "HTTP/")
			if at < 0 {
				return loose
			}
			d.line = d.line[:at] + pick(random, "HTTP/2.0", "HTTP/1.1x", "HTTP/11", "HTTP/-1.1", "http/1.1", "HTTP/1.", "HTTPS/1.1", "HTTP", "") + "\r\n"
			return wrong
		}},
		{"the request line", func(random *rand.Rand, d *draft) verdict {
			d.line = pick(random, "\r\n"+d.line, "\r\n\r\n"+d.line, " "+d.line, strings.Replace(d.line, " ", "  ", 1), strings.Replace(d.line, " ", "\t", 1), strings.Replace(d.line, "\r\n", "\n", 1),
				strings.Replace(d.line, "\r\n", " \r\n", 1), strings.Replace(d.line, " /", " ", 1), strings.Replace(d.line, " /", " *", 1), strings.Replace(d.line, " /", " /\x00", 1), strings.Replace(d.line, " /", " /\xff", 1))
			return loose
		}},
		{"a byte of the line", func(random *rand.Rand, d *draft) verdict {
			d.line = changed(random, d.line)
			return loose
		}},
	}
}

func framingMutations() []mutation {
	return []mutation{
		{"the length", badLength},
		{"spaces behind the framing", func(random *rand.Rand, d *draft) verdict {
			i := max(d.find("content-length"), d.find("transfer-encoding"))
			if i >= 0 {
				d.fields[i] += pick(random, " ", "\t", " \t  ")
			}
			return loose // they belong to neither; Node.js refuses tabs
		}},
		{"a second length", func(random *rand.Rand, d *draft) verdict {
			d.add(random, fmt.Sprintf("Content-Length: %d", pick(random, 0, 1, len(d.content), len(d.content)+1, len(d.content)*2)))
			return loose // the same twice, or beside chunks: 400, or taken and closed
		}},
		{"the coding", func(random *rand.Rand, d *draft) verdict {
			return d.replace("transfer-encoding", "Transfer-Encoding"+pick(random, " : chunked", ": xchunked", ": chunked, identity", ": identity", ": chunked, chunked", ": chunked;a=b", ": \"chunked\"", ":"))
		}},
		{"a second coding", func(random *rand.Rand, d *draft) verdict {
			d.add(random, "Transfer-Encoding: "+pick(random, "chunked", "identity", "gzip", "chunked, gzip", ""))
			return loose
		}},
	}
}

func chunkMutations() []mutation {
	return []mutation{
		{"the size of a chunk", func(random *rand.Rand, d *draft) verdict {
			if d.find("transfer-encoding") < 0 {
				return right
			}
			d.body = pick(random, "0x", "+", "-", " ", "_", "g", "\r\n", ";", "ffffffffffffffff", "fffffffffffffff") + d.body
			return wrong
		}},
		{"the end of a chunk", func(random *rand.Rand, d *draft) verdict {
			if d.find("transfer-encoding") < 0 {
				return right
			}
			d.body = strings.Replace(d.body, "}\r\n", "}"+pick(random, "", "\n", "\r", "a\r\n", "\r\r\n", "\n\r\n"), 1)
			return loose // a bare newline may be taken
		}},
		{"trailers", func(random *rand.Rand, d *draft) verdict {
			if d.find("transfer-encoding") >= 0 {
				d.body = strings.TrimSuffix(d.body, "\r\n") + name(random) + ":" + space(random) + value(random) + pick(random, "\r\n", "\r\nX: a\r\n", "\n", "\r", "") + "\r\n"
			}
			return loose
		}},
		{"spaces in an extension", func(random *rand.Rand, d *draft) verdict {
			d.body = strings.Replace(d.body, ";a=b\r\n", pick(random, " ;a=b\r\n", ";a = b\r\n", ";a=\"b c\"\r\n"), 1)
			return loose
		}},
	}
}

func fieldMutations() []mutation {
	return []mutation{
		{"a field", func(random *rand.Rand, d *draft) verdict {
			d.add(random, pick(random, "no colon", ": no name", "X y: a", "X\t: a", "X : a", "X: a\x00b", "X: a\rb", "X\x00: a", "X\x7f: a", "(X): a", "X: a\x01b"))
			return loose // servers of languages take some of them, which change no framing
		}},
		{"a field in two lines", func(random *rand.Rand, d *draft) verdict {
			d.add(random, pick(random, "X: a\r\n b", "X: a\r\n\tb", "X: a\nY: b", "X: a\n b", " X: a"))
			return loose
		}},
		{"the host", func(random *rand.Rand, d *draft) verdict {
			if i := d.find("host"); i >= 0 {
				d.fields[i] = pick(random, "Host: ", "Host: a b", "Host: a\r\nHost: b", "X: none")
			}
			return loose
		}},
	}
}

func otherMutations() []mutation {
	return []mutation{
		{"an expectation", func(random *rand.Rand, d *draft) verdict {
			d.add(random, "Expect: "+pick(random, "100-continue", "100-Continue", "something"))
			return loose
		}},
		{"a change of protocol", func(random *rand.Rand, d *draft) verdict {
			d.add(random, pick(random, "Upgrade: h2c\r\nConnection: Upgrade", "Upgrade: websocket", "Connection: keep-alive", "Connection: close, a", "TE: trailers", "Trailer: a"))
			return loose
		}},
		{"another challenge", func(random *rand.Rand, d *draft) verdict {
			d.add(random, "X-Internal-Challenge: "+pick(random, "", "wrong", "\xff"))
			return loose
		}},
		{"a byte", func(random *rand.Rand, d *draft) verdict {
			i := random.IntN(len(d.fields))
			d.fields[i] = changed(random, d.fields[i])
			return loose
		}},
		{"the end", func(random *rand.Rand, d *draft) verdict {
			d.truncated = true
			if len(d.body) > 0 {
				d.body = d.body[:random.IntN(len(d.body))]
			}
			return wrong
		}},
		{"many fields", func(random *rand.Rand, d *draft) verdict {
			for i := range 1 + random.IntN(300) {
				d.fields = append(d.fields, fmt.Sprintf("X-%d: a", i))
			}
			return loose
		}},
	}
}

// badLength is one that is no number of RFC 9112.
func badLength(random *rand.Rand, d *draft) verdict {
	n := len(d.content)
	return d.replace("content-length", pick(random,
		fmt.Sprintf("Content-Length: +%d", n), fmt.Sprintf("Content-Length: -%d", n), fmt.Sprintf("Content-Length: 0x%x", n), fmt.Sprintf("Content-Length: %d.0", n),
		fmt.Sprintf("Content-Length: %d_%d", n/10, n%10), fmt.Sprintf("Content-Length: %d %d", n/10, n%10), fmt.Sprintf("Content-Length: %d, %d", n, n+1),
		fmt.Sprintf("Content-Length : %d", n), "Content-Length: many", "Content-Length: 99999999999999999999", fmt.Sprintf("Content-Length: %de0", n)))
}

// find is the place of a field, or -1.
func (d *draft) find(name string) int {
	for i, f := range d.fields {
		if n, _, _ := strings.Cut(f, ":"); strings.EqualFold(n, name) {
			return i
		}
	}
	return -1
}

// replace puts a wrong field in the place of one, if there is one.
func (d *draft) replace(name, field string) verdict {
	i := d.find(name)
	if i < 0 {
		return right
	}
	d.fields[i] = field
	return wrong
}

// add puts a field somewhere.
func (d *draft) add(random *rand.Rand, field string) {
	i := random.IntN(len(d.fields) + 1)
	d.fields = append(d.fields[:i:i], append([]string{field}, d.fields[i:]...)...)
}

// changed has one byte more, less, or another one.
func changed(random *rand.Rand, text string) string {
	if text == "" {
		return text
	}
	i := random.IntN(len(text))
	b := string([]byte{byte(random.IntN(256))})
	return pick(random, text[:i]+b+text[i+1:], text[:i]+text[i+1:], text[:i]+b+text[i:])
}
