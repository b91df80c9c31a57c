package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with the settings. It never holds a value.
type Problem struct {
	Where   string // "consentd.yaml:12", "CONSENTD_REDIS_TLS"; the file alone for what is missing
	Setting string // "banks.landsbankinn.client_secret"; empty when it concerns the file as a whole
	Text    string // what is wrong and what to do
}

func (p Problem) String() string {
	parts := []string{p.Where, p.Setting, p.Text}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Error is what [Load] returns: every problem, in the order of the file.
type Error struct {
	Problems []Problem
}

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "configuration: " + e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "configuration: %d problems:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// report collects the problems, and knows where each setting came from.
type report struct {
	file     string
	origins  origins
	elements map[string][]element // of each list of sections, by its name
	problems []Problem
}

// element is an entry of a list of sections.
type element struct {
	name  string // "banks.landsbankinn", or "banks[2]" without a usable id
	whole bool   // complete enough to be checked
}

func newReport(file string) *report {
	return &report{file: file, origins: origins{}, elements: map[string][]element{}}
}

// origins tells by a setting's name who set it. Settings left at their
// default are not in it.
type origins map[string]string

// add records a problem at a known place.
func (r *report) add(where, setting, format string, args ...any) {
	r.problems = append(r.problems, Problem{where, setting, fmt.Sprintf(format, args...)})
}

// bad records a problem with a setting after decoding: at the place that set
// it or, for what nobody set, at the section where it belongs.
func (r *report) bad(setting, format string, args ...any) {
	r.add(r.placeOf(setting), setting, format, args...)
}

func (r *report) placeOf(setting string) string {
	for name := setting; name != ""; {
		if where, ok := r.origins[name]; ok {
			return where
		}
		cut := strings.LastIndexAny(name, ".[")
		if cut < 0 {
			break
		}
		name = name[:cut]
	}
	return r.file
}

// err returns the problems in the order of the file, then of the variables.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return r.rank(a) - r.rank(b)
	})
	return &Error{Problems: slices.Compact(r.problems)}
}

// rank is the line of a problem in the main file; others come after.
func (r *report) rank(p Problem) int {
	if line, ok := strings.CutPrefix(p.Where, r.file+":"); ok {
		if n, err := strconv.Atoi(line); err == nil {
			return n
		}
	}
	return 1 << 30
}

// oneOf puts words into a sentence: "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// didYouMean returns `; did you mean "x"?` for the nearest of known, or
// nothing when none is near.
func didYouMean(word string, known []string) string {
	best, least := "", min(max(2, len(word)/3), 8)+1
	for _, k := range known {
		if max(len(k)-len(word), len(word)-len(k)) >= least {
			continue // too different in length alone
		}
		if d := distance(word, k); d < least && d < len(k) {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the insertions, deletions and replacements between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
