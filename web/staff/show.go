package staff

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
)

// reason is a code, which may stand in a timeline, and its words.
type reason struct{ Code, Label string }

// reasons are those that are given with one press.
var reasons = []reason{
	{"customer-called", "Customer called"},
	{"customer-wrote", "Customer wrote"},
	{"app-asked", "Payment service asked"},
	{"bank-asked", "Bank asked"},
	{"incident", "Looking into an incident"},
}

// reasonPage asks why, before anything is shown.
type reasonPage struct {
	About   string // a consent's id, or how many were found
	Action  string
	Reasons []reason
}

func reasonToSee(id consent.ID) reasonPage {
	return reasonPage{About: string(id), Action: "/consents/" + string(id) + "/look", Reasons: reasons}
}

// consentPage is one consent, for whoever is on the phone.
type consentPage struct {
	Status     consent.Status // as of now, with its cause
	Cause      consent.Cause
	ID         consent.ID
	Consent    consent.Consent
	App        string
	Bank       string
	State      state
	Clocks     []clock
	Next       []string
	Story      []line
	Messages   []line
	Uses       []use
	UsedAt     string
	Refresh    string
	NationalID string // masked
	Reason     string
	CanLink    bool // there is a way back to the bank
	CanMail    bool // and a mail can lead there
	CanStop    bool
}

// use is how often tokens were handed out on a day.
type use struct {
	Day string
	N   int64
}

// showConsent shows a consent to whoever has said why.
func (s *server) showConsent(c *call) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	reason := c.session.looked(id)
	if reason == "" {
		return s.show(c, http.StatusOK, "reason", reasonToSee(id))
	}
	if c.Request().Method == http.MethodHead {
		return c.NoContent(http.StatusOK) // nobody looks
	}
	h, err := s.desk.See(c.Request().Context(), c.session.Staff, id, reason)
	if err != nil {
		return err
	}
	page, err := s.view(c, h)
	if err != nil {
		return err
	}
	page.Reason = reasonLabel(reason)
	return s.show(c, http.StatusOK, "consent", page)
}

// giveReason takes why somebody looks, for the rest of the session.
func (s *server) giveReason(c *call) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	reason := reasonIn(c)
	if reason == "" {
		return s.show(c, http.StatusUnprocessableEntity, "reason", reasonToSee(id))
	}
	c.session.look(id, reason)
	return s.away(c, "/consents/"+string(id))
}

// reasonIn is the reason in a form: what was pressed, or typed.
func reasonIn(c *call) string {
	return cmp.Or(strings.TrimSpace(c.FormValue("reason")), strings.TrimSpace(c.FormValue("other")))
}

func reasonLabel(code string) string {
	for _, r := range slices.Concat(reasons, stopReasons) {
		if r.Code == code {
			return r.Label
		}
	}
	return code
}

// view puts everything about a consent into words and pictures.
func (s *server) view(c *call, h consent.History) (consentPage, error) {
	f, err := s.fileOf(c, h)
	if err != nil {
		return consentPage{}, err
	}
	x := f.Consent
	p := consentPage{ID: x.ID, Consent: x, Status: x.StatusAt(f.Now), Cause: x.CauseAt(f.Now), App: f.App, Bank: f.Bank, State: stateOf(f), Next: f.next(s.c.Warn), Story: f.story(),
		UsedAt: "never", Refresh: "none", NationalID: h.NationalID, CanLink: x.Renewable(), CanMail: x.RenewableByMail(f.Now), CanStop: x.Status == consent.Valid && f.Now.Before(x.EndsAt) || x.Status == consent.Received}
	if k, ok := f.consentClock(s.c.Warn); ok {
		p.Clocks = append(p.Clocks, k)
	}
	if k, ok := f.tokenClock(h.Token.IssuedAt, h.Token.ExpiresAt); ok {
		p.Clocks = append(p.Clocks, k)
		p.Refresh = f.moment(h.Token.IssuedAt)
	}
	if x.Failing {
		p.Refresh += "; the last one failed"
	}
	if !x.LastUsedAt.IsZero() {
		p.UsedAt = f.App + ", " + f.moment(x.LastUsedAt)
	}
	for _, e := range slices.Backward(f.Timeline) {
		if _, ok := messageIn(e); ok {
			p.Messages = append(p.Messages, f.tell(e))
		}
	}
	for d, n := range h.Uses {
		p.Uses = append(p.Uses, use{Day: d, N: n})
	}
	slices.SortFunc(p.Uses, func(a, b use) int { return cmp.Compare(b.Day, a.Day) })
	p.Uses = p.Uses[:min(len(p.Uses), 14)]
	return p, nil
}

// fileOf puts a history together with what is known of its bank.
func (s *server) fileOf(c *call, h consent.History) (file, error) {
	bank, _ := s.desk.Bank(h.Consent.Bank)
	f := file{Now: s.desk.Now().UTC(), Consent: h.Consent, Timeline: h.Timeline, App: s.appName(h.Consent.App),
		Bank: s.bankName(h.Consent.Bank), Zone: bank.Clock.Zone, Online: bank.OnlineBank, Failing: h.Consent.Failing}
	incidents, err := s.desk.Incidents(c.Request().Context())
	if err != nil {
		return file{}, err
	}
	f.Incident = slices.ContainsFunc(incidents, func(i consent.Incident) bool { return i.Bank == h.Consent.Bank && i.On(f.Now) })
	return f, nil
}

// linkPage shows a renewal link once, to copy.
type linkPage struct {
	ID      consent.ID
	Address string
	Until   time.Time
}

// reasonFor is why something is done: what the form says, or why it was
// looked at.
func (s *server) reasonFor(c *call, id consent.ID) string {
	return cmp.Or(reasonIn(c), c.session.looked(id))
}

// copyLink makes a renewal link and shows it once.
func (s *server) copyLink(c *call) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	link, err := s.desk.RenewalByStaff(c.Request().Context(), c.session.Staff, id, s.reasonFor(c, id))
	if err != nil {
		return err
	}
	return s.show(c, http.StatusOK, "link", linkPage{ID: id, Address: s.c.Customers + "/c/" + link.Secret.Reveal(), Until: link.Expires})
}

// sendLink mails the customer a renewal link.
func (s *server) sendLink(c *call) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	if err := s.desk.SendRenewal(c.Request().Context(), c.session.Staff, id, s.reasonFor(c, id)); err != nil {
		return err
	}
	c.session.Told = "The link is on its way by mail. The timeline says when it was delivered."
	return s.away(c, "/consents/"+string(id))
}

// stopPage says the consequence before anything is ended.
type stopPage struct {
	ID        consent.ID
	App, Bank string
	Use       string // see consent.Consent.Use
	Reasons   []reason
	Missing   bool // a reason
}

func (s *server) askToStop(c *call) error { return s.stopForm(c, http.StatusOK, false) }

func (s *server) stopForm(c *call, status int, missing bool) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	reason := c.session.looked(id)
	if reason == "" || c.Request().Method == http.MethodHead {
		return s.away(c, "/consents/"+string(id))
	}
	h, err := s.desk.See(c.Request().Context(), c.session.Staff, id, reason)
	if err != nil {
		return err
	}
	return s.show(c, status, "stop", stopPage{ID: id, App: s.appName(h.Consent.App), Bank: s.bankName(h.Consent.Bank), Use: h.Consent.Use(), Reasons: stopReasons, Missing: missing})
}

// stopReasons are why an access is ended, most often.
var stopReasons = []reason{
	{"customer-asked", "The customer asked for it"},
	{"suspected-fraud", "Fraud is suspected"},
	{"app-asked", "The payment service asked for it"},
	{"bank-asked", "The bank asked for it"},
}

// stop ends an access.
func (s *server) stop(c *call) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	reason := reasonIn(c)
	if reason == "" {
		return s.stopForm(c, http.StatusUnprocessableEntity, true)
	}
	if _, err := s.desk.StopByStaff(c.Request().Context(), c.session.Staff, id, reason); err != nil {
		return err
	}
	c.session.Told = "Stopped. No token is handed out any more, and the bank is being told."
	c.session.look(id, cmp.Or(c.session.looked(id), reason))
	return s.away(c, "/consents/"+string(id))
}
