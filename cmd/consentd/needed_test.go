package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestConsentShowSaysUntilWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	s.replica()
	id := string(s.grant())
	row := func() string {
		return regexp.MustCompile(`(?m)^needed until +(.*)$`).FindString(s.look("", "consent", "show", id).out)
	}
	if got := row(); !regexp.MustCompile(`until +-$`).MatchString(got) {
		t.Errorf("before it is needed: %q", got)
	}
	until := time.Now().UTC().AddDate(0, 0, 120).Truncate(time.Second)
	denied := s.call("POST", s.url()+"/v1/consents/"+id+"/token", map[string]any{"needed_until": until.Format(time.RFC3339)})
	if denied.status != http.StatusConflict {
		t.Fatalf("token = %d %v", denied.status, denied.json)
	}
	if got := row(); !regexp.MustCompile(regexp.QuoteMeta(moment(until)) + "$").MatchString(got) {
		t.Errorf("needed: %q, want %s", got, moment(until))
	}
	var history historyView
	must(t, json.Unmarshal([]byte(s.look("", "consent", "show", id, "-o", "json").out), &history))
	if !history.NeededUntil.Equal(until) {
		t.Errorf("needed_until = %v, want %v", history.NeededUntil, until)
	}
}
