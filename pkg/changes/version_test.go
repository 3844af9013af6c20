package changes_test

import (
	"testing"

	"github.com/runbake/runbake/pkg/changes"
)

// TestOrder: each row is in order, the older first; = means that two are the same.
func TestOrder(t *testing.T) {
	for kind, chains := range map[string][][]string{
		"deb": {
			{"1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.0-1+deb12u2", "1.0-2", "1.0.1-1", "1.9-1", "1.10-1", "1:0.1-1"},
			{"2.36-9+deb12u9", "2.36-9+deb12u10"},
			{"1.0~~", "1.0~~a", "1.0~", "1.0", "1.0a", "1.0+"},
			{"3.0.9-1", "3.0.11-1~deb12u1", "3.0.11-1~deb12u2", "3.0.11-1"},
			{"99999999999999999999998", "99999999999999999999999"},
			{"1.2-3-4", "1.2-3-5"},
			{"", "0a"},
		},
		"apk": {
			{"1.2_alpha", "1.2_alpha1", "1.2_beta", "1.2_pre2", "1.2_rc1", "1.2", "1.2_p1", "1.2a", "1.2b", "1.2.0", "1.2.3", "1.10"},
			{"3.1.4-r5", "3.1.4-r10", "3.1.5-r0"},
			{"1.05", "1.1", "1.2"},
			{"1.2.4_git20230717-r4", "1.2.4_git20230717-r5", "1.2.5-r0"},
			{"1.0", "1.0-r0"},
		},
		"npm":   {{"1.0.0-alpha.1", "1.0.0-beta", "1.0.0", "1.2.0", "1.10.0", "v2.0.0"}},
		"pypi":  {{"3.1", "3.1.1"}},
		"gem":   {{"1", "2"}},
		"cargo": {{"0.9.0", "0.10.0"}},
	} {
		for _, chain := range chains {
			for i, a := range chain {
				for j, b := range chain {
					got, known := changes.Order(kind, a, b)
					if !known || sign(got) != sign(i-j) {
						t.Errorf("%s: %q and %q: got %d, %t", kind, a, b, got, known)
					}
				}
			}
		}
	}
}

func sign(n int) int { return min(max(n, -1), 1) }

// TestOrderSame: two spellings of one version.
func TestOrderSame(t *testing.T) {
	for _, c := range [][3]string{{"deb", "0:1.0-0", "1.0"}, {"deb", "1.00", "1.0"}, {"apk", "01.2-r01", "1.2-r1"}, {"npm", "v1.2.3", "1.2.3"}} {
		if order, known := changes.Order(c[0], c[1], c[2]); order != 0 || !known {
			t.Errorf("%v: %d, %t", c, order, known)
		}
	}
}

// TestOrderUnknown: what has no order is said to have none.
func TestOrderUnknown(t *testing.T) {
	for _, c := range [][3]string{{"apk", "1.0", "x"}, {"apk", "", "1"}, {"apk", "1.0_foo", "1.0"}, {"pypi", "2024a", "2025b"}, {"", "", "1"}, {"npm", "1.2.3.4", "1.2.3"}} {
		if _, known := changes.Order(c[0], c[1], c[2]); known {
			t.Errorf("%v have an order", c)
		}
	}
}

// FuzzOrder: whatever versions are, the order does not depend on which is first, and
// a version is the same as itself.
func FuzzOrder(f *testing.F) {
	for _, seed := range [][3]string{{"deb", "1:1.0~rc1-1", "1.0-1+b1"}, {"apk", "1.2_rc1-r0", "1.2a_p1~ab-r1"}, {"npm", "1.0.0", "v1.0.0-a"}, {"deb", "", "~"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, kind, a, b string) {
		forth, known := changes.Order(kind, a, b)
		back, other := changes.Order(kind, b, a)
		if known != other || known && sign(forth) != -sign(back) {
			t.Errorf("%s: %q and %q: %d, %d", kind, a, b, forth, back)
		}
		if self, known := changes.Order(kind, a, a); known && self != 0 {
			t.Errorf("%s: %q is not the same as itself", kind, a)
		}
	})
}
