package workforce

import (
	"slices"
	"time"
)

// The groups of [Staff].
const (
	GroupSupport = "support"
	GroupAuditor = "auditor"
	GroupAdmin   = "admin"
)

// How well somebody signed in: with a second factor, or by password alone.
const (
	ACRStrong = "urn:workforce:mfa"
	ACRWeak   = "urn:workforce:password"
)

// Person is one of the company's staff.
type Person struct {
	Subject string // stable id
	Name    string
	Email   string
	Groups  []string
}

// Staff are four invented people: one of each group, and one of none.
func Staff() []Person {
	return []Person{
		{Subject: "audur", Name: "Auður Gervikona Ketilsdóttir", Email: "audur@company.test", Groups: []string{GroupSupport}},
		{Subject: "bjorn", Name: "Björn Gervimaður Buna", Email: "bjorn@company.test", Groups: []string{GroupAuditor}},
		{Subject: "dagny", Name: "Dagný Gervikona Kaldadóttir", Email: "dagny@company.test", Groups: []string{GroupAdmin}},
		{Subject: "egill", Name: "Egill Gervimaður Skallason", Email: "egill@company.test"},
	}
}

// SetGroups moves somebody to other groups. It shows in ID tokens from now on.
func (p *Provider) SetGroups(subject string, groups ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.staff {
		if p.staff[i].Subject == subject {
			p.staff[i].Groups = groups
		}
	}
}

// Remove lets somebody go: sessions and codes of theirs are worth nothing.
func (p *Provider) Remove(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.staff = slices.DeleteFunc(p.staff, func(who Person) bool { return who.Subject == subject })
}

// person finds somebody who still works here. The caller locks.
func (p *Provider) person(subject string) (Person, bool) {
	i := slices.IndexFunc(p.staff, func(who Person) bool { return who.Subject == subject })
	if i < 0 {
		return Person{}, false
	}
	return p.staff[i], true
}

// session is somebody signed in here, in one browser.
type session struct {
	id       string // sid, for clients
	subject  string
	authTime time.Time
}
