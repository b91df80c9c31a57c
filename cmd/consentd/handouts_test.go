package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestHandOutsCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	s.replica()
	id := s.grant()
	if got := s.token(id); got.status != http.StatusOK {
		t.Fatalf("token = %d", got.status)
	}
	got := s.look("", "handouts", "--since", "2020-01-01T00:00:00Z")
	got.says(t, exitOK)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	var v handOutView
	must(t, json.Unmarshal([]byte(lines[0]), &v))
	if len(lines) != 1 || v.Consent != id || v.App != "shop" || v.Outcome != "allowed" || v.RequestID == "" || time.Since(v.At) > time.Hour {
		t.Errorf("hand-outs\n%s", got.out)
	}
	if got = s.look("", "handouts", "--since", "2099-01-01T00:00:00Z"); got.out != "" {
		t.Errorf("hand-outs of the future\n%s", got.out)
	}
	s.look("", "handouts").says(t, exitFailure, "--since wants a time")
}
