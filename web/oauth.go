package web

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/consentd/consentd/web/contract"
)

// isOAuth reports whether a path, or a route, is one where OAuth is spoken.
func isOAuth(path string) bool { return path == pathExchange }

// oauthName is how OAuth says what a code of ours says. Whatever is wrong with
// the subject token is an invalid_request (RFC 8693 section 2.2.2).
type oauthName struct {
	name   string
	status int
}

var oauthNames = map[string]oauthName{
	"unauthorized":           {"invalid_client", http.StatusUnauthorized},
	"operation-not-allowed":  {"unauthorized_client", http.StatusBadRequest},
	"unsupported-grant-type": {"unsupported_grant_type", http.StatusBadRequest},
	"invalid-target":         {"invalid_target", http.StatusBadRequest},
	"insufficient-scope":     {"invalid_scope", http.StatusBadRequest},
	"method-not-allowed":     {"invalid_request", http.StatusMethodNotAllowed},
	"too-large":              {"invalid_request", http.StatusRequestEntityTooLarge},
	"rate-limited":           {"temporarily_unavailable", http.StatusTooManyRequests},
	"bank-unavailable":       {"temporarily_unavailable", http.StatusServiceUnavailable},
	"issuer-unavailable":     {"temporarily_unavailable", http.StatusServiceUnavailable},
	"store-unavailable":      {"temporarily_unavailable", http.StatusServiceUnavailable},
	internalError:            {"server_error", http.StatusInternalServerError},
}

func oauthNameOf(code string) oauthName {
	if n, ok := oauthNames[code]; ok {
		return n
	}
	return oauthName{"invalid_request", http.StatusBadRequest}
}

// writeOAuthError writes an error where OAuth is spoken (RFC 6749 section
// 5.2): for libraries the first three members, for an app's developer the
// others, which are those of a problem.
func (s *server) writeOAuthError(c *call, p contract.Problem) error {
	n := oauthNameOf(p.Code)
	body, err := json.Marshal(contract.OAuthError{Error: n.name, ErrorDescription: p.Detail, ErrorURI: s.publicURL(p.Type), Code: p.Code,
		RequestID: p.RequestID, Errors: p.Errors, Cause: p.Cause, ConsentEndsAt: p.ConsentEndsAt, LongestTTL: p.LongestTTL,
		MissingScopes: p.MissingScopes, RenewalURL: p.RenewalURL, RenewalURLExpiresAt: p.RenewalURLExpiresAt, RetryAfter: p.RetryAfter})
	if err != nil {
		return fmt.Errorf("write OAuth error: %w", err)
	}
	if n.status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", `Basic realm="consentd"`)
	}
	c.Response().Header()["Pragma"] = noCache
	return c.Blob(n.status, "application/json", append(body, '\n'))
}
