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
)

// Proven remembers what has been verified, so that nothing is verified twice:
// the digests of texts, with what they were meant to say and the program that
// found that they do. A nil *Proven remembers nothing.
type Proven struct {
	program string
	mu      sync.Mutex
	age     map[[sha256.Size]byte]byte // in runs since it was last asked for
	added   bool
}

// provenFormat starts what [Proven.Encode] writes.
const provenFormat = "runbake verified texts 1\n"

// oldest is the age at which what nobody asks for is forgotten.
const oldest = 20

// ParseProven reads what [Proven.Encode] wrote. Of anything else, and of what was
// cut off or damaged, it makes one that knows nothing. The program is everything
// that decides what a check finds: the versions of runbake and buildx.
func ParseProven(data []byte, program string) *Proven {
	p := &Proven{program: program, age: map[[sha256.Size]byte]byte{}}
	body, found := bytes.CutPrefix(data, []byte(provenFormat))
	const entry = sha256.Size + 1
	if !found || len(body)%entry != sha256.Size {
		return p
	}
	end := len(data) - sha256.Size
	if sum := sha256.Sum256(data[:end]); !bytes.Equal(sum[:], data[end:]) {
		return p
	}
	for e := range slices.Chunk(body[:len(body)-sha256.Size], entry) {
		if age := e[sha256.Size] + 1; age < oldest {
			p.age[[sha256.Size]byte(e)] = age
		}
	}
	return p
}

// Encode writes what is known.
func (p *Proven) Encode() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := []byte(provenFormat)
	for _, sum := range slices.SortedFunc(maps.Keys(p.age), func(a, b [sha256.Size]byte) int { return cmp.Compare(string(a[:]), string(b[:])) }) {
		b = append(append(b, sum[:]...), p.age[sum])
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
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
	sum, err := p.digest(what, text, meant)
	if err != nil {
		return err
	}
	if p.knows(sum) {
		return nil
	}
	if err := verify(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.age[sum], p.added = 0, true
	return nil
}

func (p *Proven) knows(sum [sha256.Size]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.age[sum]
	if known {
		p.age[sum] = 0
	}
	return known
}

// digest is of everything that a check depends on, each part with its length:
// no part can pass for some of another.
func (p *Proven) digest(what string, text []byte, meant any) ([sha256.Size]byte, error) {
	model, err := json.Marshal(meant)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(p.program), []byte(what), text, model} {
		_ = binary.Write(h, binary.LittleEndian, uint64(len(part))) // a hash takes everything
		h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
