package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestIncidentsCommands(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newSite(t, server)
	store, err := redisstore.New(redisstore.Config{Client: server.Client(t)})
	must(t, err)
	s.look("", "incidents").says(t, exitOK)
	s.look("", "incidents", "lift", "sandbox", "--reason", "the bank says so").says(t, exitFailure, "sandbox has no incident")
	for i := range 12 {
		_, err := store.Refused(t.Context(), "sandbox", fmt.Sprintf("cns_7f%026d", i), time.Now())
		must(t, err)
	}
	shown := s.look("", "incidents")
	shown.wantsTable(t, "BANK", "sandbox")
	if !strings.Contains(shown.out, "doubted") {
		t.Errorf("incidents\n%s", shown.out)
	}
	var all incidentsView
	must(t, json.Unmarshal([]byte(s.look("", "incidents", "-o", "json").out), &all))
	if len(all) != 1 || !all[0].On || all[0].Refusals != 12 || len(all[0].Doubted) != 12 {
		t.Errorf("incidents = %+v", all)
	}
	s.look("", "incidents", "lift", "sandbox").says(t, exitFailure, "1 to 200 printable characters")
	s.look("", "incidents", "lift", "sandbox", "--reason", "the bank says so").says(t, exitOK, "believed again")
	if shown = s.look("", "incidents"); !strings.Contains(shown.out, "lifted") {
		t.Errorf("incidents\n%s", shown.out)
	}
	if exported := s.look("", "audit", "export"); !strings.Contains(exported.out, `"action":"lift"`) || !strings.Contains(exported.out, "the bank says so") {
		t.Errorf("on record\n%s", exported.out)
	}
	s.look("", "incidents", "all").says(t, exitUsage, "no command")
}
