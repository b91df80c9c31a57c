package main

import (
	"fmt"
	"io"

	"github.com/consentd/consentd/notify/webhook"
	"github.com/consentd/consentd/web"
)

// ownApp stands behind the apps of demo.yaml, for whoever tries consentd with a
// payment service of their own.
const ownApp = `
  - id: own
    name: Your app
    banks: [sandbox]
`

// own is what such a payment service has in common with consentd.
type own struct{ key, hash, hook string }

func newOwn() own {
	key, hash := web.NewAPIKey()
	return own{key: key.Reveal(), hash: hash, hook: webhook.NewSecret().Reveal()}
}

// environ is how it is entered.
func (o own) environ(addr string) []string {
	return []string{
		"CONSENTD_APPS_OWN_KEY_HASHES=" + o.hash,
		"CONSENTD_APPS_OWN_RETURN_URLS_DONE=http://" + addr + "/done",
		"CONSENTD_APPS_OWN_WEBHOOK_URL=http://" + addr + "/webhooks",
		"CONSENTD_APPS_OWN_WEBHOOK_SECRETS=" + o.hook,
	}
}

// greetOwn says what it needs, in the form of docs/examples/python.
func (d *demo) greetOwn(w io.Writer) {
	if d.settings.own == "" {
		return
	}
	fmt.Fprintf(w, "For your app at %s:\n\n", d.settings.own)
	for _, pair := range [][2]string{
		{"CONSENTD", d.at.consentd}, {"CONSENTD_KEY", d.keys.own.key}, {"BANK", "sandbox"}, {"BANK_API", d.at.bank},
		{"BANK_API_KEY", d.keys.bankKey}, {"WEBHOOK_SECRETS", d.keys.own.hook}, {"LISTEN", d.settings.own},
	} {
		fmt.Fprintf(w, "  export %s=%s\n", pair[0], pair[1])
	}
	fmt.Fprintln(w)
}
