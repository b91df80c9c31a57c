package web

import (
	"net/http"
	"strings"

	"github.com/consentd/consentd/consent"
)

// stop answers DELETE /v1/consents/{id}.
func (s *server) stop(c *call, app consent.App) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	stopped, err := s.service.StopByApp(c.Request().Context(), app, id)
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, s.viewOf(stopped))
}

// reportView is what an app's report came to.
type reportView struct {
	Verdict consent.Reported `json:"verdict"`
	Next    string           `json:"next"`
}

// nextSteps say in a sentence what each verdict asks of the app.
var nextSteps = map[consent.Reported]string{
	consent.ReportedAlive:    "Ask for the token again, and repeat the call to the bank once, with the same request id.",
	consent.ReportedBusiness: "The bank refuses this call, not the token: tell the customer what the bank's error code means, and do not repeat the call.",
	consent.ReportedEnded:    "Ask for the token again: the answer says why there is none, and where to send the customer if that helps.",
	consent.ReportedUnknown:  "The bank did not say. Try again in a minute, and send the customer nowhere.",
}

// report answers POST /v1/consents/{id}/report.
func (s *server) report(c *call, app consent.App) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	var status int64
	var code string
	if err := c.read(members{"status": &status, "code": &code}, false); err != nil {
		return err
	}
	if err := checkReport(status, code); err != nil {
		return err
	}
	verdict, err := s.service.Report(c.Request().Context(), app, id, code)
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, reportView{Verdict: verdict, Next: nextSteps[verdict]})
}

// longestCode is that of a bank's error code.
const longestCode = 64

// checkReport keeps out what is no bank's word on a token: reports cost a
// refresh, and their code is kept in the timeline.
func checkReport(status int64, code string) error {
	var wrong consent.Invalid
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		note(&wrong, "/status", "is the bank's answer, and must be 401 or 403: others say nothing about a token")
	}
	if len(code) > longestCode || strings.ContainsFunc(code, notInRequestID) {
		note(&wrong, "/code", "is the bank's error code: at most 64 of A–Z a–z 0–9 . _ -")
	}
	if len(wrong.Fields) > 0 {
		return &wrong
	}
	return nil
}
