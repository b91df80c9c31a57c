package consent

import (
	"context"

	"github.com/consentd/consentd/token"
)

// Result is what a customer is told after coming back from the bank.
type Result struct {
	Ending  Ending
	Consent Consent
	App     App
	Bank    Bank
	Missing []string // required scopes that were left out

	// ReturnURL is the app's registered address, and Code the one-time code
	// that the app confirms with; empty unless Ending is EndUnconfirmed.
	ReturnURL string
	Code      token.Secret

	// SignIn: somebody went to prove who they are, so that there is neither a
	// consent nor an app. Claim is then the link for [Service.OpenAccess];
	// empty unless Ending is EndSignedIn.
	SignIn bool
	Claim  token.Secret
}

// resultBox is a result at rest.
type resultBox struct {
	Consent ID       `json:"consent"`
	Browser string   `json:"browser"`
	Ending  Ending   `json:"ending"`
	Missing []string `json:"missing,omitempty"`
	Code    string   `json:"code,omitempty"`
	SignIn  bool     `json:"sign_in,omitempty"`
	Bank    string   `json:"bank,omitempty"` // with SignIn
}

func (s *Service) putResult(ctx context.Context, ref string, r resultBox) error {
	box, err := s.sealFlow("result", ref, r)
	if err != nil {
		return err
	}
	until := s.c.Now().Add(resultLife)
	return s.insist(ctx, func() error { return s.c.Store.PutResult(ctx, ref, box, until) })
}

// Result reads what came of a trip, for the browser that made it. The ending
// is [EndUnknown] while the trip is being concluded. A confirmed consent
// reads as connected, so that arriving twice is no error.
func (s *Service) Result(ctx context.Context, ref string, browser token.Secret) (Result, error) {
	record, err := s.c.Store.Flow(ctx, ref)
	if err != nil {
		return Result{}, err
	}
	r, err := s.openResult(ref, record)
	if err != nil {
		return Result{}, err
	}
	if !isBrowser(browser, r.Browser) {
		return Result{}, ErrForeignBrowser
	}
	if r.SignIn {
		return Result{SignIn: true, Ending: r.Ending, Bank: s.banks[r.Bank], Claim: token.Secret(r.Code)}, nil
	}
	c, err := s.c.Store.Consent(ctx, r.Consent)
	if err != nil {
		return Result{}, err
	}
	app := s.apps[c.App]
	out := Result{
		Ending: r.Ending, Consent: c, App: app, Bank: s.banks[c.Bank], Missing: r.Missing,
		ReturnURL: app.ReturnURLs[c.ReturnTo], Code: token.Secret(r.Code),
	}
	if out.Ending == EndUnconfirmed && c.StatusAt(s.c.Now()) == Valid {
		out.Ending, out.Code = EndConnected, ""
	}
	return out, nil
}

// openResult opens the result, or of a trip without one, whose it is.
func (s *Service) openResult(ref string, record FlowRecord) (resultBox, error) {
	if record.Result != nil {
		var r resultBox
		return r, s.openFlow("result", ref, record.Result, &r)
	}
	var f flowBox
	if err := s.openFlow("flow", ref, record.Box, &f); err != nil {
		return resultBox{}, err
	}
	return resultBox{Consent: f.Consent, SignIn: f.SignIn, Bank: f.Bank, Browser: f.Browser, Ending: EndUnknown}, nil
}

// Retry gives the browser that came back empty-handed a fresh link for the
// same consent.
func (s *Service) Retry(ctx context.Context, ref string, browser token.Secret) (Link, error) {
	r, err := s.Result(ctx, ref, browser)
	if err != nil {
		return Link{}, err
	}
	if r.SignIn || !r.Consent.Renewable() {
		return Link{}, ErrLinkGone
	}
	return s.newLink(ctx, r.Consent.ID)
}

// Confirm makes a granted consent valid, for the completion code that the
// customer's browser brought back to the app. By calling it the app says that
// the browser belongs to the customer it asked for. The same code again
// returns the same consent.
func (s *Service) Confirm(ctx context.Context, app App, id ID, code token.Secret) (Consent, error) {
	c, err := s.Consent(ctx, app, id)
	if err != nil {
		return Consent{}, err
	}
	p, err := s.person(c)
	if err != nil {
		return Consent{}, err
	}
	h, err := s.holder(s.banks[c.Bank], p)
	if err != nil {
		return Consent{}, err
	}
	now := s.c.Now().UTC()
	err = s.c.Store.Confirm(ctx, id, Confirmation{
		Hash: hashOf(code), Person: h.Person, Subject: h.Subject, At: now, Work: s.life(id, ToldConnected, c.Term, now, c.EndsAt),
	})
	if err != nil {
		return Consent{}, err
	}
	s.wake()
	return s.c.Store.Consent(ctx, id)
}
