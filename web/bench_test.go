package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/consentd/consentd/consent"
)

// blank is a writer that costs nothing, so that the handler is what is
// measured.
type blank struct {
	header http.Header
	status int
}

func (b *blank) Header() http.Header         { return b.header }
func (b *blank) Write(p []byte) (int, error) { return len(p), nil }
func (b *blank) WriteHeader(status int)      { b.status = status }

// remembering answers a hand-out as it did the first time, so that the store
// costs nothing.
type remembering struct {
	consent.Store
	first *consent.HandOut
}

func (r *remembering) HandOut(ctx context.Context, req consent.HandOutRequest) (consent.HandOut, error) {
	if r.first != nil {
		return *r.first, nil
	}
	h, err := r.Store.HandOut(ctx, req)
	if err == nil && h.Outcome == consent.OutcomeAllowed {
		r.first = &h
	}
	return h, err
}

// BenchmarkHandOut is a fresh token through the whole handler: once with the
// embedded Redis, which is most of it, and once without any.
func BenchmarkHandOut(b *testing.B) {
	for name, with := range map[string]setting{
		"embedded redis": func(*settings) {},
		"no store":       func(s *settings) { s.store = func(s consent.Store) consent.Store { return &remembering{Store: s} } },
	} {
		b.Run(name, func(b *testing.B) {
			w, _, id := granted(b, with)
			r := httptest.NewRequest("POST", "/v1/consents/"+id+"/token", nil)
			r.Header.Set("Authorization", "Bearer "+w.key.Reveal())
			b.ReportAllocs()
			for b.Loop() {
				out := &blank{header: make(http.Header)}
				w.handler.ServeHTTP(out, r)
				if out.status != http.StatusOK {
					b.Fatalf("status = %d", out.status)
				}
			}
		})
	}
}
