package workforce

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

var tripField = regexp.MustCompile(`name="trip" value="([A-Z2-7]+)"`)

// SignIn is a browser in which somebody follows address, a client's
// authorization request, and picks who they are. It returns where the provider
// sends the browser back to.
func (p *Provider) SignIn(address, subject string) (*url.URL, error) {
	browser := &http.Client{Transport: p, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	shown, err := browser.Get(address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = shown.Body.Close() }()
	if shown.StatusCode == http.StatusSeeOther {
		return shown.Location()
	}
	var body strings.Builder
	if _, err := io.Copy(&body, shown.Body); err != nil {
		return nil, err
	}
	field := tripField.FindStringSubmatch(body.String())
	if field == nil {
		return nil, fmt.Errorf("workforce: %s answers %s without a form", address, shown.Status)
	}
	picked, err := browser.PostForm(p.cfg.Issuer+"/authorize", url.Values{"trip": {field[1]}, "subject": {subject}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = picked.Body.Close() }()
	return picked.Location()
}
