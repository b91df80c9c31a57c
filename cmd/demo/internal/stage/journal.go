package stage

import (
	"slices"
	"sync"

	"github.com/consentd/consentd/cmd/demo/internal/pages"
)

// keptLines bounds the journal.
const keptLines = 100

// journal is what happened, newest first.
type journal struct {
	mu    sync.Mutex
	lines []pages.Line
}

func (j *journal) add(l pages.Line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = slices.Insert(j.lines, 0, l)
	j.lines = j.lines[:min(len(j.lines), keptLines)]
}

func (j *journal) latest(n int) []pages.Line {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines[:min(len(j.lines), n)])
}
