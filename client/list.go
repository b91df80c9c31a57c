package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Filter chooses among your consents; the zero Filter takes all.
type Filter struct {
	Reference    string // of one customer
	Bank         string
	Status       Status
	EndsBefore   time.Time
	ChangedSince time.Time
	PageSize     int // how many are fetched at a time, up to 100; default 50
}

func (f Filter) query() url.Values {
	q := make(url.Values)
	for name, value := range map[string]string{
		"customer_reference": f.Reference, "bank": f.Bank, "status": string(f.Status),
		"ends_before": rfc3339(f.EndsBefore), "changed_since": rfc3339(f.ChangedSince), "limit": positive(f.PageSize),
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// List goes through the consents that fit, page by page as the loop asks for
// them. An error is the last thing that it gives. What changes meanwhile may
// be missed or come twice.
func (c *Client) List(ctx context.Context, f Filter) iter.Seq2[Consent, error] {
	return func(yield func(Consent, error) bool) {
		q := f.query()
		for {
			var page struct {
				Consents []Consent `json:"consents"`
				Next     string    `json:"next_cursor"`
			}
			if _, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/consents", query: q, repeat: true}, &page); err != nil {
				yield(Consent{}, err)
				return
			}
			for _, found := range page.Consents {
				if !yield(found, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.Set("cursor", page.Next)
		}
	}
}
