package diag

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Suggest returns the known name that was probably meant by the given one, or
// "" when none is near. Of names equally near the first wins.
func Suggest(given string, known []string) string {
	best, bestDistance := "", 1+min(2, len(given)/2)
	for _, name := range known {
		if strings.EqualFold(given, name) {
			return name
		}
		if d := levenshtein.Distance(given, name, nil); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}
