package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/contract"
)

// handOut answers POST /v1/consents/{id}/token, which apps call before every
// payment: nothing but the key, the domain and the answer happens here.
func (s *server) handOut(c *call, app consent.App) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	r, err := readTokenRequest(c)
	if err != nil {
		return err
	}
	out, err := s.token(c, app, id, r)
	if err != nil {
		return err
	}
	c.Response().Header()["Pragma"] = noCache
	return c.Blob(http.StatusOK, "application/json", appendHandOut(nil, id, out, s.service.Now()))
}

// token asks the domain for a token, for as long as a caller may wait.
func (s *server) token(c *call, app consent.App, id consent.ID, r consent.TokenRequest) (consent.HandedOut, error) {
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.c.TokenDeadline)
	defer cancel()
	out, err := s.service.Token(ctx, app, id, r)
	if err != nil {
		s.metrics.handOut(answerTo(err).code)
		return out, err
	}
	s.metrics.handOut(string(consent.OutcomeAllowed))
	return out, nil
}

var noCache = []string{"no-cache"} // for caches from before HTTP/1.1 (RFC 6749 section 5.1)

func readTokenRequest(c *call) (consent.TokenRequest, error) {
	if c.Request().ContentLength == 0 {
		return consent.TokenRequest{RequestID: c.requestID}, nil
	}
	var r contract.TokenRequest
	err := c.read(&r)
	return consent.TokenRequest{RequestID: c.requestID, Scopes: r.Scopes,
		MinTTL: time.Duration(r.MinTTL) * time.Second, NeededUntil: r.NeededUntil.UTC()}, err
}

// appendHandOut writes the answer by hand: one of the few places where a
// secret is revealed, and the one that is called most.
func appendHandOut(b []byte, id consent.ID, h consent.HandedOut, now time.Time) []byte {
	b = slices.Grow(b, 512+len(h.Access.Token))
	b = appendText(append(b, `{"access_token":`...), h.Access.Token.Reveal())
	b = appendText(append(b, `,"token_type":`...), h.Access.Type)
	b = appendTime(append(b, `,"expires_at":`...), h.Access.Expiry)
	b = strconv.AppendInt(append(b, `,"expires_in":`...), int64(h.Access.Expiry.Sub(now)/time.Second), 10)
	b = append(b, `,"scopes":[`...)
	for i, scope := range h.Access.Scopes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, scope)
	}
	b = appendText(append(b, `],"consent":{"id":`...), string(id))
	b = appendTime(append(b, `,"ends_at":`...), h.EndsAt)
	b = strconv.AppendInt(append(b, `,"days_left":`...), int64(h.DaysLeft), 10)
	b = append(b, '}')
	if h.Access.NationalID != "" {
		b = appendText(append(b, `,"national_id":`...), h.Access.NationalID.Reveal())
	}
	return append(b, "}\n"...)
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = inSeconds(t).AppendFormat(b, time.RFC3339)
	return append(b, '"')
}

// appendText writes a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
