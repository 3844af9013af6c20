package registry

import (
	"net/url"
	"testing"
)

func TestPlainAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"https://10.0.0.1/v2/": false, "https://ghcr.io/v2/": false,
		"http://localhost:5000/v2/": false, "http://127.0.0.1:5000/v2/": false, "http://127.8.0.1/v2/": false, "http://[::1]:5000/v2/": false, "http://a.localhost/": false,
		"http://10.0.0.1:5000/v2/": true, "http://172.16.0.1/v2/": true, "http://192.168.1.2:5000/v2/": true, "http://ghcr.io/v2/": true,
		"http://registry.local/": true, "http://localhost.example.com/": true, "http://127.0.0.1.example.com/": true,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := (*Hosts)(nil).unprotected(u); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}

// TestPlainHosts: what a buildkitd.toml says of a registry decides.
func TestPlainHosts(t *testing.T) {
	hosts, err := ParseHosts([]byte("[registry.\"10.0.0.1:5000\"]\n  http = true\n[registry.\"localhost:5001\"]\n  http = false\n"))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string][2]bool{ // unprotected, and refused over TLS
		"http://10.0.0.1:5000/v2/": {false, false}, "https://10.0.0.1:5000/v2/": {false, true},
		"http://10.0.0.1:5001/v2/": {true, false}, "https://10.0.0.1:5001/v2/": {false, false},
		"http://localhost:5001/v2/": {true, false}, "https://localhost:5001/v2/": {false, false},
		"http://localhost:5002/v2/": {false, false}, "https://localhost:5002/v2/": {false, true},
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{hosts.unprotected(u), hosts.overTLS(u)}; got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	if ref, err := hosts.parse("10.0.0.1:5000/acme/node:24"); err != nil || ref.Context().Scheme() != "http" {
		t.Errorf("got %v, %v", ref, err)
	}
}
