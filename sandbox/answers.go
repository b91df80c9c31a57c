package sandbox

import (
	"encoding/json"
	"net/http"
)

// oauthError is a refusal in the words of RFC 6749.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

func refuse(code, description string) *oauthError {
	return &oauthError{Code: code, Description: description}
}

// writeRefusal answers a client's direct request. A client that failed to
// authenticate gets a 401, and is told how when it tried by header.
func writeRefusal(w http.ResponseWriter, r *http.Request, e *oauthError) {
	status := http.StatusBadRequest
	if e.Code == "invalid_client" {
		status = http.StatusUnauthorized
		if r.Header.Get("Authorization") != "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="sandbox bank"`)
		}
	}
	writeJSON(w, status, e)
}

// writeJSON answers with v. Nothing that the bank says in JSON may be cached,
// keys included: a test that rotates them wants them seen.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone: nothing to tell it
}
