package engine

import (
	"encoding/base64"
	"encoding/json"
	"testing"
)

func TestDecodeMetadata(t *testing.T) {
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	got, err := json.Marshal(DecodeMetadata(map[string]string{
		KeyDigest:   "sha256:1",
		"object":    encode(`{"a":1}`),
		"list":      encode(`[{"b":2}]`),
		"empty":     encode(`{}`),
		"word":      "abcd", // base64 of something
		"image.tag": "a:1,a:2",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"containerimage.digest":"sha256:1","empty":"e30=","image.tag":"a:1,a:2","list":[{"b":2}],"object":{"a":1},"word":"abcd"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
