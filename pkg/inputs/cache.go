package inputs

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/runbake/runbake/pkg/sealed"
)

// Cache has the digests of files that have been read before, so that big
// contexts are not read again. A file is known by its path, size, times of
// modification and of change to a nanosecond, device and inode.
//
// On systems without a time of change nothing is kept: there a file could be
// replaced by another unseen.
type Cache struct {
	mu      sync.Mutex
	known   map[string]remembered
	changed bool
}

// stamp is what a file system says of a file that it changes with the file.
type stamp struct {
	size, modified, changed int64 // times in nanoseconds
	device, inode           uint64
}

type remembered struct {
	stamp
	sum  [sha256.Size]byte
	used bool // in this run
}

// settled is how long ago the last change of a file must be for its digest to
// be kept. The clocks of file systems are coarse: a file that has just been
// written may be written again without any of its times changing.
const settled = 2 * time.Second

// cacheFormat starts every encoded cache.
const cacheFormat = "runbake file digests 1\n"

// ParseCache reads what [Cache.Encode] wrote. Of anything else, and of what was
// cut off or damaged, it makes an empty cache.
func ParseCache(data []byte) *Cache {
	c := &Cache{known: map[string]remembered{}}
	body, ok := sealed.Open(cacheFormat, data)
	if !ok {
		return c
	}
	for len(body) > 0 {
		length, n := binary.Uvarint(body)
		if n <= 0 || length > uint64(len(body)-n) || uint64(len(body)-n)-length < sha256.Size+5*8 {
			return &Cache{known: map[string]remembered{}}
		}
		body = body[n:]
		name := string(body[:length])
		body = body[length:]
		var r remembered
		body = body[copy(r.sum[:], body):]
		number := func() uint64 {
			v := binary.LittleEndian.Uint64(body)
			body = body[8:]
			return v
		}
		r.size, r.modified, r.changed = int64(number()), int64(number()), int64(number())
		r.device, r.inode = number(), number()
		c.known[name] = r
	}
	return c
}

// Encode writes the cache.
func (c *Cache) Encode() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(c.known)) {
		r := c.known[name]
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = append(b, r.sum[:]...)
		for _, v := range []uint64{uint64(r.size), uint64(r.modified), uint64(r.changed), r.device, r.inode} {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	return sealed.Seal(cacheFormat, b)
}

// Changed says whether there is something to write.
func (c *Cache) Changed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// Forget drops what was not used and does not exist any more.
func (c *Cache) Forget(exists func(name string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.known, func(name string, r remembered) bool { return !r.used && !exists(name) })
}

// Hash reads files that are not known, as [ReadHash] does.
func (c *Cache) Hash(fsys fs.FS, now func() time.Time) Hash {
	read := ReadHash(fsys)
	return func(name string, info fs.FileInfo) (string, error) {
		before, ok := stampOf(info)
		if !ok {
			return read(name, info)
		}
		if sum, known := c.find(name, before); known {
			return sum, nil
		}
		// A change after this moment has a later time than the file has now, or
		// the file has changed too lately to tell.
		begin := now()
		sum, err := read(name, info)
		if err != nil {
			return "", err
		}
		after, err := fs.Lstat(fsys, name)
		if err != nil {
			return "", err
		}
		if same, _ := stampOf(after); same == before && before.changed < begin.Add(-settled).UnixNano() {
			c.add(name, before, sum)
		}
		return sum, nil
	}
}

func (c *Cache) find(name string, s stamp) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.known[name]
	if !ok || r.stamp != s {
		return "", false
	}
	r.used = true
	c.known[name] = r
	return digest(r.sum[:]), true
}

func (c *Cache) add(name string, s stamp, sum string) {
	r := remembered{stamp: s, used: true}
	if _, err := hex.Decode(r.sum[:], []byte(strings.TrimPrefix(sum, "sha256:"))); err != nil {
		return // not a digest of ours
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[name], c.changed = r, true
}
