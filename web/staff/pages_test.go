package staff

import (
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

// TestEveryPageRenders is inside the package to see every page that there can
// be, also those that take a coincidence to reach.
func TestEveryPageRenders(t *testing.T) {
	t.Parallel()
	s := &server{desk: idleDesk{}}
	p, err := newPages(s)
	if err != nil {
		t.Fatal(err)
	}
	const odd = `<script>"'&%s`
	id := consent.ID("cns_7f01k4zj7m9te0vq3y2x8w5r6s7t")
	x := consent.Consent{ID: id, App: odd, Bank: odd, Status: consent.Valid, EndsAt: today.Add(day), Granted: []string{odd}, Cause: consent.Cause{Code: odd}}
	clocks := []clock{{ID: "c", Title: odd, Marks: []mark{{At: 3, Label: odd, Past: true}, {At: 4}}, Over: true}, {ID: "d"}}
	numbers := table{Columns: []string{odd}, Rows: []row{{Label: odd, Sub: odd, Link: "/?app=a", Cells: []int64{3}, Share: 100}, {Label: odd, Cells: []int64{0}}}}
	given := []undelivered{{ID: id, Name: odd, About: odd, Since: today}}
	incidents := []consent.Incident{{Bank: odd}}
	shown := map[string][]any{
		"sign-in":  {doorPage{To: "/"}, doorPage{Down: true}},
		"refusal":  {refusal{Title: odd, Text: odd}, refusal{Again: true}, refusal{Reload: true}},
		"find":     {findPage{}, findPage{Apps: []consent.App{{ID: odd, Name: odd}}, Banks: []consent.Bank{{ID: odd, Name: odd}}, Kinds: []consent.NationalIDKind{consent.Kennitala}, Asked: true, What: odd, Found: []consent.Consent{x, {ID: id}}, Total: 2, Next: "/?after=x"}, findPage{Asked: true}},
		"reason":   {reasonPage{About: odd, Action: "/found/look", Reasons: reasons}},
		"consent":  {consentPage{ID: id}, consentPage{ID: id, Consent: x, App: odd, Bank: odd, State: state{toneWait, odd, odd}, Clocks: clocks, Next: []string{odd}, Story: []line{{Who: odd, Text: odd, Bad: true, RequestID: odd}}, Messages: []line{{Text: odd, Bad: true}}, Uses: []use{{odd, 3}}, NationalID: odd, CanLink: true, CanMail: true, CanStop: true}},
		"stop":     {stopPage{ID: id, App: odd, Bank: odd, Reasons: stopReasons, Missing: true}},
		"link":     {linkPage{ID: id, Address: odd}},
		"overview": {overviewPage{}, overviewPage{Statuses: numbers, Refreshes: numbers, HandOuts: numbers, Lapses: newBarChart("l", odd, []string{odd, "b"}, []int64{3, 0}), LapseDays: []use{{odd, 3}}, Incidents: incidents, Failing: 3, Undelivered: 1}},
		"desk":     {deskPage{}, deskPage{Incidents: []incident{{Incident: incidents[0], Lasts: true, Held: []consent.ID{id}, More: 3}, {Incident: incidents[0]}}, Mails: given, Events: given}},
		"audit":    {auditPage{}, auditPage{Acts: []consent.Act{{Seq: 1, Staff: consent.Staff{ID: odd, Role: odd}, Action: odd, Consent: id, Reason: odd, Detail: odd}, {Seq: 2, Damaged: true}}, Older: 2}},
	}
	for _, name := range pageNames {
		if len(shown[name]) == 0 {
			t.Errorf("page %s is not looked at", name)
		}
		for _, view := range shown[name] {
			for _, role := range append(roles, "") {
				out, err := p.render(name, shell{Page: view, Name: name, Staff: consent.Staff{ID: string(role), Name: odd, Role: string(role)}, Told: odd, RequestID: odd, May: func(a string) bool { return role.may(act(a)) }})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if text := string(out); strings.Contains(text, "<script") || strings.Contains(text, "ZgotmplZ") || strings.Contains(text, "%!") {
					t.Errorf("%s with %+v:\n%s", name, view, text)
				}
			}
		}
	}
}

func TestListShowsWhenEachEnded(t *testing.T) {
	t.Parallel()
	p, err := newPages(&server{desk: idleDesk{}})
	must(t, err)
	for name, test := range map[string]struct {
		c    consent.Consent
		want string
	}{
		"works":             {consent.Consent{Status: consent.Valid, EndsAt: today.Add(9 * day)}, "<td>1 Mar 2026</td>"},
		"stopped":           {consent.Consent{Status: consent.TerminatedByTpp, EndsAt: today.Add(9 * day), EndedAt: today.Add(-day)}, "<td>19 Feb 2026</td>"},
		"never granted":     {consent.Consent{Status: consent.Received}, "<td>–</td>"},
		"stopped ungranted": {consent.Consent{Status: consent.RevokedByPsu, EndedAt: today}, "<td>20 Feb 2026</td>"},
	} {
		out, err := p.render("find", shell{Page: findPage{Asked: true, Found: []consent.Consent{test.c}, Total: 1}, Name: "find", May: func(string) bool { return true }})
		must(t, err)
		if !strings.Contains(string(out), test.want) {
			t.Errorf("%s: no %s in\n%s", name, test.want, out)
		}
	}
}

func TestConsentPageNamesTheLanguageThatIsSpoken(t *testing.T) {
	t.Parallel()
	p, err := newPages(&server{desk: idleDesk{}})
	must(t, err)
	x := consent.Consent{Language: "en", TextVersion: "is-3f2a9c01d4e7"}
	out, err := p.render("consent", shell{Page: consentPage{Consent: x}, Name: "consent", May: func(string) bool { return true }})
	must(t, err)
	if !strings.Contains(string(out), "<dt>Language</dt><dd>is</dd>") {
		t.Errorf("the page:\n%s", out)
	}
}

var today = time.Date(2026, 2, 20, 12, 0, 0, 0, time.UTC)

// idleDesk knows the time and nobody.
type idleDesk struct{ Desk }

func (idleDesk) Now() time.Time                   { return today }
func (idleDesk) App(string) (consent.App, bool)   { return consent.App{}, false }
func (idleDesk) Bank(string) (consent.Bank, bool) { return consent.Bank{}, false }
