package main

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

// BenchmarkHandOut is a fresh token on a real Redis: by the domain alone, over
// HTTP on a kept connection, and by many callers at once.
func BenchmarkHandOut(b *testing.B) {
	s := newSite(b, redistest.Start(b))
	s.level = slog.LevelInfo // as in production
	s.replica()
	id := s.grant()

	b.Run("process", func(b *testing.B) {
		service := s.build().Service
		shop, _ := service.App("shop")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := service.Token(b.Context(), shop, id, consent.TokenRequest{RequestID: "bench"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("HTTP", func(b *testing.B) {
		ask := s.asking(b, id)
		b.ReportAllocs()
		for b.Loop() {
			ask()
		}
	})
	b.Run("HTTP-parallel", func(b *testing.B) {
		ask := s.asking(b, id)
		b.SetParallelism(16)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				ask()
			}
		})
	})
}

// asking returns a client that asks for the token and reads the status alone,
// so that the server is what is measured.
func (s *site) asking(b *testing.B, id consent.ID) func() {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	return func() {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url()+"/v1/consents/"+string(id)+"/token", nil)
		if err != nil {
			b.Error(err)
			return
		}
		r.Header.Set("Authorization", "Bearer "+s.key.Reveal())
		res, err := client.Do(r)
		if err != nil {
			b.Error(err)
			return
		}
		var small [4096]byte
		for err == nil {
			_, err = res.Body.Read(small[:])
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			b.Errorf("status = %d", res.StatusCode)
		}
	}
}
