package web

import (
	"net/http"
	"strings"
)

// headers are the security headers of every answer.
type headers struct {
	api, page http.Header
}

const (
	policyStart = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'"
	policyEnd   = "; base-uri 'none'; frame-ancestors 'none'"
)

func newHeaders(https bool) headers {
	h := headers{
		api: http.Header{
			"Cache-Control":          {"no-store"},
			"X-Content-Type-Options": {"nosniff"},
		},
		page: http.Header{
			"Cache-Control":                {"no-store"},
			"X-Content-Type-Options":       {"nosniff"},
			"Content-Security-Policy":      {policyStart + policyEnd},
			"Cross-Origin-Opener-Policy":   {"same-origin"},
			"Cross-Origin-Resource-Policy": {"same-origin"},
			"Referrer-Policy":              {"same-origin"},
			"X-Robots-Tag":                 {"noindex"},
		},
	}
	if https {
		for _, header := range []http.Header{h.api, h.page} {
			header.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
	}
	return h
}

// set puts the headers on an answer. The values are shared between answers:
// handlers replace them with Set and never write into them.
func (h headers) set(c *call) {
	out, all := c.Response().Header(), h.page
	if c.isAPI {
		all = h.api
	}
	for name, value := range all {
		out[name] = value
	}
	out.Set("X-Request-Id", c.requestID)
}

// allowForm lets the page's form end at a bank: browsers apply form-action to
// where a redirect leads as well.
func (c *call) allowForm(origins string) {
	if origins == "" {
		origins = "https:"
	}
	origins = strings.Join(strings.Fields(origins), " ")
	c.Response().Header().Set("Content-Security-Policy", policyStart+" "+origins+policyEnd)
}

// noReferrer keeps the address of this page from the next one.
func (c *call) noReferrer() { c.Response().Header().Set("Referrer-Policy", "no-referrer") }

// away sends a browser on with GET. What the address holds goes to no log and
// no other site.
func (c *call) away(address string) error {
	c.noReferrer()
	return c.Redirect(http.StatusSeeOther, address)
}
