package engine

import "testing"

func TestConfigPlatform(t *testing.T) {
	for config, want := range map[string]string{
		`{"architecture":"amd64","os":"linux","config":{}}`:                   "linux/amd64",
		`{"architecture":"arm64","variant":"v8","os":"linux"}`:                "linux/arm64",
		`{"architecture":"arm","variant":"v7","os":"linux"}`:                  "linux/arm/v7",
		`{"architecture":"amd64","os":"windows","os.version":"10.0.20348.1"}`: "windows/amd64",
		`{"config":{}}`:  "",
		`{"os":"linux"}`: "",
		`nonsense`:       "",
	} {
		if got := configPlatform([]byte(config)); got != want {
			t.Errorf("%s is for %q, want %q", config, got, want)
		}
	}
}
