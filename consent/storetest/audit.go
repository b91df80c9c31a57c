package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
)

// audit are the tests of the audit chain.
func audit() map[string]func(*testing.T, *fixture) {
	return map[string]func(*testing.T, *fixture){
		"Audit/entries in order, page by page":    auditInOrder,
		"Audit/the same entry again is no error":  auditAgain,
		"Audit/one entry behind each head":        auditOneBehind,
		"Audit/one of many at once behind a head": auditRace,
		"HandOutLog/in order, page by page":       handOutLog,
	}
}

// chained is an entry with a body that a script must not take for anything.
func chained(seq int64, hash string) consent.AuditEntry {
	return consent.AuditEntry{Seq: seq, Body: fmt.Sprintf("{\"seq\":%d,\"x\":\"\x00é\\n\"}", seq), Hash: hash}
}

func (f *fixture) chain(t *testing.T, n int64) []consent.AuditEntry {
	t.Helper()
	var out []consent.AuditEntry
	for seq := int64(1); seq <= n; seq++ {
		head, err := f.AuditHead(t.Context())
		must(t, err)
		e := chained(seq, fmt.Sprintf("%04x", seq))
		must(t, f.AppendAudit(t.Context(), head, e))
		out = append(out, e)
	}
	return out
}

func auditInOrder(t *testing.T, f *fixture) {
	head, err := f.AuditHead(t.Context())
	if err != nil || head != (consent.AuditHead{}) {
		t.Fatalf("head of nothing = %v, %v", head, err)
	}
	want := f.chain(t, 12)
	if head, err = f.AuditHead(t.Context()); err != nil || head != (consent.AuditHead{Seq: 12, Hash: "000c"}) {
		t.Errorf("head = %v, %v", head, err)
	}
	var got []consent.AuditEntry
	for after := int64(0); ; after = got[len(got)-1].Seq {
		page, err := f.AuditEntries(t.Context(), after, 5)
		must(t, err)
		if len(page) > 5 {
			t.Fatalf("%d entries on a page of 5", len(page))
		}
		if got = append(got, page...); len(page) == 0 {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func auditAgain(t *testing.T, f *fixture) {
	all := f.chain(t, 3)
	must(t, f.AppendAudit(t.Context(), consent.AuditHead{Seq: 2, Hash: "0002"}, all[2]))
	must(t, f.AppendAudit(t.Context(), consent.AuditHead{}, all[0])) // its reply was lost long ago
	if got, err := f.AuditEntries(t.Context(), 0, 10); err != nil || len(got) != 3 {
		t.Errorf("entries: %v, %v", got, err)
	}
}

func auditOneBehind(t *testing.T, f *fixture) {
	f.chain(t, 3)
	for _, head := range []consent.AuditHead{{}, {Seq: 2, Hash: "0002"}, {Seq: 3, Hash: "0009"}, {Seq: 4, Hash: "0004"}} {
		wantErr(t, f.AppendAudit(t.Context(), head, chained(head.Seq+1, "beef")), consent.ErrConflict)
	}
	if head, err := f.AuditHead(t.Context()); err != nil || head.Seq != 3 {
		t.Errorf("head = %v, %v", head, err)
	}
}

func auditRace(t *testing.T, f *fixture) {
	f.chain(t, 1)
	var all sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		all.Go(func() {
			errs[i] = f.AppendAudit(t.Context(), consent.AuditHead{Seq: 1, Hash: "0001"}, chained(2, fmt.Sprintf("aa%02x", i)))
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantErr(t, err, consent.ErrConflict)
	}
	if got, err := f.AuditEntries(t.Context(), 1, 10); err != nil || won != 1 || len(got) != 1 {
		t.Errorf("%d won; behind the head: %v, %v", won, got, err)
	}
}

func handOutLog(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	for i := range 5 {
		r := f.request(id)
		r.RequestID, r.Now = fmt.Sprint(i), f.now.Add(time.Duration(i)*time.Second)
		if _, err := f.HandOut(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for place := ""; ; {
		page, err := f.HandOutLog(t.Context(), 0x7f, place, 2)
		must(t, err)
		for _, r := range page.Records {
			if r.Consent != id || r.App != app || r.Outcome != consent.OutcomeAllowed {
				t.Errorf("record = %+v", r)
			}
			got = append(got, r.RequestID)
		}
		if place = page.Next; place == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4"}, got); diff != "" {
		t.Error(diff)
	}
	if page, err := f.HandOutLog(t.Context(), 0x01, "", 2); err != nil || len(page.Records) != 0 || page.Full {
		t.Errorf("another partition: %+v, %v", page, err)
	}
}
