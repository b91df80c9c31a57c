package staff

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/staff/provider"
)

// signedOutElsewhere takes the identity provider's word that somebody has
// signed out there, or works here no more (OpenID Connect Back-Channel Logout
// 1.0, section 2.7). A word that comes again ends what it ended before, and no
// session that was begun since.
func (s *server) signedOutElsewhere(c *call) error {
	c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, mostForm)
	ctx := c.Request().Context()
	l, err := s.c.Provider.LoggedOut(ctx, c.Request().PostFormValue("logout_token"))
	if errors.Is(err, provider.ErrRefused) {
		s.log.WarnContext(ctx, "logout refused", slog.Any("error", err))
		return c.JSON(http.StatusBadRequest, map[string]string{"error": "invalid_request"})
	}
	if err != nil {
		return err
	}
	now := s.c.Clock().UTC().Truncate(time.Millisecond)
	keep := max(l.Expires.Sub(now), 0) + time.Hour
	first, err := s.c.Sessions.SeenFirst(ctx, l.ID, now, keep)
	if err != nil {
		return err
	}
	for _, whose := range endedBy(l) {
		if err := s.c.Sessions.EndAll(ctx, whose, first, s.c.Absolute); err != nil {
			return err
		}
	}
	if err := s.recordOnce(c, l, now, keep); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

// recordOnce puts on record, once, that the provider's word was followed. It
// comes after, with a mark of its own: whoever was to be signed out is, whether
// or not the record can be written.
func (s *server) recordOnce(c *call, l provider.Logout, now time.Time, keep time.Duration) error {
	ctx := c.Request().Context()
	first, err := s.c.Sessions.SeenFirst(ctx, "recorded "+l.ID, now, keep)
	if err != nil || !first.Equal(now) {
		return err
	}
	who := consent.Staff{ID: cmp.Or(l.Subject, "identity provider")}
	return s.desk.Record(ctx, consent.Act{Staff: who, Action: "signed_out", RequestID: c.requestID, Detail: "by the identity provider"})
}

// endedBy are the sessions that end: the one that is named, and those whose
// names nobody knows; all of somebody's where none is named.
func endedBy(l provider.Logout) (all []string) {
	switch {
	case l.Session == "":
		return []string{l.Subject}
	case l.Subject != "":
		all = append(all, unnamed(l.Subject))
	}
	return append(all, named(l.Session))
}
