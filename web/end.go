package web

import (
	"net/http"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/contract"
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
	var r contract.Report
	if err := c.read(&r); err != nil {
		return err
	}
	verdict, err := s.service.Report(c.Request().Context(), app, id, r.Code)
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, contract.ReportAnswer{Verdict: contract.ReportAnswerVerdict(verdict), Next: nextSteps[verdict]})
}
