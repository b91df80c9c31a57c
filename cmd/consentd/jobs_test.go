package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestEveryJobIsScheduled(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	out := httptest.NewRecorder()
	s.build().Admin.ServeHTTP(out, httptest.NewRequest("GET", "/metrics", nil))
	for _, job := range []string{"work", "events"} {
		if !strings.Contains(out.Body.String(), `consentd_job_last_success_timestamp_seconds{job="`+job+`"}`) {
			t.Errorf("no job %s", job)
		}
	}
}
