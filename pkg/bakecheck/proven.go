package bakecheck

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/runbake/runbake/pkg/sealed"
)

// Proven remembers what has been verified, so that nothing is verified twice:
// the digests of texts, with what they were meant to say and the program that
// found that they do. A nil *Proven remembers nothing.
type Proven struct {
	program string
	mu      sync.Mutex
	age     map[digest]byte // in runs since it was last asked for
	added   bool
}

// digest names a text that was verified.
type digest [sha256.Size]byte

// provenFormat starts what [Proven.Encode] writes.
const provenFormat = "runbake verified texts 1\n"

const (
	// oldest is the age at which what nobody asks for is forgotten.
	oldest = 20
	// most is how many texts are remembered: some two megabytes of digests.
	most = 1 << 16
)

// ParseProven reads what [Proven.Encode] wrote. Of anything else, and of what was
// cut off or damaged, it makes one that knows nothing. The program is everything
// that decides what a check finds: the versions of runbake and buildx.
func ParseProven(data []byte, program string) *Proven {
	p := &Proven{program: program, age: map[digest]byte{}}
	const entry = sha256.Size + 1
	body, ok := sealed.Open(provenFormat, data)
	if !ok || len(body)%entry != 0 {
		return p
	}
	for e := range slices.Chunk(body, entry) {
		if age := e[sha256.Size] + 1; age < oldest {
			p.age[digest(e)] = age
		}
	}
	return p
}

// Encode writes what is known; of too much, what was asked for last.
func (p *Proven) Encode() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	sums := slices.SortedFunc(maps.Keys(p.age), func(a, b digest) int {
		return cmp.Or(cmp.Compare(p.age[a], p.age[b]), bytes.Compare(a[:], b[:]))
	})
	var b []byte
	for _, sum := range sums[:min(len(sums), most)] {
		b = append(append(b, sum[:]...), p.age[sum])
	}
	return sealed.Seal(provenFormat, b)
}

// Changed says whether there is something to write.
func (p *Proven) Changed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.added
}

// once verifies a text, unless it is known to say what is meant. Failures are
// not remembered.
func (p *Proven) once(what string, text []byte, meant any, verify func() error) error {
	if p == nil {
		return verify()
	}
	key, err := p.sum(what, text, meant)
	if err != nil {
		return err
	}
	if p.knows(key) {
		return nil
	}
	if err := verify(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.age[key], p.added = 0, true
	return nil
}

func (p *Proven) knows(key digest) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.age[key]
	if known {
		p.age[key] = 0
	}
	return known
}

// sum is the digest of everything that a check depends on, each part with its
// length: no part can pass for some of another.
func (p *Proven) sum(what string, text []byte, meant any) (digest, error) {
	model, err := json.Marshal(meant)
	if err != nil {
		return digest{}, err
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(p.program), []byte(what), text, model} {
		_ = binary.Write(h, binary.LittleEndian, uint64(len(part))) // a hash takes everything
		h.Write(part)
	}
	return digest(h.Sum(nil)), nil
}
