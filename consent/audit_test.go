package consent_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

var audur = consent.Staff{ID: "audur", Name: "Auður Ketilsdóttir", Role: "support"}

func (h *house) acts(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		must(t, h.Record(t.Context(), consent.Act{Staff: audur, Action: consent.ActFind, Reason: fmt.Sprintf("call %d", i), Detail: "customer"}))
	}
}

func (h *house) verified(t *testing.T, heads ...consent.AuditHead) consent.AuditReport {
	t.Helper()
	r, err := h.VerifyAudit(t.Context(), heads...)
	must(t, err)
	return r
}

func TestAuditChainTellsWhatWasDone(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		want := consent.Act{At: h.Now().UTC(), Seq: 1, Staff: audur, Action: consent.ActSee, Consent: "cns_7f000000000000000000000000001",
			Reason: "Guðrún called", RequestID: "req-1", Detail: "on a page"}
		must(t, h.Record(t.Context(), want))
		h.acts(t, 6)
		got, err := h.Audit(t.Context(), 0, 3)
		must(t, err)
		want.Hash = got[0].Hash
		if len(got) != 3 || got[0] != want || got[0].Hash == "" {
			t.Errorf("audit = %+v", got)
		}
		if got, err = h.Audit(t.Context(), 3, 100); err != nil || len(got) != 4 || got[0].Seq != 4 || slices.ContainsFunc(got, func(a consent.Act) bool { return a.Damaged }) {
			t.Errorf("second page = %+v, %v", got, err)
		}
		r := h.verified(t)
		if head, err := h.AuditHead(t.Context()); err != nil || r.Entries != 7 || r.Problem != nil || r.Head != head {
			t.Errorf("report = %+v, head %v, %v", r, head, err)
		}
		for _, personal := range []string{"Guðrún", "Ketilsdóttir", "call 1"} {
			if strings.Contains(h.redis.Dump(), personal) {
				t.Errorf("%q is in Redis in the clear", personal)
			}
		}
	})
}

func TestAuditRefusesWhatNamesNobody(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		good := consent.Act{Staff: audur, Action: consent.ActSee}
		for _, change := range []func(*consent.Act){
			func(a *consent.Act) { a.Staff.ID = "" },
			func(a *consent.Act) { a.Action = "See it" },
			func(a *consent.Act) { a.Reason = "two\nlines" },
			func(a *consent.Act) { a.Reason = strings.Repeat("é", 201) },
			func(a *consent.Act) { a.Detail = "\x00" },
		} {
			a := good
			change(&a)
			if _, ok := errors.AsType[*consent.Invalid](h.Record(t.Context(), a)); !ok {
				t.Errorf("%+v is on record", a)
			}
		}
		good.Reason = strings.Repeat("é", 200)
		must(t, h.Record(t.Context(), good))
	})
}

func TestAuditOfManyAtOnceIsOneChain(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { h.acts(t, 3) })
		}
		all.Wait()
		if r := h.verified(t); r.Entries != 60 || r.Problem != nil {
			t.Errorf("report = %+v", r)
		}
	})
}

func TestActIsNotDoneWithoutRecord(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.redis.SetError("LOADING")
		wantErr(t, second(h.StopByStaff(t.Context(), audur, p.id, "fraud")), token.ErrStoreUnavailable)
		h.redis.SetError("")
		must(t, h.Record(t.Context(), consent.Act{Staff: audur, Action: consent.ActFind}))
		h.redis.HSet("{audit}:head", "seq", "0", "hash", "") // rolled back: nothing can follow
		wantErr(t, second(h.StopByStaff(t.Context(), audur, p.id, "fraud")), consent.ErrAuditBroken)
		p.wantStatus(t, consent.Valid, "")
	})
}

// chainOf reads the chain as it lies in Redis.
func chainOf(t *testing.T, m *miniredis.Miniredis) []miniredis.StreamEntry {
	t.Helper()
	all, err := m.Stream("{audit}:entries")
	must(t, err)
	return all
}

// put writes a chain over the one in Redis, as whoever can write there may.
func put(t *testing.T, m *miniredis.Miniredis, all []miniredis.StreamEntry) {
	t.Helper()
	m.Del("{audit}:entries")
	for _, e := range all {
		_, err := m.XAdd("{audit}:entries", e.ID, e.Values)
		must(t, err)
	}
}

// tamperings change a chain, whose first change is at the entry returned.
var tamperings = map[string]func(r *rand.Rand, m *miniredis.Miniredis, all []miniredis.StreamEntry) ([]miniredis.StreamEntry, int){
	"byte changed": func(r *rand.Rand, _ *miniredis.Miniredis, all []miniredis.StreamEntry) ([]miniredis.StreamEntry, int) {
		i, field := r.IntN(len(all)), 1+2*r.IntN(2)
		b := []byte(all[i].Values[field])
		at := r.IntN(len(b))
		b[at] ^= byte(1 + r.IntN(127))
		all[i].Values[field] = string(b)
		return all, i + 1
	},
	"entry removed": func(r *rand.Rand, _ *miniredis.Miniredis, all []miniredis.StreamEntry) ([]miniredis.StreamEntry, int) {
		i := r.IntN(len(all))
		return slices.Delete(all, i, i+1), i + 1
	},
	"two entries swapped": func(r *rand.Rand, _ *miniredis.Miniredis, all []miniredis.StreamEntry) ([]miniredis.StreamEntry, int) {
		i := r.IntN(len(all) - 1)
		j := i + 1 + r.IntN(len(all)-i-1)
		all[i].Values, all[j].Values = all[j].Values, all[i].Values
		return all, i + 1
	},
	"closed up behind a removed entry": func(r *rand.Rand, _ *miniredis.Miniredis, all []miniredis.StreamEntry) ([]miniredis.StreamEntry, int) {
		i := r.IntN(len(all) - 1)
		for k := i; k < len(all)-1; k++ {
			all[k].Values = all[k+1].Values
		}
		return all[:len(all)-1], i + 1
	},
	"tail cut off": func(r *rand.Rand, _ *miniredis.Miniredis, all []miniredis.StreamEntry) ([]miniredis.StreamEntry, int) {
		n := r.IntN(len(all))
		return all[:n], n + 1
	},
	"entry of an earlier place repeated at the end": func(r *rand.Rand, _ *miniredis.Miniredis, all []miniredis.StreamEntry) ([]miniredis.StreamEntry, int) {
		e := miniredis.StreamEntry{ID: fmt.Sprintf("%d-0", len(all)+1), Values: all[r.IntN(len(all))].Values}
		return append(all, e), len(all) + 1
	},
	"stored head changed": func(_ *rand.Rand, m *miniredis.Miniredis, all []miniredis.StreamEntry) ([]miniredis.StreamEntry, int) {
		m.HSet("{audit}:head", "hash", "00")
		return all, len(all)
	},
}

// TestTamperingWithTheChainIsFound tampers at random, and says with which seed.
func TestTamperingWithTheChainIsFound(t *testing.T) {
	for name, tamper := range tamperings {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				h.acts(t, 12)
				whole := chainOf(t, h.redis)
				head, err := h.AuditHead(t.Context())
				must(t, err)
				for seed := range uint64(50) {
					all := make([]miniredis.StreamEntry, len(whole))
					for i, e := range whole {
						all[i] = miniredis.StreamEntry{ID: e.ID, Values: slices.Clone(e.Values)}
					}
					changed, at := tamper(rand.New(rand.NewPCG(seed, 1)), h.redis, all)
					put(t, h.redis, changed)
					if r := h.verified(t); r.Problem == nil || r.Problem.Seq != int64(at) {
						t.Fatalf("seed %d: found %v, tampered with entry %d", seed, r.Problem, at)
					}
					put(t, h.redis, whole)
					h.redis.HSet("{audit}:head", "hash", head.Hash)
				}
				if r := h.verified(t); r.Problem != nil {
					t.Errorf("the whole chain does not verify: %v", r.Problem)
				}
			})
		})
	}
}

func TestHeadInTheLogShowsWhatRedisCannot(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.acts(t, 5)
		logged, err := h.AuditHead(t.Context())
		must(t, err)
		all := chainOf(t, h.redis)
		// Rolled back, head and all: inside Redis nothing shows.
		put(t, h.redis, all[:3])
		h.redis.HSet("{audit}:head", "seq", "3", "hash", all[2].Values[3])
		if r := h.verified(t); r.Problem != nil {
			t.Fatalf("problem = %v", r.Problem)
		}
		if r := h.verified(t, logged); r.Problem == nil || *r.Problem != (consent.AuditProblem{Seq: 4, Kind: consent.AuditTruncated}) {
			t.Errorf("problem = %v", r.Problem)
		}
		h.acts(t, 2) // grown again, to the same length
		if r := h.verified(t, logged); r.Problem == nil || *r.Problem != (consent.AuditProblem{Seq: 5, Kind: consent.AuditReplaced}) {
			t.Errorf("problem = %v", r.Problem)
		}
		read, err := consent.ParseAuditHead(logged.String())
		if err != nil || read != logged {
			t.Errorf("head = %v, %v", read, err)
		}
		for _, bad := range []string{"", "5", "5:", "x:00", "0:00", "5:zz"} {
			if _, err := consent.ParseAuditHead(bad); err == nil {
				t.Errorf("%q is a head", bad)
			}
		}
	})
}
