package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
)

// KeyDigest is where the metadata of a target has the digest of its image.
const KeyDigest = "containerimage.digest"

// KeyImageName is where it has the names, separated by commas.
const KeyImageName = "image.name"

// DecodeMetadata is the metadata of a target as buildx writes it into files:
// what BuildKit says in base64 is JSON there.
func DecodeMetadata(metadata map[string]string) map[string]any {
	decoded := make(map[string]any, len(metadata))
	for key, value := range metadata {
		decoded[key] = value
		text, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			continue
		}
		var object map[string]any
		var list []map[string]any
		if json.Unmarshal(text, &object) == nil && len(object) > 0 || json.Unmarshal(text, &list) == nil && len(list) > 0 {
			decoded[key] = json.RawMessage(text)
		}
	}
	return decoded
}

// LoadedSize is how many bytes an image has in Docker.
func (e *Engine) LoadedSize(ctx context.Context, image string) (int64, error) {
	info, err := e.cli.Client().ImageInspect(ctx, image)
	return info.Size, err
}
