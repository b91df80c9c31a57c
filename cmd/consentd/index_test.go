package main

import (
	"strings"
	"testing"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestIndexRebuild(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	s := newSite(t, redis)
	s.replica()
	id := s.grant()
	service := s.build().Service
	shop, _ := service.App("shop")
	listed := func() int64 {
		t.Helper()
		page, err := service.List(t.Context(), shop, "", consent.Filter{Status: consent.Valid}, "", 10)
		must(t, err)
		return page.Total
	}
	client := redis.Client(t)
	tag := "{p:" + id.Partition() + "}:"
	keys, err := client.Keys(t.Context(), tag+"ends:*").Result()
	must(t, err)
	must(t, client.Del(t.Context(), append(keys, tag+"counts")...).Err())
	if n := listed(); n != 0 {
		t.Fatalf("%d listed without an index", n)
	}
	if got := s.look("", "index", "rebuild"); got.code != exitOK || got.out != "consents entered: 1\n" {
		t.Errorf("rebuild: %+v", got)
	}
	if n := listed(); n != 1 {
		t.Errorf("%d listed after the rebuild, want 1", n)
	}
}

func TestConsentShowTellsTheRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	s.replica()
	id := s.grant()
	h, err := s.build().Service.History(t.Context(), id)
	must(t, err)
	request := h.Timeline[0].RequestID
	if request == "" {
		t.Fatal("the first line has no request id")
	}
	if got := s.look("", "consent", "show", string(id)); got.code != exitOK || !strings.Contains(got.out, request) {
		t.Errorf("show does not tell %s: %+v", request, got)
	}
}
