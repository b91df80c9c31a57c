package oauthbank

// The dial guard is worth testing against addresses that no test can dial.
var (
	NewTransport = newTransport
	GuardDial    = guardDial
)
