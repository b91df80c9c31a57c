package staff

import (
	"context"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// Desk is what the console shows and does. It is [consent.Service]'s part for
// staff: everything that changes or shows a consent is on record there.
type Desk interface {
	Now() time.Time
	App(id string) (consent.App, bool)
	Bank(id string) (consent.Bank, bool)

	FindByCustomer(ctx context.Context, app string, reference token.Secret) ([]consent.Consent, error)
	FindByPerson(ctx context.Context, kind consent.NationalIDKind, id token.Secret) ([]consent.Consent, error)
	FindByRequest(ctx context.Context, requestID string) ([]consent.Consent, error)
	Search(ctx context.Context, f consent.Filter, after string, limit int) (consent.Page, error)
	Overview(ctx context.Context) (consent.Overview, error)

	See(ctx context.Context, who consent.Staff, id consent.ID, reason string) (consent.History, error)
	SeeList(ctx context.Context, who consent.Staff, ids []consent.ID, reason string) ([]consent.Consent, error)
	StopByStaff(ctx context.Context, who consent.Staff, id consent.ID, reason string) (consent.Consent, error)
	RenewalByStaff(ctx context.Context, who consent.Staff, id consent.ID, reason string) (consent.Link, error)
	SendRenewal(ctx context.Context, who consent.Staff, id consent.ID, reason string) error

	Incidents(ctx context.Context) ([]consent.Incident, error)
	LiftIncident(ctx context.Context, who consent.Staff, bank, reason string) error
	Undelivered(ctx context.Context, limit int) ([]consent.Undelivered, error)
	Resend(ctx context.Context, who consent.Staff, u consent.Undelivered, reason string) error

	Record(ctx context.Context, a consent.Act) error
	AuditHead(ctx context.Context) (consent.AuditHead, error)
	Audit(ctx context.Context, after int64, limit int) ([]consent.Act, error)
}
