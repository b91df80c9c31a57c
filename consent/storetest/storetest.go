// Package storetest checks that a store keeps the promises of
// [consent.Store] and [token.Store]. Every store runs it, on every server
// that it supports.
package storetest

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// Run runs the suite. Each sub-test gets a store of its own, which must be
// empty.
func Run(t *testing.T, newStore func(t *testing.T) consent.Store) {
	tests := map[string]func(*testing.T, *fixture){
		"Create/can be read back":                              createReadsBack,
		"Create/again changes nothing":                         createAgain,
		"Consent/unknown is not found":                         unknownNotFound,
		"Activate/stores the grant":                            activateStores,
		"Activate/same commit again is no error":               activateAgain,
		"Activate/changed record is a conflict":                activateConflict,
		"Activate/fences off a refresh of the replaced grant":  activateFences,
		"Reject/leaves a valid consent alone":                  rejectLeavesValid,
		"Reject/received gets status and cause":                rejectReceived,
		"Confirm/right code makes it valid, and again":         confirmRight,
		"Confirm/wrong and late codes do not":                  confirmWrong,
		"HandOut/decides":                                      handOutDecides,
		"HandOut/records before it answers":                    handOutRecords,
		"HandOut/stale is not on record":                       handOutStale,
		"Acquire/one holder":                                   acquireOneHolder,
		"Acquire/same owner gets the same lease":               acquireSameOwner,
		"Acquire/older generation is told":                     acquireOlder,
		"Acquire/one of many at once":                          acquireRace,
		"Acquire/abandoned lease leaves doubt until a commit":  acquireDoubt,
		"Release/lets the bank rest":                           releaseRests,
		"Release/doubt outlives a known failure":               releaseKeepsDoubt,
		"Release/of an old lease does nothing":                 releaseOld,
		"Commit/is the next generation":                        commitNext,
		"Commit/keeps the refresh token that was not replaced": commitKeepsRefresh,
		"Commit/same commit again is no error":                 commitAgain,
		"Commit/older lease is fenced off":                     commitFenced,
		"Commit/never brings back what ended":                  commitAfterEnd,
		"MarkDead/ends the consent and deletes the grant":      markDeadEnds,
		"MarkDead/of an older generation changes nothing":      markDeadOlder,
		"MarkDead/then a new grant has higher numbers":         markDeadThenActivate,
		"Link/one browser":                                     linkOneBrowser,
		"Flow/taken once":                                      flowTakenOnce,
		"Find/by customer and by person":                       find,
		"Timeline/in order":                                    timeline,
		"Reserve/the first box stands":                         reserveOnce,
		"Events/each once, in the order of coming":             eventsInOrder,
		"Events/a gap is told, and only a gap":                 eventsAreDropped,
		"Events/a position that never was is told":             eventsOfAnotherLife,
		"DropEvents/of a log that nothing is added to":         dropOfTheIdle,
		"DropEvents/some of it is a gap, told as such":         dropOfSome,
		"Made/of a key that is gone does nothing":              madeOfNothing,
	}
	maps.Copy(tests, lifecycle())
	maps.Copy(tests, audit())
	maps.Copy(tests, incidents())
	maps.Copy(tests, books())
	maps.Copy(tests, held())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test(t, &fixture{Store: newStore(t), now: time.Now().UTC().Truncate(time.Millisecond)})
		})
	}
}

// fixture is a store with one consent at a time.
type fixture struct {
	consent.Store
	now time.Time
}

const (
	bank = "sandbox"
	app  = "shop"
)

var customer = []byte{0x7f, 1, 2, 3}

// id makes an id in the partition of customer.
func id(n int) consent.ID { return consent.ID(fmt.Sprintf("cns_7f%026d", n)) }

func (f *fixture) create(t *testing.T, n int) consent.Consent {
	t.Helper()
	c := consent.Consent{ID: id(n), App: app, Bank: bank, Status: consent.Received, Version: 1,
		Asked: []string{"openid", "payments"}, ReturnTo: "done", Language: "is", CreatedAt: f.now, ChangedAt: f.now,
		Personal: []byte{0, 1, 0xff}}
	must(t, f.Create(t.Context(), c, customer, consent.Work{}))
	return c
}

func (f *fixture) activation(commit string) consent.Activation {
	return consent.Activation{
		Version: 1, Status: consent.Valid, AuthorizedAt: f.now, EndsAt: f.now.Add(90 * 24 * time.Hour),
		Granted: []string{"openid", "payments"}, TextVersion: "1", Personal: []byte{9}, Person: []byte{0xaa, 1},
		Sealed: token.Sealed{CommitID: commit, Access: []byte{0, 1, 2}, Refresh: []byte{3, 0xfe}, IssuedAt: f.now,
			AccessExpiry: f.now.Add(5 * time.Minute), Scopes: []string{"openid", "payments"}},
	}
}

// valid stores a consent that is valid, of generation 1.
func (f *fixture) valid(t *testing.T, n int) consent.ID {
	t.Helper()
	f.create(t, n)
	must(t, f.Activate(t.Context(), id(n), f.activation("commit-1")))
	return id(n)
}

func (f *fixture) request(id consent.ID) consent.HandOutRequest {
	return consent.HandOutRequest{ID: id, App: app, RequestID: "req-1", Now: f.now, MinTTL: time.Second}
}

func (f *fixture) acquire(t *testing.T, id consent.ID, seen int64, owner string, ttl time.Duration) token.Lease {
	t.Helper()
	l, err := f.Acquire(t.Context(), string(id), seen, owner, ttl)
	must(t, err)
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error = %v, want %v", got, want)
	}
}

func wantStatus(t *testing.T, f *fixture, id consent.ID, want consent.Status) consent.Consent {
	t.Helper()
	c, err := f.Consent(t.Context(), id)
	must(t, err)
	if c.Status != want {
		t.Fatalf("status = %s, want %s", c.Status, want)
	}
	return c
}
