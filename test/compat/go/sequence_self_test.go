package compat

import (
	"strings"
	"testing"
)

// The matcher decides every other scenario, so it is tested itself. It needs no server.
func TestSequenceMatcher(t *testing.T) {
	names := []string{"A", "B", "B", "C"}
	for _, pattern := range []string{"A B B C", "A B+ C", "A (B|D)* C", "A B{2} C", "A D? (B B|D) C"} {
		if diff := matchSequence(pattern, names); diff != "" {
			t.Errorf("%q should match:\n%s", pattern, diff)
		}
	}
	for pattern, want := range map[string]string{
		"A B C":       "  GOT    3 B\n",
		"A B B":       "  GOT    4 C\n  WANT   4 (end of history)\n",
		"A B B C D":   "  WANT   5 D ...\n",
		"A (C|D) B C": "  GOT    2 B\n",
	} {
		if diff := matchSequence(pattern, names); !strings.Contains(diff, want) {
			t.Errorf("%q: want %q in\n%s", pattern, want, diff)
		}
	}
}
