package assembly

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web/staff"
	"github.com/consentd/consentd/web/staff/provider"
)

// serveStaff makes the handler of the staff console, if there is to be one.
func (p *Program) serveStaff(c config.Config, o Outside, keys *token.Keyring) error {
	if !c.Staff.Enabled() {
		return nil
	}
	public, err := url.Parse(c.Staff.PublicURL)
	if err != nil {
		return fmt.Errorf("staff.public_url: %w", err)
	}
	company, err := provider.New(provider.Config{
		Issuer: c.Staff.Issuer, ClientID: c.Staff.ClientID, ClientSecret: token.Secret(c.Staff.ClientSecret.Reveal()),
		RedirectURI: public.Scheme + "://" + public.Host + "/callback", GroupsClaim: c.Staff.GroupsClaim,
		ACR: c.Staff.ACRValues, AMR: c.Staff.AMR, MaxAge: c.Staff.Absolute,
		AllowHTTP: c.Environment != config.Production, Transport: o.Company, Log: o.Log,
	})
	if err != nil {
		return fmt.Errorf("staff: %w", err)
	}
	p.Staff, err = staff.New(staff.Config{
		Desk: p.Service, Apps: staffApps(c), Banks: staffBanks(c), Warn: c.Warn.Days, Provider: company, Roles: staffRoles(c.Staff.Roles),
		Sessions: p.Store.Sessions(keys, "staff"), PublicURL: public, Customers: c.PublicURL,
		TrustedProxies: slices.Clone(c.TrustedProxies),
		Idle:           c.Staff.Idle, Absolute: c.Staff.Absolute, Log: o.Log,
	})
	return err
}

func staffApps(c config.Config) (all []consent.App) {
	for _, a := range c.Apps {
		all = append(all, domainApp(a))
	}
	return all
}

func staffBanks(c config.Config) (all []consent.Bank) {
	for _, b := range c.Banks {
		all = append(all, domainBank(b))
	}
	return all
}

func staffRoles(r config.StaffRoles) map[string]staff.Role {
	roles := make(map[string]staff.Role)
	for role, groups := range map[staff.Role][]string{staff.Support: r.Support, staff.Auditor: r.Auditor, staff.Admin: r.Admin} {
		for _, g := range groups {
			roles[g] = role
		}
	}
	return roles
}
