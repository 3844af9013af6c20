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
		if got := unprotected(u); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}
