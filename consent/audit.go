package consent

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

// What staff do is on record before it is done: in one chain of entries, each
// authenticated together with the one before it by a key that Redis never
// sees. Whoever can write to Redis cannot change, move or take out an entry
// unseen. They can cut the newest ones off and put the stored head back: that
// shows against a head which the log kept.

// Staff is who acts. The role is the one that it was done in.
type Staff struct {
	ID   string // of the identity provider; no personal data
	Name string
	Role string
}

// Act is something that staff did, or looked at.
type Act struct {
	At        time.Time // when empty: now
	Seq       int64     // 1 for the first; set by the record
	Staff     Staff
	Action    string // one of the Act… words, or another of that form
	Consent   ID     // empty when it is about no single one
	Reason    string // in staff's own words; sealed at rest
	RequestID string // when empty: of the context's [Origin]
	Detail    string // a short code; never a secret or personal data
	Hash      string // set by the record

	// Damaged says that the entry does not verify: nothing else in it is to
	// be believed.
	Damaged bool
}

// What staff do.
const (
	ActSee     = "see"     // looked at a consent
	ActFind    = "find"    // searched for a customer
	ActList    = "list"    // saw a consent in a list of one customer's
	ActStop    = "stop"    // ended a consent
	ActRenewal = "renewal" // made a renewal link, to copy
	ActSend    = "send"    // sent the customer a renewal link
	ActResend  = "resend"  // sent again what was given up
	ActErase   = "erase"   // erased a customer
	ActLift    = "lift"    // ended a bank's incident
	ActExport  = "export"  // took records out
)

// AuditHead is the newest entry of the chain, as it is written to the log.
type AuditHead struct {
	Seq  int64
	Hash string
}

func (h AuditHead) String() string { return strconv.FormatInt(h.Seq, 10) + ":" + h.Hash }

// ParseAuditHead reads what [AuditHead.String] wrote.
func ParseAuditHead(s string) (AuditHead, error) {
	number, hash, _ := strings.Cut(s, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if _, notHex := hex.DecodeString(hash); err != nil || seq < 1 || hash == "" || notHex != nil {
		return AuditHead{}, fmt.Errorf("consent: %.32q is no head of the audit chain, which looks like 17:01ab…", s)
	}
	return AuditHead{Seq: seq, Hash: hash}, nil
}

// AuditEntry is an entry at rest: its text, and the code that chains it.
type AuditEntry struct {
	Seq  int64
	Body string
	Hash string
}

// AuditStore keeps the audit chain. Nothing is ever taken out of it.
type AuditStore interface {
	// AuditHead reads the newest entry's number and hash; zero before the
	// first.
	AuditHead(ctx context.Context) (AuditHead, error)

	// AppendAudit adds the entry that follows head, or returns [ErrConflict]
	// when another does already. The same entry again is no error.
	AppendAudit(ctx context.Context, head AuditHead, e AuditEntry) error

	// AuditEntries reads entries in order, from the one behind after on, at
	// most limit.
	AuditEntries(ctx context.Context, after int64, limit int) ([]AuditEntry, error)
}

// auditBody is the text of an entry. Whatever may name a person is sealed.
type auditBody struct {
	Seq       int64  `json:"seq"`
	At        int64  `json:"at"` // milliseconds
	Staff     string `json:"staff"`
	Role      string `json:"role,omitempty"`
	Action    string `json:"action"`
	Consent   ID     `json:"consent,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	Detail    string `json:"detail,omitempty"`
	Sealed    []byte `json:"sealed"`
}

type auditSealed struct {
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// LineOnRecord is the line of the log that names an entry of the chain, for
// which no level is too high: only outside of Redis can nobody put it back.
const LineOnRecord = "act on record"

// recordTime is how long an act waits to be put on record.
const recordTime = 5 * time.Second

// Record puts an act on record. When it fails, the act must not be done; it
// may then be on record without having been done.
func (s *Service) Record(ctx context.Context, a Act) error {
	_, err := s.record(ctx, a)
	return err
}

func (s *Service) record(ctx context.Context, a Act) (Act, error) {
	if a.At.IsZero() {
		a.At = s.c.Now()
	}
	a.At = a.At.UTC().Truncate(time.Millisecond)
	a.RequestID = cmp.Or(a.RequestID, OriginOf(ctx).RequestID)
	if err := a.check(); err != nil {
		return Act{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	for {
		done, err := s.append(ctx, a)
		if !errors.Is(err, ErrConflict) {
			return done, err
		}
		if ctx.Err() != nil {
			return Act{}, fmt.Errorf("%w: the audit chain: %w", token.ErrStoreUnavailable, ctx.Err())
		}
	}
}

// append adds an act behind the head as it is now.
func (s *Service) append(ctx context.Context, a Act) (Act, error) {
	head, err := s.c.Store.AuditHead(ctx)
	if err != nil {
		return Act{}, err
	}
	a.Seq = head.Seq + 1
	e, err := s.entry(head, a)
	if err != nil {
		return Act{}, err
	}
	if err := s.insist(ctx, func() error { return s.c.Store.AppendAudit(ctx, head, e) }); err != nil {
		return Act{}, err
	}
	a.Hash = e.Hash
	s.c.Log.InfoContext(ctx, LineOnRecord, slog.Int64("seq", e.Seq), slog.String("hash", e.Hash),
		slog.String("staff", a.Staff.ID), slog.String("action", a.Action), slog.String("consent", string(a.Consent)))
	return a, nil
}

// entry is an act in its form at rest, chained to the head.
func (s *Service) entry(head AuditHead, a Act) (AuditEntry, error) {
	plain, err := json.Marshal(auditSealed{Name: a.Staff.Name, Reason: a.Reason})
	if err != nil {
		return AuditEntry{}, err
	}
	box, err := s.c.Keys.Seal(token.PurposePerson, plain, "audit", strconv.FormatInt(a.Seq, 10))
	if err != nil {
		return AuditEntry{}, err
	}
	body, err := json.Marshal(auditBody{Seq: a.Seq, At: a.At.UnixMilli(), Staff: a.Staff.ID, Role: a.Staff.Role, Action: a.Action,
		Consent: a.Consent, RequestID: a.RequestID, Detail: a.Detail, Sealed: box})
	if err != nil {
		return AuditEntry{}, err
	}
	code, err := s.c.Keys.Authenticate(strconv.FormatInt(a.Seq, 10), head.Hash, string(body))
	return AuditEntry{Seq: a.Seq, Body: string(body), Hash: hex.EncodeToString(code)}, err
}

var actionForm = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)

// mostDetail is the length of a detail.
const mostDetail = 200

func (a Act) check() error {
	invalid := &Invalid{}
	if a.Staff.ID == "" || !printable(a.Staff.ID, mostReason) || !printable(a.Staff.Name, mostReason) || !printable(a.Staff.Role, mostReason) {
		invalid.add("/staff", "must say who acts")
	}
	if !actionForm.MatchString(a.Action) {
		invalid.add("/action", "must be a word of lower-case letters")
	}
	if !printable(a.Reason, mostReason) {
		invalid.add("/reason", "must be at most %d printable characters", mostReason)
	}
	if !printable(a.Detail, mostDetail) || !printable(a.RequestID, mostDetail) {
		invalid.add("/detail", "must be at most %d printable characters", mostDetail)
	}
	return invalid.orNil()
}

// AuditHead is the newest entry of the audit chain; zero before the first.
func (s *Service) AuditHead(ctx context.Context) (AuditHead, error) { return s.c.Store.AuditHead(ctx) }

// Audit reads what is on record, in order, from the act behind after on, at
// most limit. Each entry is verified against the one before it.
func (s *Service) Audit(ctx context.Context, after int64, limit int) ([]Act, error) {
	after = max(after, 0)
	entries, err := s.c.Store.AuditEntries(ctx, max(after-1, 0), limit+1)
	if err != nil {
		return nil, err
	}
	out := make([]Act, 0, len(entries))
	var before AuditHead
	for _, e := range entries {
		if e.Seq > after && len(out) < limit {
			out = append(out, s.act(before, e))
		}
		before = AuditHead{Seq: e.Seq, Hash: e.Hash}
	}
	return out, nil
}

// act reads an entry that follows another.
func (s *Service) act(before AuditHead, e AuditEntry) Act {
	b, problem := s.open(before, e)
	if problem != "" {
		return Act{Seq: e.Seq, Hash: e.Hash, Damaged: true}
	}
	a := Act{At: time.UnixMilli(b.At).UTC(), Seq: e.Seq, Staff: Staff{ID: b.Staff, Role: b.Role}, Action: b.Action, Consent: b.Consent,
		RequestID: b.RequestID, Detail: b.Detail, Hash: e.Hash}
	plain, err := s.c.Keys.Open(token.PurposePerson, b.Sealed, "audit", strconv.FormatInt(e.Seq, 10))
	var sealed auditSealed
	if err != nil || json.Unmarshal(plain, &sealed) != nil {
		return Act{Seq: e.Seq, Hash: e.Hash, Damaged: true}
	}
	a.Staff.Name, a.Reason = sealed.Name, sealed.Reason
	return a
}
