package consent

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

// An idempotency key makes asking for a consent repeatable. What a request is
// going to make, its consent's id and its link, is put down under the key
// before anything is made. Whoever comes with the same key finds it there and
// goes on from where the first one got to, so that a crash, a lost answer or
// two calls at once lead to one consent.

// onceLife is how long an idempotency key is remembered.
const onceLife = 24 * time.Hour

const mostIdempotencyKey = 255

// onceBox is what stands under an idempotency key. The fingerprint of the
// request is keyed, because the request names a person.
type onceBox struct {
	Fingerprint string    `json:"fingerprint"`
	Consent     ID        `json:"consent"`
	Link        string    `json:"link"`
	Expires     time.Time `json:"expires"`
}

// once is an idempotency key on its way through [Service.Create].
type once struct {
	app, key string // the key's keyed index
	box      onceBox
	made     bool // consent and link have been stored
	replayed bool // another call came first
}

// OnceStore keeps what idempotency keys stand for. A key belongs to an app;
// boxes are sealed, and gone after until at the latest.
type OnceStore interface {
	// Reserve puts down a box under a key, unless there is one. It returns
	// the box that stands there now, and whether Made was said of it.
	Reserve(ctx context.Context, app, key string, box []byte, until time.Time) (stands []byte, made bool, err error)

	// Made puts down that what the box describes is stored. A key that is
	// gone stays gone.
	Made(ctx context.Context, app, key string) error
}

func isIdempotencyKey(key string) bool {
	return len(key) <= mostIdempotencyKey && !strings.ContainsFunc(key, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-:", r)
	})
}

// createOnce is Create for a request with an idempotency key. r is in normal
// form.
func (s *Service) createOnce(ctx context.Context, app App, bank Bank, r Request) (Consent, Link, error) {
	customer, err := s.customerIndex(app.ID, r.Reference)
	if err != nil {
		return Consent{}, Link{}, err
	}
	o, err := s.reserve(ctx, app, customer, r)
	if err != nil {
		return Consent{}, Link{}, err
	}
	if !o.made {
		if err := s.make(ctx, app, bank, r, customer, o); err != nil {
			return Consent{}, Link{}, err
		}
	}
	c, err := s.c.Store.Consent(ctx, o.box.Consent)
	if err != nil {
		return Consent{}, Link{}, err
	}
	link := Link{Secret: token.Secret(o.box.Link), Expires: o.box.Expires}
	if !s.c.Now().Before(link.Expires) {
		link, err = s.newLink(ctx, c.ID)
	}
	link.Replayed = o.replayed
	return c, link, err
}

// make stores the consent and the link that a key stands for. Each of its
// steps can be repeated, also by somebody else.
func (s *Service) make(ctx context.Context, app App, bank Bank, r Request, customer []byte, o once) error {
	if _, err := s.store(ctx, app, bank, r, customer, o.box.Consent); err != nil {
		return err
	}
	if err := s.putLink(ctx, o.box.Consent, Link{Secret: token.Secret(o.box.Link), Expires: o.box.Expires}); err != nil {
		return err
	}
	return s.c.Store.Made(ctx, o.app, o.key)
}

// reserve puts down what the request is going to make, or finds what the
// first request with this key was. Another request than the first is
// [ErrKeyReused].
func (s *Service) reserve(ctx context.Context, app App, customer []byte, r Request) (once, error) {
	fingerprint, err := s.fingerprint(app, r)
	if err != nil {
		return once{}, err
	}
	index, err := s.c.Keys.Index("idempotency key", app.ID, r.IdempotencyKey)
	if err != nil {
		return once{}, err
	}
	id, err := newID(customer)
	if err != nil {
		return once{}, err
	}
	o := once{app: app.ID, key: hex.EncodeToString(index), box: onceBox{Fingerprint: fingerprint, Consent: id,
		Link: newSecret().Reveal(), Expires: s.c.Now().Add(s.c.LinkLife).UTC()}}
	box, err := s.sealFlow("once", o.key, o.box)
	if err != nil {
		return once{}, err
	}
	stands, made, err := s.c.Store.Reserve(ctx, o.app, o.key, box, s.c.Now().Add(onceLife))
	if err != nil {
		return once{}, err
	}
	o.made, o.replayed = made, !bytes.Equal(stands, box)
	if err := s.openFlow("once", o.key, stands, &o.box); err != nil {
		return once{}, err
	}
	if o.box.Fingerprint != fingerprint {
		s.c.Log.WarnContext(ctx, "idempotency key used for another request", slog.String("app", app.ID))
		return once{}, ErrKeyReused
	}
	return o, nil
}

// fingerprint is equal for requests that ask for the same.
func (s *Service) fingerprint(app App, r Request) (string, error) {
	scopes := slices.Clone(r.Scopes)
	slices.Sort(scopes)
	sum, err := s.c.Keys.Index("request", app.ID, r.Reference.Reveal(), r.Bank, r.ReturnTo, r.Expected.Reveal(),
		strings.Join(scopes, " "), r.Email.Reveal(), r.Language)
	return base64.RawURLEncoding.EncodeToString(sum), err
}
