package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	jon       = "JONGUNARS"
	gudrun    = "GUDGUNNARS"
	anna      = "ANNAEINARS"
	gudmundur = "GUDEINARS"
	sigurdur  = "SIGGIOLAFS"
)

var firstNames = map[string]string{jon: "Jón", gudrun: "Guðrún", anna: "Anna", gudmundur: "Guðmundur", sigurdur: "Sigurður"}

// signedIn is somebody who has told Fika Pay who they are.
func (w *world) signedIn(user string) *person {
	w.t.Helper()
	return w.person().open(w.at.shop).sees("Who are you?").press(firstNames[user])
}

// throughBank goes from consentd's page through the bank and back to it.
func (p *person) throughBank(user string) *person {
	p.w.t.Helper()
	p.sees("Fika Pay may", "Make domestic payments").press("Continue to Sandbox Bank")
	p.sees("Sign in to give Fika Pay access").press("Sign in", "username", user, "password", "any")
	return p.sees("Give Fika Pay access?").press("Give access")
}

// connected is a customer whose bank is connected.
func (w *world) connected(user string) *person {
	w.t.Helper()
	p := w.signedIn(user).sees("No bank connected").press("Connect your bank")
	p.throughBank(user).sees("One step left").follow("Continue to Fika Pay")
	return p.sees("Connected", "90 days left")
}

func TestStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	if strings.Contains(p.at.RawQuery, "code") {
		t.Errorf("the completion code stays in the address: %s", p.at)
	}
	p.sees("Valid until " + lastDayIn90(w) + ".")
	p.press("Pay 10 ISK").sees("Paid 10 ISK to Guðrún", "settled", "ACCC", "201 Created", "/Payments/Initiations/v1/CreditTransfers/BAA")
	if n := w.bank.Refreshes(); n != 0 {
		t.Fatalf("refreshes = %d before the token has ended, want 0", n)
	}
	p.follow("Back to Fika Pay").press("End the access token").sees("has ended; consentd refreshes it")
	p.press("Pay 10 ISK").sees("Paid 10 ISK to Guðrún", "refreshed at the bank")
	if n := w.bank.Refreshes(); n != 1 {
		t.Errorf("refreshes = %d after the token had ended, want 1", n)
	}
	w.settle()
	p.follow("Inbox").sees("Fika Pay is connected to Sandbox Bank until", "jongunars@example.com")
}

func lastDayIn90(w *world) string {
	return w.stage.Now().Add(90*24*time.Hour - 10*time.Minute).Format("2 January 2006")
}

func TestRightPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	t.Run("somebody else than expected is refused", func(t *testing.T) {
		p := w.signedIn(jon).press("Connect your bank", "expect", "1")
		p.throughBank(gudrun).sees("That was somebody else").follow("Back to Fika Pay")
		p.sees("Not connected", "Somebody else signed in").lacks("Pay 10 ISK")
		p.press("Try again", "expect", "1").throughBank(jon).sees("is connected").follow("Continue to Fika Pay")
		p.sees("Connected", "Pay 10 ISK")
	})
	t.Run("a forwarded link connects nobody", func(t *testing.T) {
		attacker := w.signedIn(anna)
		attacker.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		attacker.press("Connect your bank")
		link := w.ear.everything()
		forwarded := link[len(link)-1].answer.Get("Location")
		attacker.client.CheckRedirect = nil

		victim := w.person().open(forwarded)
		victim.throughBank(gudrun).sees("One step left").follow("Continue to Fika Pay")
		victim.sees("This did not start here")
		attacker.open(w.at.shop).sees("One step left").lacks("Pay 10 ISK", "days left")

		bystander := w.signedIn(gudmundur) // signed in, but did not ask for this
		bystander.open(victim.at.String()).sees("This did not start here")
	})
}

func TestBankSaysNo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ user, account, words, next string }{
		{anna, "primary", "User exceeded daily amount limit", "daily limit"},
		{jon, "secondary", "not available in the debtor account", "Pay from the main account"},
		{gudmundur, "primary", "Invalid account for 3rd party transfer", "another account"},
		{sigurdur, "primary", "Debtor account not found", "does not know the account"},
	} {
		w.connected(c.user).press("Pay 10 ISK", "account", c.account).
			sees("The bank said no", "Nothing was paid", c.words, "What to do:", c.next).lacks("Try again")
	}
}

func TestWithdrawnAtTheBank(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	p.follow("Withdraw it in the online bank") // still signed in there
	p.sees("Apps with access", "Fika Pay").press("Withdraw access").sees("No app has access")

	// The token is still good by its own clock: only the bank knows better.
	w.stage.Pass(5 * time.Second)
	p.open(w.at.shop).sees("Connected").press("Pay 10 ISK")
	p.sees("Access was withdrawn", "Nothing was paid").press("Connect your bank again")
	p.throughBank(jon).follow("Continue to Fika Pay").sees("Connected").press("Pay 10 ISK").sees("Paid 10 ISK")
}

func TestWithdrawnFoundByRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	w.bank.Withdraw(jon, "")
	p.press("End the access token").press("Pay 10 ISK").sees("Access was withdrawn", "gave no token (consent-revoked)")
	p.open(w.at.shop).sees("Access was withdrawn", "does not accept your permission any more")
}

func TestPermissionLapses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	p.press("+30 days").sees("60 of 90 days left")
	p.press("Pay 10 ISK").sees("Paid 10 ISK").follow("Back to Fika Pay")
	p.press("Renew now").sees("Renew the access").press("Continue to Sandbox Bank")
	p.press("Sign in", "username", jon, "password", "any").press("Give access").sees("Access renewed")
	p.follow("Continue to Fika Pay").sees("Renewed", "90 of 90 days left")
	p.press("+30 days").press("+30 days").press("+30 days").sees("Your permission has ended")
	p.press("Pay 10 ISK").sees("Your permission has ended", "Nothing was paid", "gave no token (consent-expired)")
	p.press("Connect your bank again").throughBank(jon).follow("Continue to Fika Pay").sees("90 of 90 days left")
}

func TestOutageIsNoEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	p.press("Disturb the bank’s next refresh").press("Pay 10 ISK")
	p.sees("Sandbox Bank does not answer", "your permission is as it was", "Wait 12 seconds")
	w.redis.SetTime(time.Now().Add(time.Minute)) // consentd's rest is over
	p.press("Try again").sees("Paid 10 ISK to Guðrún", "2 times, as one payment")

	p.follow("Back to Fika Pay").press("Disturb the bank’s next payment").press("Pay 10 ISK")
	p.sees("The bank could not take it", "503", "Retry-After").press("Try again").sees("Paid 10 ISK to Guðrún")
	ids := w.requestIDs()
	if n := len(ids); n < 2 || ids[n-1] != ids[n-2] {
		t.Errorf("X-Request-IDs of the two tries = %v, want the last two alike", ids)
	}
}

// requestIDs are those of the payments that reached the bank.
func (w *world) requestIDs() (ids []string) {
	for _, x := range w.ear.everything() {
		if x.part == partBank && x.method == http.MethodPost && strings.HasPrefix(x.uri, "/Payments/") {
			ids = append(ids, x.request.Get("X-Request-ID"))
		}
	}
	return ids
}

func TestConsentdAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	w.ear.replace(partConsentd, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<h1>Bad Gateway</h1>", http.StatusBadGateway)
	}))
	p.press("Pay 10 ISK").sees("Not paid", "Try again").follow("Back to Fika Pay").sees("Nothing is lost").lacks("Pay 10 ISK")
}

func TestPersonChangesTheirMind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.signedIn(jon).press("Connect your bank").follow("Not now").sees("Not now, then")
	p.press("Go on to your bank").press("Continue to Sandbox Bank").press("Cancel")
	p.sees("You cancelled").follow("Back to Fika Pay").sees("Not connected", "You cancelled at Sandbox Bank")
	p.press("Try again").press("Continue to Sandbox Bank").press("Sign in", "username", jon, "password", "any")
	p.press("Give access", "scope", "openid").sees("A permission is missing").follow("Back to Fika Pay")
	p.sees("A permission is missing").press("Sign out").sees("Who are you?")
}

// TestPersonReadsAnotherLanguage from the switch on consentd's page on, also
// where something goes wrong.
func TestPersonReadsAnotherLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.signedIn(jon).press("Connect your bank").sees("English", "Íslenska", "Svenska", "Not now").follow("Íslenska")
	p.sees("Fika Pay má", "Greiða innanlands af reikningunum þínum", "Gildir til").press("Áfram í bankann (Sandbox Bank)").press("Cancel")
	p.sees("Þú hættir við", "Reyna aftur").follow("Svenska").sees("Du avbröt", "Försök igen")
	p.open(w.at.consentd + "/c/nothing").sees("Den här länken är för gammal").follow("Gå till Fika Pay").sees("Not connected")
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person().open(w.at.shop + "/nowhere").sees("There is nothing here")
	w.person().open(w.at.shop + "/payments/x").sees("Who are you?")
	w.person().open(w.at.shop + "/bank/done?consent_id=x&code=y").sees("This did not start here")
	w.person().open(w.at.shop).press("Jón", "nonsense", strings.Repeat("x", 1<<20)).sees("Who is that?")
	p := w.connected(jon).press("Pay 10 ISK", "order", "../../x").sees("no order of ours")
	p.open(w.at.shop + "/payments/x").sees("no such payment")
}
