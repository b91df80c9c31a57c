package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Customer plays a customer's browser against a bank: it submits the forms
// that the pages show, as a person would.
type Customer struct {
	User   string       // user name to sign in with
	Untick []string     // scopes not to allow
	Cancel bool         // on the permissions page
	Client *http.Client // to reach the bank with; default http.DefaultClient
}

// maxPages is more than a walk through the bank has.
const maxPages = 12

// Authorize walks from the authorization address to the bank's answer and
// returns the callback address, with a code or an error, without following
// it. Each walk is a fresh browser. The error says where the walk stopped.
func (c Customer) Authorize(ctx context.Context, authorizationURL string) (callback string, err error) {
	browser, err := c.browser()
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, authorizationURL, nil)
	if err != nil {
		return "", err
	}
	for range maxPages {
		res, err := browser.Do(req)
		if err != nil {
			return "", fmt.Errorf("customer opens a page: %w", err)
		}
		next, callback, err := c.step(ctx, res)
		if err != nil {
			return "", fmt.Errorf("customer at %s: %w", res.Request.URL.Path, err)
		}
		if callback != "" {
			return callback, nil
		}
		req = next
	}
	return "", errors.New("customer walks in a circle")
}

// browser has cookies of its own and stops at redirects, to see the callback.
func (c Customer) browser() (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{}
	if c.Client != nil {
		*browser = *c.Client
	}
	browser.Jar = jar
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return browser, nil
}

// step does on one page what the customer would, and says where that leads.
func (c Customer) step(ctx context.Context, res *http.Response) (next *http.Request, callback string, err error) {
	defer res.Body.Close()
	if location, err := res.Location(); err == nil && res.StatusCode < 400 {
		if isCallback(location) {
			return nil, location.String(), nil
		}
		next, err = http.NewRequestWithContext(ctx, http.MethodGet, location.String(), nil)
		return next, "", err
	}
	if res.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("page says %s", res.Status)
	}
	doc, err := html.Parse(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, "", err
	}
	forms := findForms(doc)
	if len(forms) == 0 {
		return nil, "", errors.New("page has no form")
	}
	f := forms[0]
	if f.values.Has("username") {
		f.values.Set("username", c.User)
		f.values.Set("password", "any")
		f.values.Set("action", "login")
	} else {
		f.values["scope"] = slices.DeleteFunc(f.values["scope"], func(s string) bool { return slices.Contains(c.Untick, s) })
		f.values.Set("action", "approve")
		if c.Cancel {
			f.values.Set("action", "cancel")
		}
	}
	next, err = f.submit(ctx, res.Request.URL)
	return next, "", err
}

// isCallback knows the answer to a client by the parameters of RFC 9207.
func isCallback(u *url.URL) bool {
	q := u.Query()
	return q.Has("iss") && (q.Has("code") || q.Has("error"))
}

// form is an HTML form with what it would send.
type form struct {
	action string
	values url.Values
}

// submit posts f as a browser on page would.
func (f form) submit(ctx context.Context, page *url.URL) (*http.Request, error) {
	target, err := page.Parse(f.action)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(f.values.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", page.Scheme+"://"+page.Host)
	return req, nil
}

func findForms(doc *html.Node) []form {
	var forms []form
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch {
		case n.Data == "form":
			action, _ := attribute(n, "action")
			forms = append(forms, form{action: action, values: url.Values{}})
		case n.Data == "input" && len(forms) > 0:
			forms[len(forms)-1].add(n)
		}
	}
	return forms
}

// add takes an input that a browser would send as it stands.
func (f form) add(input *html.Node) {
	name, _ := attribute(input, "name")
	value, _ := attribute(input, "value")
	kind, _ := attribute(input, "type")
	if _, checked := attribute(input, "checked"); kind == "checkbox" && !checked || name == "" {
		return
	}
	f.values.Add(name, value)
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}
