package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/consent"
)

// auditPage is how many acts are read at a time.
const auditPage = 500

func (p *program) auditCommand() *cobra.Command {
	return p.acts(p.group("audit", "Verify and export what staff did", p.auditVerify(), p.auditExport()))
}

func (p *program) auditVerify() *cobra.Command {
	var f format
	var texts []string
	c := &cobra.Command{
		Use: "verify", Short: "Check that no entry of the audit chain was changed or taken out", Args: cobra.NoArgs,
		Long: "Check that no entry of the audit chain was changed, moved or taken out. Give heads that a log outside\n" +
			"of Redis has kept (\"act on record\", seq and hash): only they show that the newest entries were cut off\n" +
			"together with the stored head.",
		Example: "  consentd audit verify --head 1042:01a9…",
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			var heads []consent.AuditHead
			for _, text := range texts {
				h, err := consent.ParseAuditHead(text)
				if err != nil {
					return err
				}
				heads = append(heads, h)
			}
			return p.withServiceFor(c.Context(), exportDeadline, func(ctx context.Context, s *consent.Service) error {
				r, err := s.VerifyAudit(ctx, heads...)
				if err != nil {
					return err
				}
				view := viewAudit(r)
				if err := f.write(p.out, view, view.text); err != nil || r.Problem == nil {
					return err
				}
				return fmt.Errorf("the audit chain is damaged: %s", r.Problem)
			})
		}),
	}
	c.Flags().StringArrayVar(&texts, "head", nil, "`seq:hash` of an entry, from a log; may be repeated")
	f.flag(c)
	return c
}

type auditView struct {
	Entries int64             `json:"entries"`
	Head    string            `json:"head,omitempty"`
	Problem *auditProblemView `json:"problem,omitempty"`
}

type auditProblemView struct {
	Seq  int64               `json:"seq"`
	What consent.AuditDamage `json:"what"`
}

func viewAudit(r consent.AuditReport) auditView {
	v := auditView{Entries: r.Entries}
	if r.Entries > 0 {
		v.Head = r.Head.String()
	}
	if r.Problem != nil {
		v.Problem = &auditProblemView{Seq: r.Problem.Seq, What: r.Problem.Kind}
	}
	return v
}

func (v auditView) text(w io.Writer) {
	fmt.Fprintf(w, "entries that verify\t%d\n", v.Entries)
	if v.Head != "" {
		fmt.Fprintf(w, "newest\t%s\n", v.Head)
	}
	if v.Problem != nil {
		fmt.Fprintf(w, "damaged\tentry %d %s\n", v.Problem.Seq, v.Problem.What)
	}
}

func (p *program) auditExport() *cobra.Command {
	var after int64
	var reason string
	c := &cobra.Command{
		Use: "export", Short: "Write what staff did as lines of JSON", Args: cobra.NoArgs,
		Long: "Write what staff did as lines of JSON, oldest first, names and reasons in the clear. The export is on\n" +
			"record itself, as the last line.",
		Example: "  consentd audit export --after 1042 --reason monthly-review > audit.ndjson",
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			return p.withServiceFor(c.Context(), exportDeadline, func(ctx context.Context, s *consent.Service) error {
				act := consent.Act{Staff: p.staff(), Action: consent.ActExport, Reason: reason, Detail: fmt.Sprintf("audit, after %d", after)}
				if err := s.Record(ctx, act); err != nil {
					return err
				}
				return p.exportActs(ctx, s, after)
			})
		}),
	}
	c.Flags().Int64Var(&after, "after", 0, "leave out the entries up to this `number`")
	p.whyFlag(c, &reason, "exported from the command line")
	return c
}

// exportActs writes a damaged entry as what it is and goes on: an export that
// stops there would hide the rest.
func (p *program) exportActs(ctx context.Context, s *consent.Service, after int64) error {
	out := json.NewEncoder(p.out)
	damaged := 0
	for {
		acts, err := s.Audit(ctx, after, auditPage)
		if err != nil {
			return err
		}
		for _, a := range acts {
			if a.Damaged {
				damaged++
			}
			if err := out.Encode(a.Exported()); err != nil {
				return err
			}
			after = a.Seq
		}
		if len(acts) == 0 {
			break
		}
	}
	if damaged > 0 {
		return errors.New("entries are damaged: see consentd audit verify")
	}
	return nil
}
