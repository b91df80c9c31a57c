package oauthbank

// NewTransport is worth testing for settings that no test can see at work.
var NewTransport = newTransport
