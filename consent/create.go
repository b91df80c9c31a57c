package consent

import (
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/consentd/consentd/token"
)

// Request is an app asking for a customer's consent.
type Request struct {
	Reference token.Secret // the app's own name for the customer: 1 to 128 printable characters
	Bank      string
	ReturnTo  string       // id of one of the app's return URLs
	Expected  token.Secret // national id of the customer; empty: the app confirms by completion code
	Scopes    []string     // optional scopes, besides the bank's required ones
	Email     token.Secret // where the customer is warned; may be empty
	Language  string       // en, is or sv; default en

	// IdempotencyKey makes the request repeatable for a day: 1 to 255 of
	// A–Z a–z 0–9 . _ - : or empty.
	IdempotencyKey string
}

// Link is the address of a hosted page: a one-time secret, bound to the
// browser that uses it first.
type Link struct {
	Secret   token.Secret
	Expires  time.Time
	Replayed bool // of a request that was made before with the same idempotency key
}

// Languages that customers are spoken to in; the first is the default.
var Languages = []string{"en", "is", "sv"}

const mostReference = 128

// Create stores a consent that an app asks for, and returns the link to the
// page that asks the customer. With an idempotency key, the same request again
// returns the same consent, with the same link as long as that works. Its
// error is an *[Invalid], [ErrKeyReused], [ErrNotFound] for a repetition whose
// consent was erased, or [token.ErrStoreUnavailable].
func (s *Service) Create(ctx context.Context, app App, r Request) (Consent, Link, error) {
	r, bank, err := s.check(app, r)
	if err != nil {
		return Consent{}, Link{}, err
	}
	if r.IdempotencyKey != "" {
		return s.createOnce(ctx, app, bank, r)
	}
	customer, err := s.customerIndex(app.ID, r.Reference)
	if err != nil {
		return Consent{}, Link{}, err
	}
	id, err := newID(customer)
	if err != nil {
		return Consent{}, Link{}, err
	}
	c, err := s.store(ctx, app, bank, r, customer, id)
	if err != nil {
		return Consent{}, Link{}, err
	}
	link, err := s.newLink(ctx, id)
	return c, link, err
}

// store stores a consent that was asked for, under an id that was made for it.
func (s *Service) store(ctx context.Context, app App, bank Bank, r Request, customer []byte, id ID) (Consent, error) {
	c := Consent{
		ID: id, App: app.ID, Bank: bank.ID, Status: Received, Version: 1,
		Asked: append(slices.Clone(bank.Required), r.Scopes...), ReturnTo: r.ReturnTo,
		Language: r.Language, CreatedAt: s.c.Now().UTC(),
	}
	c.ChangedAt = c.CreatedAt
	var err error
	c.Personal, err = s.sealPerson(id, Person{Reference: r.Reference, Expected: r.Expected, Email: r.Email})
	if err != nil {
		return Consent{}, err
	}
	work := Work{Add: []Task{s.purge(c.ID, c.CreatedAt)}}
	if err := s.c.Store.Create(ctx, c, customer, work); err != nil {
		return Consent{}, err
	}
	s.c.Log.InfoContext(ctx, "consent asked for", slog.String("consent", string(id)),
		slog.String("app", app.ID), slog.String("bank", bank.ID))
	return c, nil
}

// check returns the request in normal form.
func (s *Service) check(app App, r Request) (Request, Bank, error) {
	var wrong Invalid
	bank, known := s.banks[r.Bank]
	if !known || !slices.Contains(app.Banks, r.Bank) {
		wrong.add("/bank", "is not a bank that this app may use; it may use: %s", strings.Join(app.Banks, ", "))
	}
	if _, ok := app.ReturnURLs[r.ReturnTo]; !ok {
		wrong.add("/return_to", "is not the id of one of this app's return URLs")
	}
	checkReference(&wrong, r.Reference)
	if !isIdempotencyKey(r.IdempotencyKey) {
		wrong.add("/idempotency_key", "must be 1 to %d of A-Z a-z 0-9 . _ - :", mostIdempotencyKey)
	}
	if r.Language == "" {
		r.Language = Languages[0]
	}
	checkLanguage(&wrong, r.Language)
	if r.Email != "" {
		if a, err := mail.ParseAddress(r.Email.Reveal()); err != nil || a.Address != r.Email.Reveal() {
			wrong.add("/email", "must be a plain e-mail address, such as anna@example.is")
		}
	}
	if known {
		r.Scopes = checkScopes(&wrong, app, bank, r.Scopes)
		r.Expected = checkExpected(&wrong, bank, r.Expected)
	}
	return r, bank, wrong.orNil()
}

func checkReference(wrong *Invalid, reference token.Secret) {
	if n := len(reference); n == 0 || n > mostReference || strings.ContainsFunc(reference.Reveal(), unicode.IsControl) {
		wrong.add("/customer_reference", "must be 1 to %d printable characters", mostReference)
	}
}

func checkLanguage(wrong *Invalid, language string) {
	if !slices.Contains(Languages, language) {
		wrong.add("/language", "must be one of: %s", strings.Join(Languages, ", "))
	}
}

// checkScopes drops the required scopes, which are always asked for.
func checkScopes(wrong *Invalid, app App, bank Bank, scopes []string) []string {
	var optional []string
	for i, scope := range scopes {
		switch {
		case slices.Contains(bank.Required, scope), slices.Contains(optional, scope):
		case !slices.Contains(bank.Optional, scope):
			wrong.add(fmt.Sprintf("/scopes/%d", i), "is not a scope of this bank; besides %s there is: %s",
				strings.Join(bank.Required, ", "), listOr(bank.Optional, "nothing"))
		case !slices.Contains(app.Scopes, scope):
			wrong.add(fmt.Sprintf("/scopes/%d", i), "is not a scope that this app may ask for")
		default:
			optional = append(optional, scope)
		}
	}
	return optional
}

func checkExpected(wrong *Invalid, bank Bank, id token.Secret) token.Secret {
	const where = "/expected_national_id"
	if id == "" {
		return ""
	}
	normal, err := bank.NationalID.normalise(id)
	switch {
	case err != nil:
		wrong.add(where, "%v", err)
	case bank.IndividualsOnly && bank.NationalID.company(normal):
		wrong.add(where, "is a company's; %s serves individuals only", bank.Name)
	case bank.CheckDigit && !bank.NationalID.checks(normal):
		wrong.add(where, "has a check digit that does not fit")
	}
	return normal
}

func listOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}

// Consent returns one of the app's own consents; another app's is
// [ErrNotFound].
func (s *Service) Consent(ctx context.Context, app App, id ID) (Consent, error) {
	c, err := s.c.Store.Consent(ctx, id)
	if err != nil {
		return Consent{}, err
	}
	if c.App != app.ID {
		return Consent{}, ErrNotFound
	}
	return c, nil
}

// Renew returns a fresh link that leads the customer to the bank again,
// under the same id: to renew before the end, to connect again after it, or
// to try again. What was revoked on purpose is [ErrRevoked].
func (s *Service) Renew(ctx context.Context, app App, id ID) (Consent, Link, error) {
	c, err := s.Consent(ctx, app, id)
	if err != nil {
		return Consent{}, Link{}, err
	}
	if !c.Renewable() {
		return c, Link{}, ErrRevoked
	}
	link, err := s.newLink(ctx, id)
	return c, link, err
}

// linkBox is what a link leads to.
type linkBox struct {
	Consent ID        `json:"consent"`
	Until   time.Time `json:"until"`
}

func (s *Service) newLink(ctx context.Context, id ID) (Link, error) {
	link := Link{Secret: newSecret(), Expires: s.c.Now().Add(s.c.LinkLife).UTC()}
	return link, s.putLink(ctx, id, link)
}

func (s *Service) putLink(ctx context.Context, id ID, link Link) error {
	key := hashOf(link.Secret)
	box, err := s.sealFlow("link", key, linkBox{Consent: id, Until: link.Expires})
	if err != nil {
		return err
	}
	return s.c.Store.PutLink(ctx, key, box, link.Expires)
}
