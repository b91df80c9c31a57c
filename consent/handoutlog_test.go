package consent_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

func TestEveryHandOutIsOnRecord(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		must(t, second(p.token(t, consent.TokenRequest{RequestID: "allowed"})))
		wantErr(t, second(p.token(t, consent.TokenRequest{RequestID: "scope", Scopes: []string{"accounts"}})), consent.ErrInsufficientScope)
		time.Sleep(6 * time.Minute)
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{})
		wantErr(t, second(p.token(t, consent.TokenRequest{RequestID: "bank"})), consent.ErrBankUnavailable)
		time.Sleep(2 * time.Minute)
		must(t, second(p.token(t, consent.TokenRequest{RequestID: "refreshed"})))
		records, err := h.store.HandOuts(t.Context(), p.id.Partition(), 10)
		must(t, err)
		want := []string{"refreshed allowed", "bank bank-unavailable", "scope insufficient-scope", "allowed allowed"}
		for i, w := range want {
			if i >= len(records) || records[i].RequestID+" "+string(records[i].Outcome) != w {
				t.Fatalf("on record: %+v, want %v", records, want)
			}
		}
	})
}

// fewHandOuts is a store whose partitions hold no more than they have.
type fewHandOuts struct{ consent.Store }

func (s fewHandOuts) HandOutLog(ctx context.Context, p consent.Partition, place string, limit int) (consent.HandOutPage, error) {
	page, err := s.Store.HandOutLog(ctx, p, place, limit)
	page.Full = true
	return page, err
}

func TestHandOutLogSaysWhatMayBeMissing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		start := h.Now()
		must(t, second(p.token(t, consent.TokenRequest{RequestID: "first"})))
		time.Sleep(time.Minute)
		must(t, second(p.token(t, consent.TokenRequest{RequestID: "second"})))
		read := func(s *consent.Service, since time.Time) (ids []string, cut int) {
			cut, err := s.HandOutLog(t.Context(), since, func(r consent.HandOutRecord) error { ids = append(ids, r.RequestID); return nil })
			must(t, err)
			return ids, cut
		}
		if ids, cut := read(h.Service, start.Add(-time.Hour)); !slices.Equal(ids, []string{"first", "second"}) || cut != 0 {
			t.Errorf("log = %v, cut %d", ids, cut)
		}
		if ids, _ := read(h.Service, start.Add(time.Second)); !slices.Equal(ids, []string{"second"}) {
			t.Errorf("log = %v", ids)
		}
		config := h.config
		config.Store = fewHandOuts{h.store}
		full, err := consent.New(config)
		must(t, err)
		for since, want := range map[time.Duration]int{-time.Hour: 1, time.Second: 0} {
			if _, cut := read(full, start.Add(since)); cut != want {
				t.Errorf("since %s: cut %d, want %d", since, cut, want)
			}
		}
	})
}
