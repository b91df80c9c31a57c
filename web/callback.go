package web

import (
	"net/http"
	"net/url"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// callbackPath is where banks send browsers back to.
const callbackPath = "/callback/:bank"

// mostAnswer is how long the query of a bank's answer may be.
const mostAnswer = 8 << 10

// callback answers GET /callback/{bank}: the browser comes back from the bank
// (RFC 6749 section 4.1.2). It moves the browser on at once, to an address
// without the code.
func (s *server) callback(c *call) error {
	c.noReferrer()
	arrival, err := readArrival(c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	arrival.Bank, arrival.Browser = c.Param("bank"), s.browser(c)
	ref, err := s.service.Return(c.Request().Context(), arrival)
	if err != nil {
		return err
	}
	return c.away("/back/" + ref)
}

// readArrival takes the parameters that we know, each at most once (RFC 6749
// section 3.1). Others are ignored, the bank's error_description among them:
// it could say anything.
func readArrival(query string) (consent.Arrival, error) {
	q, err := url.ParseQuery(query)
	if err != nil || len(query) > mostAnswer {
		return consent.Arrival{}, consent.ErrForgedReturn
	}
	for _, name := range []string{"code", "state", "iss", "error"} {
		if len(q[name]) > 1 {
			return consent.Arrival{}, consent.ErrForgedReturn
		}
	}
	return consent.Arrival{
		State: token.Secret(q.Get("state")), Code: token.Secret(q.Get("code")),
		Issuer: q.Get("iss"), Error: q.Get("error"),
	}, nil
}

// callbackProbe answers HEAD, which must not spend the code.
func callbackProbe(c *call) error {
	c.noReferrer()
	return c.NoContent(http.StatusOK)
}
