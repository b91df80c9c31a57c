package main

import "testing"

func TestPersonSeesTheirAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	p.press("Pay 10 ISK").sees("Paid 10 ISK").follow("Back to Fika Pay")
	p.press("See all that you gave Fika Pay").sees("Only continue if you yourself came here from Fika Pay").press("Show my access")
	p.sees("Fika Pay at Sandbox Bank", "90 of 90 days left", "Last used by Fika Pay on").press("Sign out").sees("You are signed out.")

	other := w.person().open(w.at.consentd + "/").follow("See who has access to your accounts")
	other.sees("Come by a link").press("Sign in at Sandbox Bank")
	other.press("Sign in", "username", gudrun, "password", "any").press("Give access").sees("There is nothing about you here")
	other.follow("Back to the start").press("Sign in at Sandbox Bank").press("Cancel").sees("You did not sign in")

	p.press("Sign in at Sandbox Bank").press("Sign in", "username", jon, "password", "any").press("Give access")
	p.sees("You signed in at Sandbox Bank", "Fika Pay at Sandbox Bank").follow("Stop access").sees("will no longer work").press("Stop access")
	w.settle()
	p.open(p.at.String()).sees("Access stopped", "has confirmed", "You stopped the access").follow("See all").sees("You stopped it on")
	p.open(w.at.shop).sees("Access was stopped", "You stopped the permission")
}

// TestMyAccessInBrowser plays a customer who looks at what they gave, stops
// it, and finds it again by a sign-in at the bank.
func TestMyAccessInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"access", 390, 844, "light"})
	b.open(w.at.shop, "")
	b.click(`button[value="JONGUNARS"]`, "")
	b.click(`form[action="/connect"] button`, "")
	b.signIn()
	b.click(`.steps a.button`, "")
	b.click(`form[action="/accesses"] button`, "link")
	b.click(`form.steps button`, "all")
	b.says("Fika Pay at Sandbox Bank", "90 of 90 days left", "Stop access", "Other apps")
	b.click(`article h2 a`, "one")
	b.says("What has happened", "You gave the permission at Sandbox Bank")
	b.click(`a[href="stop"]`, "stop")
	b.click(`button.danger`, "stopped")
	b.says("Access stopped", "you stopped")
	b.open(w.at.consentd+"/access", "ended")
	b.says("What has ended", "You stopped it on")
	b.click(`form[action="/access/sign-out"] button`, "way-in")
	b.says("You are signed out.")
	b.click(`form[action="/access/sign-in"] button`, "bank-login")
	b.fill(`#username`, jon)
	b.fill(`#password`, "any")
	b.click(`button[value="login"]`, "bank-openid")
	b.click(`button[value="approve"]`, "everything")
	b.says("You signed in at Sandbox Bank", "You stopped it on")
}
