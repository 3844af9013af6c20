package catalogue_test

import (
	"testing"
	"testing/fstest"
)

// TestBudget: budgets are laid over one another figure by figure, and what is above one
// is said with the figure, the limit and its place.
func TestBudget(t *testing.T) {
	fsys := fstest.MapFS{
		"runbake.hcl":              {Data: []byte("project {\n  registry = \"docker.io/acme\"\n  budget {\n    layers = 20\n    start  = \"1.5 s\"\n  }\n}\n")},
		"runtimes/node/Dockerfile": {Data: []byte("FROM scratch\n")},
		"runtimes/node/runtime.hcl": {Data: []byte(`runtime "node" {
  name = "Node.js"
  kind = "interpreted"
  budget {
    compressed = "120 MB"
  }
  version "22" {}
  version "24" {
    budget {
      compressed = "1.5GiB"
      layers     = 2
    }
  }
  variant "alpine" {
    budget {
      compressed = "60 kB"
    }
  }
}
`)},
	}
	c, diags, _ := resolve(fsys)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got := map[string][3]int64{}
	for _, v := range c.Versions() {
		got[v.ID] = [3]int64{v.Budget.Compressed.Most, v.Budget.Layers.Most, v.Budget.Start.Most}
	}
	for id, want := range map[string][3]int64{
		"node-22": {120e6, 20, 15e8}, "node-24": {3 << 29, 2, 15e8}, "node-22-alpine": {60e3, 20, 15e8}, "node-24-alpine": {60e3, 2, 15e8},
	} {
		if got[id] != want {
			t.Errorf("%s: got %v, want %v", id, got[id], want)
		}
	}
	for _, v := range c.Versions() {
		if v.ID != "node-22" {
			continue
		}
		if err := v.Budget.Check("linux/amd64", 120e6, 20); err != nil {
			t.Error(err)
		}
		const want = "the image for linux/amd64 has 120.1 MB compressed, and the budget at runtimes/node/runtime.hcl:5:18 is 120 MB\n" +
			"the image for linux/amd64 has 21 layers, and the budget at runbake.hcl:4:14 is 20"
		if err := v.Budget.Check("linux/amd64", 120_050_001, 21); err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	}
}
