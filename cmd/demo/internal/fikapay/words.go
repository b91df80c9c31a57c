package fikapay

import (
	"errors"
	"fmt"
	"time"

	"github.com/consentd/consentd/client"
)

// wordsFor says how a consent stands. The zero consent is none.
func wordsFor(c client.Consent, bankName string) standing {
	end := lastDay(c.EndsAt)
	switch c.Status {
	case "":
		return standing{State: "none", Title: "No bank connected", Button: "Connect your bank",
			Text: "To pay from your account, Fika Pay needs your permission at " + bankName + ". You give it once, and it lasts 90 days."}
	case client.Valid:
		return standing{State: "valid", Title: "Connected", Button: "Renew now", CanPay: true,
			Text: "Valid until " + end + ".", Left: barOf(c)}
	case client.Received:
		if c.AwaitingConfirmation {
			return standing{State: "waiting", Title: "One step left", Button: "Connect your bank again",
				Text: "You gave permission at " + bankName + ", but did not come all the way back to Fika Pay."}
		}
		return standing{State: "waiting", Title: "Waiting for you", Button: "Go on to your bank",
			Text: "You have set out to connect " + bankName + " and have not finished yet."}
	case client.Rejected:
		return standing{State: "ended", Title: "Not connected", Button: "Try again", Text: rejectedText(c.Cause, bankName)}
	case client.PartiallyAuthorised:
		return standing{State: "ended", Title: "A permission is missing", Button: "Try again",
			Text: "At " + bankName + " you left out a permission that Fika Pay cannot do without. Leave all of them ticked."}
	case client.Expired:
		return standing{State: "ended", Title: "Your permission has ended", Button: "Connect again", CanPay: true,
			Text: "It was valid until " + end + ". Connect again if you want to go on paying with Fika Pay."}
	case client.TerminatedByAspsp:
		return standing{State: "ended", Title: "Access was withdrawn", Button: "Connect again", CanPay: true,
			Text: bankName + " does not accept your permission any more. Usually that is because you withdrew it in the online bank."}
	}
	return standing{State: "ended", Title: "Access was stopped", Button: "Connect your bank", Text: stoppedText(c.Cause)}
}

func stoppedText(c *client.Cause) string {
	who := map[string]string{"customer": "You stopped", "app": "You stopped here, at Fika Pay,"}
	text := "The support of consentd stopped"
	if c != nil && who[c.Actor] != "" {
		text = who[c.Actor]
	}
	return text + " the permission. Nothing is paid from your account. Connect again if you want to go on."
}

func barOf(c client.Consent) bar {
	const day = 24 * time.Hour
	return bar{Days: c.DaysLeft, Of: max(c.DaysLeft, int((c.EndsAt.Sub(c.AuthorizedAt)+day-1)/day))}
}

func rejectedText(c *client.Cause, bankName string) string {
	why := map[string]string{
		"cancelled":    "You cancelled at " + bankName + ".",
		"wrong_person": "Somebody else signed in at " + bankName + " than the customer whom Fika Pay expects.",
		"no_identity":  bankName + " did not say who signed in.",
		"company":      bankName + " connects private persons only.",
	}
	text := "You did not give permission."
	if c != nil && why[c.Code] != "" {
		text = why[c.Code]
	}
	return text + " Nothing was connected."
}

// resultWords greets a customer who came back.
func resultWords(result string, status client.Status, bankName string) *notice {
	switch {
	case status == client.Valid && result == "renewed":
		return &notice{Good: true, Title: "Renewed", Text: "Your permission at " + bankName + " has a new last day."}
	case status == client.Valid && (result == "connected" || result == "unconfirmed"):
		return &notice{Good: true, Title: bankName + " is connected", Text: "Fika Pay has checked that it was you. You can pay now."}
	case status == client.Valid:
		return &notice{Title: "Nothing has changed", Text: "The permission that you gave before goes on working."}
	case result == "declined":
		return &notice{Title: "Not now, then", Text: "Nothing was connected. You can do it whenever you like."}
	}
	return nil // the card with the bank says it all
}

// paidWords tells of a payment that the bank took.
func paidWords(p *payment) outcome {
	o := outcome{Good: true, Title: fmt.Sprintf("Paid %d ISK to %s", p.Sum, firstName(p.Payee.Name))}
	switch p.Status {
	case "ACCC":
		o.Text = "The bank says: settled. The money is in " + firstName(p.Payee.Name) + "’s account."
	case "":
		o.Text = "The bank took the payment. What became of it could not be read just now."
	default:
		o.Text = "The bank took the payment; its status is " + p.Status + "."
	}
	return o
}

// tokenWords tells why there is no token, and what to do.
func tokenWords(err error, bankName string) outcome {
	o := outcome{Title: "Not paid", Text: "Fika Pay got no access to your account. Nothing was paid."}
	told, ok := errors.AsType[*client.Problem](err)
	if !ok {
		o.Next, o.Again = "Fika Pay cannot be reached completely just now. Try again in a moment.", true
		return o
	}
	o.RetryAfter = int(told.RetryAfter / time.Second)
	switch {
	case errors.Is(err, client.ErrBankUnavailable):
		o.Title = bankName + " does not answer"
		o.Text = "The bank is having problems. Nothing was paid, and your permission is as it was."
		o.Next, o.Again = "There is nothing to renew. Wait a moment, then try again.", true
	case errors.Is(err, client.ErrUnavailable), errors.Is(err, client.ErrRateLimited):
		o.Next, o.Again = "That passes soon. Wait a moment, then try again.", true
	case errors.Is(err, client.ErrConsentExpired):
		o.Title = "Your permission has ended"
		o.Next, o.Connect = "Connect your bank again; then you can pay.", true
	case errors.Is(err, client.ErrRevoked):
		o.Title = "Access was withdrawn"
		if told.Cause != nil && *told.Cause == (client.Cause{Actor: "customer", Code: "stopped"}) {
			o.Text, o.Next, o.Connect = "You stopped the access. Nothing was paid.", "To pay with Fika Pay again, connect your bank.", true
			return o
		}
		o.Text = bankName + " does not accept your permission any more. Nothing was paid."
		o.Next, o.Connect = "If you withdrew it in the online bank, all is as you wanted. To pay with Fika Pay again, connect your bank again.", true
	case errors.Is(err, client.ErrInsufficientScope):
		o.Next, o.Connect = "You left out the permission to make payments. Connect your bank again and leave it ticked.", true
	default:
		o.Next, o.Connect = told.Title+". Connect your bank again.", true
	}
	return o
}

// failureWords tells why the bank did not pay.
func failureWords(err error, bankName string) outcome {
	r, refused := errors.AsType[*refusal](err)
	if _, noToken := errors.AsType[*client.Problem](err); noToken {
		return tokenWords(err, bankName)
	}
	if !refused {
		return outcome{Title: "We do not know yet", Again: true,
			Text: "The bank’s answer did not arrive, so the payment may have been made or not.",
			Next: "Try again: it is the same payment to the bank, so that nothing is paid twice."}
	}
	o := outcome{Title: "The bank said no", Text: "Nothing was paid. The bank’s words: “" + r.Message + "”."}
	switch r.Name {
	case "OverDailyAmount":
		o.Next = "Your daily limit at the bank is used up. Pay tomorrow, or with another customer of this demonstration."
	case "AmountUnavailable":
		o.Next = "There is not enough money on this account. Pay from the main account."
	case "InvalidAccountProduct":
		o.Next = "The bank does not allow payments by apps from this kind of account. Pay from another account."
	case "DebtorAccountNotFound":
		o.Next = "The bank does not know the account. Check its number, or pay from another one."
	case "NotAuthorizedToPost", "AccountAccessDenied":
		o.Next = "The bank does not let you pay from this account. Ask the bank."
	case "Unauthorized":
		o.Title = "The bank refuses the access"
		o.Next, o.Again = "The bank did not say why. Wait a minute, then try again.", true
	default:
		return disturbance(r, bankName)
	}
	return o
}

// disturbance is an answer that says nothing about the payment.
func disturbance(r *refusal, bankName string) outcome {
	o := outcome{Title: "The bank could not take it", Text: fmt.Sprintf("%s answered with an error (%d).", bankName, r.Status)}
	if r.Status >= 500 || r.Status == 429 {
		o.Next, o.Again, o.RetryAfter = "Wait a moment, then try again: it stays the same payment, so that nothing is paid twice.", true, r.RetryAfter
		return o
	}
	o.Next = "That is a fault of Fika Pay’s. Trying again does not help."
	return o
}
