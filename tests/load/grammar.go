package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"unicode"
)

// verdict is what a server may do with a request.
type verdict int

const (
	right verdict = iota // the function answers it, or the server says that there is no key
	wrong                // it is refused, or the connection ends
	loose                // RFC 9112 lets a server take it or refuse it
)

// draft is a request by the grammar of RFC 9112 in its parts, so that a
// mutation can change each.
type draft struct {
	verdict   verdict
	method    string
	line      string // with a newline at its end
	fields    []string
	content   string // that the function gets
	body      string // content as it is sent
	keyed     bool   // it has the key
	closes    bool   // it asks for the end of the connection
	truncated bool   // nothing follows it
}

// What a draft has how often: one of so many.
const (
	oneKeyed   = 8 // only these reach a function, which is a process for some servers
	oneChunked = 2
	oneIntact  = 4 // has no mutation
	oneOld     = 10
	oneCloses  = 10
)

// newDraft makes a request that a server must take.
func newDraft(random *rand.Rand, key, content string) *draft {
	d := &draft{method: http.MethodPost, content: content, keyed: random.IntN(oneKeyed) == 0}
	version, length := "1.1", fmt.Sprintf("Content-Length:%s%d", space(random), len(content))
	d.body = content
	switch {
	case random.IntN(oneOld) == 0:
		version, d.closes = "1.0", true
	case random.IntN(oneChunked) == 0:
		length = "Transfer-Encoding:" + space(random) + letters(random, "chunked")
		d.body = chunked(random, content)
	}
	d.line = "POST " + pick(random, "/", "/", "/a/b?c=d&e", "/%7Ea", "http://a/") + " HTTP/" + version + "\r\n"
	d.fields = []string{"Host: a", "Content-Type: application/json", length}
	if d.keyed {
		d.fields = append(d.fields, letters(random, "x-internal-challenge")+":"+space(random)+key+space(random))
	}
	if random.IntN(oneCloses) == 0 {
		d.closes = true
		d.fields = append(d.fields, "Connection: close")
	}
	for range random.IntN(4) {
		d.fields = append(d.fields, name(random)+":"+space(random)+value(random)+space(random))
	}
	random.Shuffle(len(d.fields), func(i, j int) { d.fields[i], d.fields[j] = d.fields[j], d.fields[i] })
	return d
}

// String is the request as it is sent.
func (d *draft) String() string {
	return d.line + strings.Join(d.fields, "\r\n") + "\r\n\r\n" + d.body
}

func pick[T any](random *rand.Rand, list ...T) T { return list[random.IntN(len(list))] }

// space is optional whitespace.
func space(random *rand.Rand) string { return pick(random, "", " ", " ", "\t", " \t  ") }

// letters writes each letter large or small.
func letters(random *rand.Rand, text string) string {
	return strings.Map(func(r rune) rune {
		if random.IntN(2) == 0 {
			return unicode.ToUpper(r)
		}
		return r
	}, text)
}

// name is of a field that nobody knows.
func name(random *rand.Rand) string {
	const token = "!#$%&'*+-.^_`|~0123456789abcXYZ"
	text := []byte("X-")
	for range random.IntN(12) {
		text = append(text, token[random.IntN(len(token))])
	}
	return string(text)
}

// value is of such a field.
func value(random *rand.Rand) string {
	text := make([]byte, random.IntN(20))
	for i := range text {
		text[i] = pick[byte](random, 'a', 'z', '0', ' ', '\t', ':', ';', ',', '"', '\\', '(', '=', 0x80, 0xc3, 0xff)
	}
	return string(text)
}

// chunked is a content in chunks of any size.
func chunked(random *rand.Rand, content string) string {
	var b strings.Builder
	extension := func() string { return pick(random, "", "", "", ";a", ";a=b", `;a="b"`) }
	for len(content) > 0 {
		n := 1 + random.IntN(len(content))
		fmt.Fprintf(&b, pick(random, "%x", "%X", "%04x")+"%s\r\n%s\r\n", n, extension(), content[:n])
		content = content[n:]
	}
	return b.String() + pick(random, "0", "0", "000") + extension() + "\r\n\r\n"
}
