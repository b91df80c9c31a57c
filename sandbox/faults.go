package sandbox

import (
	"cmp"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Endpoint names a place where answers can fail and calls are counted.
type Endpoint string

// The endpoints of the bank.
const (
	EndpointDiscovery  Endpoint = "discovery"
	EndpointJWKS       Endpoint = "jwks"
	EndpointAuthorize  Endpoint = "authorize"
	EndpointPAR        Endpoint = "par"
	EndpointToken      Endpoint = "token"
	EndpointRevoke     Endpoint = "revoke"
	EndpointIntrospect Endpoint = "introspect"
	EndpointPayments   Endpoint = "payments"
)

func endpoints() []Endpoint {
	return []Endpoint{
		EndpointDiscovery, EndpointJWKS, EndpointAuthorize, EndpointPAR,
		EndpointToken, EndpointRevoke, EndpointIntrospect, EndpointPayments,
	}
}

// Fault says how an answer fails. Fields combine: the Delay comes first, then
// the work if LoseAnswer asks for it, then what the caller gets instead of the
// answer. The zero value is a 500.
type Fault struct {
	Status      int           // status to answer; default 500, or 200 with HTML or Body
	RetryAfter  time.Duration // Retry-After header, in whole seconds
	Body        string        // body to answer
	ContentType string        // of Body; default application/json
	HTML        bool          // a web page, as a proxy in front of the bank sends
	Delay       time.Duration // wait first; alone: then answer as always
	Hang        bool          // no answer until the caller gives up
	Drop        bool          // no work and no answer, the connection ends
	LoseAnswer  bool          // do the work; alone: then the connection ends
}

// faults holds what is to fail next, and counts.
type faults struct {
	mu      sync.Mutex
	calls   map[Endpoint]int
	waiting map[Endpoint][]waitingFault
}

type waitingFault struct {
	left  int
	fault Fault
}

// Fail makes the next n answers at e fail as f says, after the faults that
// wait there already. With n < 1 it forgets those instead.
func (b *Bank) Fail(e Endpoint, n int, f Fault) { b.faults.add(e, n, f) }

func (fs *faults) add(e Endpoint, n int, f Fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if n < 1 {
		delete(fs.waiting, e)
		return
	}
	if fs.waiting == nil {
		fs.waiting = make(map[Endpoint][]waitingFault)
	}
	fs.waiting[e] = append(fs.waiting[e], waitingFault{n, f})
}

// next counts a call and takes the fault that it is to meet.
func (fs *faults) next(e Endpoint) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.calls == nil {
		fs.calls = make(map[Endpoint]int)
	}
	fs.calls[e]++
	queue := fs.waiting[e]
	if len(queue) == 0 {
		return Fault{}, false
	}
	queue[0].left--
	f := queue[0].fault
	if queue[0].left == 0 {
		fs.waiting[e] = slices.Delete(queue, 0, 1)
	}
	return f, true
}

func (fs *faults) seen(e Endpoint) int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.calls[e]
}

// left counts the faults that still wait at e.
func (fs *faults) left(e Endpoint) (n int) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, w := range fs.waiting[e] {
		n += w.left
	}
	return n
}

// at counts the calls of an endpoint and lets them meet their faults.
func (b *Bank) at(e Endpoint, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, ok := b.faults.next(e)
		if !ok {
			h(w, r)
			return
		}
		b.log.Info("fault on demand", "endpoint", e, "fault", f)
		f.serve(w, r, e, h)
	}
}

// serve plays f. It ends in [http.ErrAbortHandler] where there is no answer.
func (f Fault) serve(w http.ResponseWriter, r *http.Request, e Endpoint, h http.HandlerFunc) {
	if f.Delay > 0 && !pause(r, f.Delay) {
		panic(http.ErrAbortHandler)
	}
	if f.LoseAnswer {
		h(newRecorder(), r)
	}
	switch {
	case f.Hang:
		// Only a read body lets net/http notice that the caller has gone.
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case f.Drop, f.LoseAnswer && !f.answers():
		panic(http.ErrAbortHandler)
	case f.Delay > 0 && !f.answers():
		h(w, r)
	default:
		f.answer(w, e)
	}
}

// answers tells whether f gives an answer of its own.
func (f Fault) answers() bool {
	return f.Status != 0 || f.HTML || f.Body != "" || f.RetryAfter > 0
}

func (f Fault) answer(w http.ResponseWriter, e Endpoint) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	switch {
	case f.HTML:
		writeText(w, cmp.Or(f.Status, http.StatusOK), "text/html; charset=utf-8", maintenancePage)
	case f.Body != "":
		writeText(w, cmp.Or(f.Status, http.StatusOK), cmp.Or(f.ContentType, "application/json"), f.Body)
	case e == EndpointPayments:
		writePaymentError(w, genericError(cmp.Or(f.Status, http.StatusInternalServerError)))
	default:
		writeJSON(w, cmp.Or(f.Status, http.StatusInternalServerError), refuse("server_error", "fault on demand"))
	}
}

func writeText(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the caller has gone: nothing to tell it
}

const maintenancePage = `<!doctype html>
<html lang="en"><title>Maintenance</title><h1>We will be right back</h1></html>
`

// pause waits for d or until the caller gives up.
func pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
