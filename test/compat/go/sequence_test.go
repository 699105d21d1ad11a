// sequence_test.go matches the event types of a history against a pattern.
//
// A pattern is a list of event type names. Names may be grouped with parentheses and carry the operators of regular
// expressions: `A?`, `A*`, `A+`, `A{2}`, `(A|B)`. Two macros keep patterns short: Begin and Decide.
package compat

import (
	"fmt"
	"regexp"
	"strings"

	"go.uber.org/cadence/.gen/go/shared"
)

var (
	macros = map[string]string{
		"Begin":  "WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskCompleted",
		"Decide": "DecisionTaskScheduled DecisionTaskStarted DecisionTaskCompleted",
		// An activity without retry policy that ends in one attempt.
		"ActivityOK": "ActivityTaskScheduled ActivityTaskStarted ActivityTaskCompleted",
		"Complete":   "WorkflowExecutionCompleted",
	}
	wordPattern  = regexp.MustCompile(`[A-Za-z]+`)
	tokenPattern = regexp.MustCompile(`[A-Za-z]+|[()|]|[?*+]|\{[0-9,]+\}`)
)

func expandMacros(pattern string) string {
	return wordPattern.ReplaceAllStringFunc(pattern, func(word string) string {
		if full, ok := macros[word]; ok {
			return "(" + full + ")"
		}
		return word
	})
}

func compileSequence(tokens []string) (*regexp.Regexp, error) {
	var source strings.Builder
	source.WriteString("^")
	for _, token := range tokens {
		if wordPattern.MatchString(token) {
			source.WriteString("(?:" + token + ";)")
		} else {
			source.WriteString(token)
		}
	}
	source.WriteString("$")
	return regexp.Compile(source.String())
}

// matchSequence returns "" when the names match, and otherwise a readable account of the first difference.
func matchSequence(pattern string, names []string) string {
	tokens := tokenPattern.FindAllString(expandMacros(pattern), -1)
	compiled, err := compileSequence(tokens)
	if err != nil {
		return fmt.Sprintf("bad pattern %q: %v", pattern, err)
	}
	if compiled.MatchString(joinNames(names)) {
		return ""
	}
	return explain(tokens, names)
}

func joinNames(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, ";") + ";"
}

// explain finds the longest beginning of the history that some beginning of the pattern accepts.
func explain(tokens, names []string) string {
	matched, next := 0, 0
	for end := 1; end <= len(tokens); end++ {
		prefix, err := compileSequence(closeGroups(tokens[:end]))
		if err != nil {
			continue
		}
		for length := len(names); length > matched || (length == matched && length > 0); length-- {
			if prefix.MatchString(joinNames(names[:length])) {
				matched, next = length, end
				break
			}
		}
	}
	var out strings.Builder
	out.WriteString("event sequence differs:\n")
	for i, name := range names {
		mark := "  ok   "
		if i == matched {
			mark = "  GOT  "
		} else if i > matched {
			mark = "       "
		}
		fmt.Fprintf(&out, "%s%3d %s\n", mark, i+1, name)
	}
	want := "(end of history)"
	if next < len(tokens) {
		want = strings.Join(tokens[next:min(next+6, len(tokens))], " ") + " ..."
	}
	fmt.Fprintf(&out, "  WANT %3d %s\n", matched+1, want)
	return out.String()
}

// closeGroups completes a cut pattern, so that it compiles; an alternative that is cut accepts nothing more.
func closeGroups(tokens []string) []string {
	open := 0
	for _, token := range tokens {
		switch token {
		case "(":
			open++
		case ")":
			open--
		}
	}
	closed := append([]string{}, tokens...)
	for ; open > 0; open-- {
		closed = append(closed, ")")
	}
	return closed
}

func eventNames(events []*shared.HistoryEvent) []string {
	names := make([]string, len(events))
	for i, event := range events {
		names[i] = event.GetEventType().String()
	}
	return names
}
