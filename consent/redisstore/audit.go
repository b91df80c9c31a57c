package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/consentd/consentd/consent"
)

// The audit chain lies in one slot of its own.
const (
	auditEntries = "{audit}:entries"
	auditHead    = "{audit}:head"
)

// AuditHead implements [consent.AuditStore]. Should the head be gone, the
// newest entry is it.
func (s *Store) AuditHead(ctx context.Context) (consent.AuditHead, error) {
	got, err := s.run(ctx, "audithead", []string{auditEntries, auditHead}).StringSlice()
	if err != nil {
		return consent.AuditHead{}, unavailable("audit head", err)
	}
	return consent.AuditHead{Seq: number(got[0]), Hash: got[1]}, nil
}

// AppendAudit implements [consent.AuditStore].
func (s *Store) AppendAudit(ctx context.Context, head consent.AuditHead, e consent.AuditEntry) error {
	words := map[string]error{"MOVED": consent.ErrConflict, "BROKEN": consent.ErrAuditBroken}
	return s.verdict(ctx, "audit", words, []string{auditEntries, auditHead}, e.Seq, head.Hash, e.Body, e.Hash)
}

// AuditEntries implements [consent.AuditStore].
func (s *Store) AuditEntries(ctx context.Context, after int64, limit int) ([]consent.AuditEntry, error) {
	from := strconv.FormatInt(after+1, 10) + "-0"
	lines, err := s.c.Client.XRangeN(ctx, auditEntries, from, "+", int64(limit)).Result()
	if err != nil {
		return nil, unavailable("audit entries", err)
	}
	out := make([]consent.AuditEntry, 0, len(lines))
	for _, l := range lines {
		seq, part, _ := strings.Cut(l.ID, "-")
		if part != "0" {
			return nil, fmt.Errorf("%w: the audit chain has an entry %.40q that is not ours", consent.ErrAuditBroken, l.ID)
		}
		out = append(out, consent.AuditEntry{Seq: number(seq), Body: text(l, "body"), Hash: text(l, "hash")})
	}
	return out, nil
}
