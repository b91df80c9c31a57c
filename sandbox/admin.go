package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// admin serves the fault switches of the package documentation.
func (b *Bank) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /admin/state", b.adminState)
	mux.HandleFunc("POST /admin/faults", b.adminFail)
	mux.HandleFunc("DELETE /admin/faults", b.adminForget)
	mux.HandleFunc("POST /admin/withdraw", b.adminWithdraw)
	mux.HandleFunc("POST /admin/narrow", b.adminNarrow)
	mux.HandleFunc("POST /admin/bar", b.adminBar)
	mux.HandleFunc("POST /admin/keys", b.adminKeys)
	mux.HandleFunc("POST /admin/clock", b.adminClock)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !sameSecret(token, b.cfg.AdminToken) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="sandbox admin"`)
			writeProblem(w, http.StatusUnauthorized, "the admin token is missing or wrong")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func writeProblem(w http.ResponseWriter, status int, problem string) {
	writeJSON(w, status, map[string]string{"error": problem})
}

// readOrder reads an admin request strictly: a misspelt fault that quietly
// did nothing would cost an afternoon.
func readOrder[T any](w http.ResponseWriter, r *http.Request) (order T, ok bool) {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&order); err != nil && err != io.EOF {
		writeProblem(w, http.StatusBadRequest, err.Error())
		return order, false
	}
	return order, true
}

// knownUser resolves a user name, or answers that there is none.
func knownUser(w http.ResponseWriter, name string) (User, bool) {
	u, ok := findUser(name)
	if !ok {
		writeProblem(w, http.StatusBadRequest, "no such user")
	}
	return u, ok
}

// duration is a [time.Duration] that JSON writes as "3s".
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}

func (b *Bank) adminState(w http.ResponseWriter, _ *http.Request) {
	type counts struct {
		Calls   int `json:"calls"`
		Waiting int `json:"waiting_faults"`
	}
	type person struct {
		UserName  string `json:"user_name"`
		Name      string `json:"name"`
		Kennitala string `json:"kennitala"`
		Grants    int    `json:"grants"`
	}
	now := b.now()
	at := make(map[Endpoint]counts)
	for _, e := range endpoints() {
		at[e] = counts{b.faults.seen(e), b.faults.left(e)}
	}
	var people []person
	for _, u := range bankUsers() {
		people = append(people, person{u.UserName, u.Name, u.Kennitala, len(b.ledger.of(u.UserName, now))})
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"now": now, "rotation": b.cfg.Rotation.String(), "refreshes": b.Refreshes(),
		"endpoints": at, "users": people,
	})
}

func (b *Bank) adminFail(w http.ResponseWriter, r *http.Request) {
	order, ok := readOrder[struct {
		Endpoint    Endpoint `json:"endpoint"`
		Count       *int     `json:"count"`
		Status      int      `json:"status"`
		RetryAfter  duration `json:"retry_after"`
		Body        string   `json:"body"`
		ContentType string   `json:"content_type"`
		HTML        bool     `json:"html"`
		Delay       duration `json:"delay"`
		Hang        bool     `json:"hang"`
		Drop        bool     `json:"drop"`
		LoseAnswer  bool     `json:"lose_answer"`
	}](w, r)
	if !ok {
		return
	}
	count := 1
	if order.Count != nil {
		count = *order.Count
	}
	switch {
	case !slices.Contains(endpoints(), order.Endpoint):
		writeProblem(w, http.StatusBadRequest, "no such endpoint")
		return
	case count < 1:
		writeProblem(w, http.StatusBadRequest, "count must be at least 1")
		return
	case order.Status != 0 && (order.Status < 200 || order.Status > 599):
		writeProblem(w, http.StatusBadRequest, "status must be 200 to 599")
		return
	}
	b.Fail(order.Endpoint, count, Fault{
		Status: order.Status, RetryAfter: time.Duration(order.RetryAfter), Body: order.Body,
		ContentType: order.ContentType, HTML: order.HTML, Delay: time.Duration(order.Delay),
		Hang: order.Hang, Drop: order.Drop, LoseAnswer: order.LoseAnswer,
	})
	writeJSON(w, http.StatusOK, map[string]int{"waiting_faults": b.faults.left(order.Endpoint)})
}

func (b *Bank) adminForget(w http.ResponseWriter, r *http.Request) {
	which := endpoints()
	if e := Endpoint(r.URL.Query().Get("endpoint")); e != "" {
		if !slices.Contains(which, e) {
			writeProblem(w, http.StatusBadRequest, "no such endpoint")
			return
		}
		which = []Endpoint{e}
	}
	for _, e := range which {
		b.Fail(e, 0, Fault{})
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *Bank) adminWithdraw(w http.ResponseWriter, r *http.Request) {
	order, ok := readOrder[struct {
		User     string `json:"user"`
		ClientID string `json:"client_id"`
	}](w, r)
	if !ok {
		return
	}
	if u, ok := knownUser(w, order.User); ok {
		writeJSON(w, http.StatusOK, map[string]int{"ended": b.Withdraw(u.UserName, order.ClientID)})
	}
}

func (b *Bank) adminNarrow(w http.ResponseWriter, r *http.Request) {
	order, ok := readOrder[struct {
		User   string   `json:"user"`
		Scopes []string `json:"scopes"`
	}](w, r)
	if !ok {
		return
	}
	if !subset(order.Scopes, scopeNames()) {
		writeProblem(w, http.StatusBadRequest, "no such scope")
		return
	}
	if u, ok := knownUser(w, order.User); ok {
		b.Narrow(u.UserName, order.Scopes...)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (b *Bank) adminBar(w http.ResponseWriter, r *http.Request) {
	order, ok := readOrder[struct {
		User   string `json:"user"`
		Barred bool   `json:"barred"`
	}](w, r)
	if !ok {
		return
	}
	if u, ok := knownUser(w, order.User); ok {
		b.Bar(u.UserName, order.Barred)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (b *Bank) adminKeys(w http.ResponseWriter, _ *http.Request) {
	b.RotateKeys()
	w.WriteHeader(http.StatusNoContent)
}

func (b *Bank) adminClock(w http.ResponseWriter, r *http.Request) {
	order, ok := readOrder[struct {
		Advance duration `json:"advance"`
	}](w, r)
	if !ok {
		return
	}
	b.Advance(time.Duration(order.Advance))
	writeJSON(w, http.StatusOK, map[string]time.Time{"now": b.now()})
}
