package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/consentd/consentd/web/workload"
)

// Workload is a program that an app is known by: through the token that an
// issuer gave it.
type Workload struct {
	Issuer  string // its id; see [workload.Issuer]
	Subject string
	Claims  map[string]string // that the token must have besides
}

// contradicts reports whether no token can be both.
func (w Workload) contradicts(other Workload) bool {
	for claim, value := range w.Claims {
		if wanted, ok := other.Claims[claim]; ok && wanted != value {
			return true
		}
	}
	return false
}

// program is a workload and the caller that it is.
type program struct {
	Workload
	caller
}

// workloads are the programs by issuer and subject.
type workloads map[[2]string][]program

func newWorkloads(clients []*client) (workloads, error) {
	all := make(workloads)
	var errs []error
	for _, c := range clients {
		for _, w := range c.Workloads {
			at := [2]string{w.Issuer, w.Subject}
			for _, other := range all[at] {
				if other.App.ID != c.App.ID && !w.contradicts(other.Workload) {
					errs = append(errs, fmt.Errorf("web: apps %q and %q have the same workload", other.App.ID, c.App.ID))
				}
			}
			all[at] = append(all[at], program{Workload: w, caller: c.caller(byWorkload, w.Issuer+"/"+w.Subject)})
		}
	}
	return all, errors.Join(errs...)
}

// errAmbiguous: a token that two apps are known by.
var errAmbiguous = errors.New("the token fits two apps")

// caller is whose workload a token is of.
func (w workloads) caller(t workload.Token) (caller, error) {
	var who caller
	for _, p := range w[[2]string{t.Issuer, t.Subject}] {
		if !p.fits(t) {
			continue
		}
		if who.client != nil && who.client != p.client {
			return caller{}, errAmbiguous
		}
		who = p.caller
	}
	if who.client == nil {
		return caller{}, errors.New("no app has this workload")
	}
	return who, nil
}

func (p program) fits(t workload.Token) bool {
	for claim, value := range p.Claims {
		if !t.Has(claim, value) {
			return false
		}
	}
	return true
}

// isJWT reports whether a bearer token could be a workload's.
func isJWT(text string) bool { return strings.Count(text, ".") == 2 }

// workload is whose token that is. Why it is nobody's is in our log alone.
func (s *server) workload(ctx context.Context, raw string) (caller, error) {
	if s.c.Issuers == nil {
		return caller{}, errUnauthorized
	}
	t, err := s.c.Issuers.Verify(ctx, raw)
	if errors.Is(err, workload.ErrUnavailable) {
		return caller{}, err
	}
	var who caller
	if err == nil {
		who, err = s.programs.caller(t)
	}
	if err != nil {
		s.log.WarnContext(ctx, "token of a workload refused", slog.Any("reason", err))
		return caller{}, errUnauthorized
	}
	return who, nil
}
