package consent

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
)

// AuditReport is what came of walking the audit chain from its first entry to
// its last.
type AuditReport struct {
	Entries int64         // that verify
	Head    AuditHead     // the newest entry that verifies
	Problem *AuditProblem // the first that does not; nil when all is well
}

// AuditProblem is the first entry at which the chain is broken.
type AuditProblem struct {
	Seq  int64
	Kind AuditDamage
}

func (p AuditProblem) String() string { return fmt.Sprintf("entry %d %s", p.Seq, p.Kind) }

// AuditDamage says what happened to an entry.
type AuditDamage string

// The kinds of damage.
const (
	AuditChanged   AuditDamage = "was changed"
	AuditRemoved   AuditDamage = "was removed"
	AuditMoved     AuditDamage = "stands in another's place"
	AuditTruncated AuditDamage = "was cut off, and all behind it"
	AuditReplaced  AuditDamage = "is not the one that the given head names"
	AuditHeadMoved AuditDamage = "is not what the stored head says"
)

// verifyPage is how many entries are read at a time.
const verifyPage = 500

// VerifyAudit walks the whole audit chain. Heads are entries that an outside
// log has kept: each must still be there as it was.
func (s *Service) VerifyAudit(ctx context.Context, heads ...AuditHead) (AuditReport, error) {
	stored, err := s.c.Store.AuditHead(ctx) // first: what is appended meanwhile lies behind it
	if err != nil {
		return AuditReport{}, err
	}
	var r AuditReport
	for {
		entries, err := s.c.Store.AuditEntries(ctx, r.Head.Seq, verifyPage)
		if err != nil {
			return AuditReport{}, err
		}
		for _, e := range entries {
			if r.Problem = s.verifyEntry(r.Head, e, stored, heads); r.Problem != nil {
				return r, nil
			}
			r.Entries, r.Head = r.Entries+1, AuditHead{Seq: e.Seq, Hash: e.Hash}
		}
		if len(entries) == 0 {
			break
		}
	}
	for _, h := range append([]AuditHead{stored}, heads...) {
		if h.Seq > r.Head.Seq {
			r.Problem = &AuditProblem{Seq: r.Head.Seq + 1, Kind: AuditTruncated}
		}
	}
	if r.Problem != nil {
		return r, nil
	}
	// An entry and the head that names it are stored in one step.
	if stored, err = s.c.Store.AuditHead(ctx); err == nil && stored.Seq < r.Head.Seq {
		r.Problem = &AuditProblem{Seq: r.Head.Seq, Kind: AuditHeadMoved}
	}
	return r, err
}

func (s *Service) verifyEntry(before AuditHead, e AuditEntry, stored AuditHead, heads []AuditHead) *AuditProblem {
	if e.Seq != before.Seq+1 {
		return &AuditProblem{Seq: before.Seq + 1, Kind: AuditRemoved}
	}
	if _, damage := s.open(before, e); damage != "" {
		return &AuditProblem{Seq: e.Seq, Kind: damage}
	}
	if e.Seq == stored.Seq && e.Hash != stored.Hash {
		return &AuditProblem{Seq: e.Seq, Kind: AuditHeadMoved}
	}
	for _, h := range heads {
		if h.Seq == e.Seq && h.Hash != e.Hash {
			return &AuditProblem{Seq: e.Seq, Kind: AuditReplaced}
		}
	}
	return nil
}

// open reads an entry that follows another, or says what is wrong with it.
func (s *Service) open(before AuditHead, e AuditEntry) (auditBody, AuditDamage) {
	var b auditBody
	if err := json.Unmarshal([]byte(e.Body), &b); err == nil && b.Seq != e.Seq {
		return auditBody{}, AuditMoved
	}
	code, err := hex.DecodeString(e.Hash)
	if err != nil || hex.EncodeToString(code) != e.Hash || s.c.Keys.Verify(code, strconv.FormatInt(e.Seq, 10), before.Hash, e.Body) != nil {
		return auditBody{}, AuditChanged
	}
	return b, ""
}
