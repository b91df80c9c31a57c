package staff

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/consentd/consentd/consent"
)

// actsOnPage is how many acts a page lists, and actsAtOnce how many an export
// reads at a time.
const (
	actsOnPage = 50
	actsAtOnce = 500
)

// auditPage is a part of what is on record, newest first.
type auditPage struct {
	Acts  []consent.Act
	Older int64 // the number that older ones are below; 0: there are none
}

func (s *server) audit(c *call) error {
	ctx := c.Request().Context()
	head, err := s.desk.AuditHead(ctx)
	if err != nil {
		return err
	}
	last := head.Seq
	if before, err := strconv.ParseInt(c.QueryParam("before"), 10, 64); err == nil && before > 0 {
		last = min(last, before-1)
	}
	after := max(last-actsOnPage, 0)
	acts, err := s.desk.Audit(ctx, after, int(last-after))
	if err != nil {
		return err
	}
	p := auditPage{Acts: slices.DeleteFunc(acts, func(a consent.Act) bool { return a.Seq > last })} // where some were taken out
	slices.Reverse(p.Acts)
	if after > 0 {
		p.Older = after + 1
	}
	return s.show(c, http.StatusOK, "audit", p)
}

// export hands out the whole record, a line for each act. It is on record
// itself, and the last line of what it gives.
func (s *server) export(c *call) error {
	ctx, reason := c.Request().Context(), reasonIn(c)
	if reason == "" {
		return &consent.Invalid{Fields: []consent.Field{{Pointer: "/reason", Detail: "must be given"}}}
	}
	if err := s.desk.Record(ctx, consent.Act{Staff: c.session.Staff, Action: consent.ActExport, Reason: reason, RequestID: c.requestID, Detail: "audit"}); err != nil {
		return err
	}
	acts, err := s.desk.Audit(ctx, 0, actsAtOnce)
	if err != nil {
		return err
	}
	if err := s.keep(c); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("Content-Disposition", `attachment; filename="audit.ndjson"`)
	c.Response().WriteHeader(http.StatusOK)
	lines := json.NewEncoder(c.Response())
	for len(acts) > 0 {
		for _, a := range acts {
			if err := lines.Encode(a.Exported()); err != nil {
				return nil // the browser has gone: nothing to tell it
			}
		}
		if acts, err = s.desk.Audit(ctx, acts[len(acts)-1].Seq, actsAtOnce); err != nil {
			panic(http.ErrAbortHandler) // half a file must not look like a whole one
		}
	}
	return nil
}
