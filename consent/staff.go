package consent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/consentd/consentd/token"
)

// mostReason is the length of a reason, in characters.
const mostReason = 200

// checkReason refuses an act of staff without a reason: 1 to 200 printable
// characters.
func checkReason(reason string) error {
	invalid := &Invalid{}
	if strings.TrimSpace(reason) == "" || !printable(reason, mostReason) {
		invalid.add("/reason", "must be 1 to %d printable characters", mostReason)
	}
	return invalid.orNil()
}

func printable(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

var codeForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// IsCode reports whether a reason is a code: it is shown to apps and may stand
// in the clear. Anything else may name somebody, and stays sealed.
func IsCode(reason string) bool { return codeForm.MatchString(reason) }

func reasonCode(reason, fallback string) string {
	if IsCode(reason) {
		return reason
	}
	return fallback
}

// onRecord puts what staff are about to do to a consent on record, first in
// the chain and then in the consent's timeline. [ErrNotFound] comes before
// anything is on record. The context that it returns is for the act itself,
// whose lines then say by whom and why.
func (s *Service) onRecord(ctx context.Context, who Staff, action string, id ID, reason string) (context.Context, Act, error) {
	if err := checkReason(reason); err != nil {
		return ctx, Act{}, err
	}
	if _, err := s.c.Store.Consent(ctx, id); err != nil {
		return ctx, Act{}, err
	}
	a, err := s.record(ctx, Act{Staff: who, Action: action, Consent: id, Reason: reason})
	if err != nil {
		return ctx, Act{}, err
	}
	ctx = WithOrigin(ctx, Origin{RequestID: a.RequestID, Staff: who.ID, Reason: reasonCode(reason, "")})
	// The number leads to the chain, which has the reason in full.
	line := Entry{At: a.At, Actor: ByStaff, Event: "staff_" + action, Detail: fmt.Sprintf("act %d", a.Seq)}
	return ctx, a, s.c.Store.Note(ctx, id, line)
}

// See is [Service.History] for staff: that they looked is on record, and in
// what they see.
func (s *Service) See(ctx context.Context, who Staff, id ID, reason string) (History, error) {
	ctx, _, err := s.onRecord(ctx, who, ActSee, id, reason)
	if err != nil {
		return History{}, err
	}
	return s.seen(ctx, id)
}

// SeeList reads the consents of one customer for staff, to choose from: that
// they looked is on record of each. What is gone meanwhile is left out.
func (s *Service) SeeList(ctx context.Context, who Staff, ids []ID, reason string) ([]Consent, error) {
	if err := checkReason(reason); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, _, err := s.onRecord(ctx, who, ActList, id, reason); err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	return s.found(ctx, ids)
}

// seen is a history with the customer's national id, masked.
func (s *Service) seen(ctx context.Context, id ID) (History, error) {
	h, err := s.History(ctx, id)
	if err != nil {
		return History{}, err
	}
	c, err := s.c.Store.Consent(ctx, id)
	if err != nil {
		return History{}, err
	}
	p, err := s.person(c)
	h.NationalID = masked(p.NationalID)
	return h, err
}

// StopByStaff ends a consent. A reason that is a code becomes the cause; any
// other stays sealed on record.
func (s *Service) StopByStaff(ctx context.Context, who Staff, id ID, reason string) (Consent, error) {
	ctx, _, err := s.onRecord(ctx, who, ActStop, id, reason)
	if err != nil {
		return Consent{}, err
	}
	return s.Stop(ctx, id, ByStaff, reasonCode(reason, CauseStopped))
}

// RenewalByStaff makes a link that leads the customer to the bank again, for
// staff to copy. What was revoked on purpose is [ErrRevoked].
func (s *Service) RenewalByStaff(ctx context.Context, who Staff, id ID, reason string) (Link, error) {
	c, err := s.c.Store.Consent(ctx, id)
	if err != nil {
		return Link{}, err
	}
	if !c.Renewable() {
		return Link{}, ErrRevoked
	}
	if ctx, _, err = s.onRecord(ctx, who, ActRenewal, id, reason); err != nil {
		return Link{}, err
	}
	return s.newLink(ctx, id)
}

// SendRenewal mails the customer a link to the page where they renew. It is
// [ErrNoAddress] where no address is known, [ErrRevoked] where the consent was
// revoked on purpose, and [ErrLinkGone] where the page behind such a link
// would no longer open: a month after the end, or before the first grant.
func (s *Service) SendRenewal(ctx context.Context, who Staff, id ID, reason string) error {
	c, err := s.c.Store.Consent(ctx, id)
	if err != nil {
		return err
	}
	p, err := s.person(c)
	switch {
	case err != nil:
		return err
	case !c.Renewable():
		return ErrRevoked
	case !c.RenewableByMail(s.c.Now()):
		return ErrLinkGone
	case !s.reachesByMail(c, p):
		return ErrNoAddress
	}
	ctx, a, err := s.onRecord(ctx, who, ActSend, id, reason)
	if err != nil {
		return err
	}
	n := Notice{Channel: ChannelMail, Event: renewalLink(a.Seq), Term: c.Term}
	work := Work{Add: []Task{{Kind: TaskDeliver, ID: id, Arg: n.String(), Due: s.c.Now().UTC()}}}
	if err := s.c.Store.Schedule(ctx, id, work); err != nil {
		return err
	}
	s.wake()
	return nil
}

func (s *Service) reachesByMail(c Consent, p Person) bool {
	e := Event{Notice: Notice{Channel: ChannelMail, Event: ToldLink, Term: c.Term}, Consent: c, App: s.apps[c.App], Bank: s.banks[c.Bank],
		Email: p.Email, At: s.c.Now().UTC()}
	for _, n := range s.c.Notify {
		if n.Channel() == ChannelMail && n.Reaches(e) {
			return p.Email != ""
		}
	}
	return false
}

// Resend makes a message due again that was given up: the next tick tries to
// deliver it, unless what it tells is no longer so. [ErrNotFound]: somebody
// else did.
func (s *Service) Resend(ctx context.Context, who Staff, u Undelivered, reason string) error {
	ctx, _, err := s.onRecord(ctx, who, ActResend, u.ID, reason)
	if err != nil {
		return err
	}
	return s.c.Store.Redeliver(ctx, u.task, s.c.Now().UTC())
}

// EraseByStaff is [Service.Erase], on record with the reference of its proof.
func (s *Service) EraseByStaff(ctx context.Context, who Staff, app App, reference token.Secret, reason string) (Erasure, error) {
	if err := checkReason(reason); err != nil {
		return Erasure{}, err
	}
	proof := newReference()
	if err := s.Record(ctx, Act{Staff: who, Action: ActErase, Reason: reason, Detail: "app " + app.ID + ", proof " + proof}); err != nil {
		return Erasure{}, err
	}
	e, err := s.erase(ctx, ByStaff, app, reference, proof)
	if err == nil {
		s.c.Log.InfoContext(ctx, "customer erased by staff", slog.String("app", app.ID), slog.Int("consents", e.Consents))
	}
	return e, err
}
