package consent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/consentd/consentd/token"
)

// Ask is what the hosted page tells the customer before asking.
type Ask struct {
	Consent Consent
	App     App
	Bank    Bank
	Scopes  []string
	EndsAt  time.Time // if the customer agrees now
	Renewal bool      // a live consent is being renewed: it goes on working meanwhile
}

// Ask reads what a link leads to, and changes nothing. Its error is
// [ErrLinkGone] or [token.ErrStoreUnavailable].
func (s *Service) Ask(ctx context.Context, link token.Secret) (Ask, error) {
	key := hashOf(link)
	box, err := s.c.Store.Link(ctx, key)
	if err != nil {
		return Ask{}, err
	}
	return s.openLink(ctx, key, box)
}

func (s *Service) openLink(ctx context.Context, key string, box []byte) (Ask, error) {
	var l linkBox
	if err := s.openFlow("link", key, box, &l); err != nil {
		return Ask{}, err
	}
	if !s.c.Now().Before(l.Until) {
		return Ask{}, ErrLinkGone
	}
	c, err := s.c.Store.Consent(ctx, l.Consent)
	if err != nil {
		return Ask{}, goneIfNotFound(err)
	}
	if !c.Renewable() {
		return Ask{}, ErrLinkGone
	}
	return s.askFor(c)
}

// askFor puts together what a customer is told about a consent.
func (s *Service) askFor(c Consent) (Ask, error) {
	now := s.c.Now()
	bank, knownBank := s.banks[c.Bank]
	app, knownApp := s.apps[c.App]
	if !knownBank || !knownApp {
		return Ask{}, ErrLinkGone
	}
	return Ask{
		Consent: c, App: app, Bank: bank, Scopes: c.Asked,
		EndsAt: bank.Clock.End(now, time.Time{}), Renewal: c.StatusAt(now) == Valid,
	}, nil
}

// goneIfNotFound: a link to what was purged leads nowhere.
func goneIfNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return ErrLinkGone
	}
	return err
}

// flowBox is one trip of one browser to the bank.
type flowBox struct {
	Consent     ID        `json:"consent"`
	Bank        string    `json:"bank"`
	Browser     string    `json:"browser"` // hash of the browser's secret
	Verifier    string    `json:"verifier"`
	Nonce       string    `json:"nonce"`
	Scopes      []string  `json:"scopes"`
	TextVersion string    `json:"text_version"`
	SignIn      bool      `json:"sign_in,omitempty"` // there is no consent: somebody proves who they are
	Until       time.Time `json:"until"`
}

// Begin uses a link from one browser, known by the secret in its cookie, and
// returns the bank's address to send it to. textVersion names the wording
// that the customer saw, by its language first; mails follow in that language.
// Its error is [ErrLinkGone], [ErrLinkUsed],
// [ErrBankUnavailable] or [token.ErrStoreUnavailable]; after the last two the
// same browser can try again.
func (s *Service) Begin(ctx context.Context, link, browser token.Secret, textVersion string) (string, error) {
	key := hashOf(link)
	box, err := s.c.Store.UseLink(ctx, key, hashOf(browser))
	if err != nil {
		return "", err
	}
	ask, err := s.openLink(ctx, key, box)
	if err != nil {
		return "", err
	}
	state, f, address, err := s.setOut(ctx, ask.Bank.ID, browser, ask.Scopes, false)
	if err != nil {
		return "", err
	}
	f.Consent, f.TextVersion = ask.Consent.ID, textVersion
	if err := s.putFlow(ctx, state, f); err != nil {
		return "", err
	}
	return address, s.c.Store.Note(ctx, f.Consent, Entry{At: s.c.Now(), Actor: ByCustomer, Event: "authorizing", Detail: textVersion})
}

// setOut prepares a browser's trip to a bank: the key to keep it under, and
// the address to send the browser to.
func (s *Service) setOut(ctx context.Context, bank string, browser token.Secret, scopes []string, anew bool) (key string, f flowBox, address string, err error) {
	state, nonce, verifier := newSecret(), newSecret(), newSecret()
	address, err = s.c.Vault.AuthorizationURL(ctx, bank, token.AuthorizationRequest{
		State: state, Nonce: nonce, Verifier: verifier, Scopes: scopes, Anew: anew,
	})
	if err != nil {
		s.c.Log.WarnContext(ctx, "no way to the bank", slog.String("bank", bank), slog.Any("error", err))
		return "", flowBox{}, "", ErrBankUnavailable
	}
	return hashOf(state), flowBox{
		Bank: bank, Browser: hashOf(browser), Verifier: verifier.Reveal(), Nonce: nonce.Reveal(), Scopes: scopes,
		Until: s.c.Now().Add(s.c.FlowLife),
	}, address, nil
}

func (s *Service) putFlow(ctx context.Context, key string, f flowBox) error {
	box, err := s.sealFlow("flow", key, f)
	if err != nil {
		return err
	}
	return s.c.Store.PutFlow(ctx, key, box, f.Until)
}

// redemption is how the code is exchanged that came back from this trip.
func (f flowBox) redemption(a Arrival) token.Redemption {
	return token.Redemption{Code: a.Code, Verifier: token.Secret(f.Verifier), Nonce: token.Secret(f.Nonce), Scopes: f.Scopes}
}
