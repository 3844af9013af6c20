package engine

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxAttempts is how often a target is built at most.
const maxAttempts = 4

// maxWait bounds the time between two attempts, whatever a registry asks for.
const maxWait = 60 * time.Second

// retry chooses the targets that are worth another attempt after a number of
// them, and how long to wait before it: what a registry asks for, or a time
// that doubles. A target that was given up because of another is tried again
// with it.
func retry(results map[string]Result, attempt int) (again []string, wait time.Duration) {
	if attempt >= maxAttempts {
		return nil, 0
	}
	wait = time.Second << (attempt - 1)
	for _, name := range slices.Sorted(maps.Keys(results)) {
		result := results[name]
		transient, asked := Transient(result.Err)
		if !transient || result.Linked {
			continue
		}
		again = append(again, name)
		wait = max(wait, asked)
	}
	return again, min(wait, maxWait)
}

var (
	// permanent are errors that another attempt does not mend, whatever else
	// the text says: the text may be that of a program that was run.
	permanent = regexp.MustCompile(`did not complete successfully|dockerfile parse error|failed to calculate checksum|failed to compute cache key`)
	// gone is what the connection to BuildKit says when BuildKit has ended.
	gone = regexp.MustCompile(`rpc error: code = Unavailable|(?:^|: )Unavailable: `)
	// refused is an answer that says that the request is wrong, not that the
	// registry is unwell; 408 and 429 ask for another.
	refused = regexp.MustCompile(`unexpected status.*: 4(?:0[0-79]|1[0-9]|2[0-8])\b`)
	// overloaded, unwell and cut are what registries and networks say.
	overloaded = regexp.MustCompile(`(?i)429 too many requests|toomanyrequests`)
	unwell     = regexp.MustCompile(`(?i)\b(500 internal server error|502 bad gateway|503 service unavailable|504 gateway time-?out|5[0-9]{2} (?:status|response))|unexpected status.*: 5[0-9]{2}\b`)
	// unsaid are the error codes of a registry that answers 500 and 503 (UNKNOWN
	// and UNAVAILABLE of the distribution's API), where BuildKit passes on the code
	// and not the status. Codes that it does not know are UNKNOWN for it, too: for
	// those another attempt is in vain and does no harm.
	unsaid     = regexp.MustCompile(`(?m)(?:^|: )(?:unknown|unavailable): `)
	cut        = regexp.MustCompile(`(?i)connection reset by peer|broken pipe|connection refused|i/o timeout|connection timed out|tls handshake timeout|unexpected EOF|: EOF\b|use of closed network connection|no route to host|network is unreachable|temporary failure in name resolution|server misbehaving|client\.timeout exceeded|timeout awaiting response headers|http2: server sent GOAWAY`)
	retryAfter = regexp.MustCompile(`(?i)retry-after"?[:=]\s*"?([0-9]+)`)
)

// overloadedWait is how long to wait for a registry that has too much to do and
// does not say how long. It counts by minutes.
const overloadedWait = 10 * time.Second

// Transient reports whether an error is one of a registry or the network that
// may be gone the next time, and how long the registry asks to wait. A step
// that failed is none, and neither is what was given up on purpose.
//
// BuildKit passes errors on as text, so that is what there is to decide by.
func Transient(err error) (transient bool, wait time.Duration) {
	if err == nil || errors.Is(err, context.Canceled) {
		return false, 0
	}
	text := err.Error()
	if permanent.MatchString(text) || gone.MatchString(text) || refused.MatchString(text) {
		return false, 0
	}
	if m := retryAfter.FindStringSubmatch(text); m != nil {
		if seconds, err := strconv.Atoi(m[1]); err == nil {
			wait = min(time.Duration(seconds)*time.Second, maxWait)
		}
	}
	switch {
	case overloaded.MatchString(text):
		if wait == 0 {
			wait = overloadedWait
		}
		return true, wait
	case unwell.MatchString(text), unsaid.MatchString(text), cut.MatchString(text):
		return true, wait
	}
	return false, 0
}

// brief is the end of an error, where its cause stands.
func brief(err error) string {
	text := strings.TrimSpace(err.Error())
	if at := strings.LastIndexByte(text, '\n'); at >= 0 {
		text = text[at+1:]
	}
	if runes := []rune(text); len(runes) > 200 {
		return "…" + string(runes[len(runes)-200:])
	}
	return text
}
