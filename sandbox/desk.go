package sandbox

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// How long the bank waits for people and for pushed requests to be used.
const (
	visitLife   = 10 * time.Minute
	sessionLife = 30 * time.Minute
	pushedLife  = time.Minute
)

// desk is where customers stand in a browser: what they were asked, who signed
// in, and what they decided to allow less of.
type desk struct {
	mu         sync.Mutex
	visits     shelf[visit]
	sessions   shelf[session]
	pushed     shelf[request]
	assertions shelf[struct{}]
	narrowed   map[string][]string // by user name
}

// visit is one authorization request that waits for its customer.
type visit struct {
	id      string
	request request
	session string // set once somebody has signed in for it
}

// session is a customer who signed in with this browser.
type session struct {
	id    string
	user  User
	since time.Time
}

func (d *desk) admit(req request, now time.Time) visit {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := visit{id: rand.Text(), request: req}
	d.visits.put(v.id, v, now.Add(visitLife), now)
	return v
}

func (d *desk) visit(id string, now time.Time) (visit, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.visits.get(id, now)
}

// leave ends a visit; only the first caller gets it.
func (d *desk) leave(id string, now time.Time) (visit, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.visits.take(id, now)
}

// signIn opens a new session, for a visit if there is one. The visit belongs
// to that session from then on: nobody else's browser can decide it.
func (d *desk) signIn(u User, v *visit, now time.Time) session {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := session{id: rand.Text(), user: u, since: now}
	d.sessions.put(s.id, s, now.Add(sessionLife), now)
	if v != nil {
		v.session = s.id
		d.visits.put(v.id, *v, now.Add(visitLife), now)
	}
	return s
}

func (d *desk) session(id string, now time.Time) (session, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sessions.get(id, now)
}

func (d *desk) signOut(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions.remove(id)
}

// keep stores a pushed request and returns its request_uri.
func (d *desk) keep(req request, now time.Time) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	uri := "urn:ietf:params:oauth:request_uri:" + rand.Text()
	d.pushed.put(uri, req, now.Add(pushedLife), now)
	return uri
}

// collect hands out a pushed request to the client that pushed it, once.
func (d *desk) collect(uri, clientID string, now time.Time) (request, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	req, ok := d.pushed.get(uri, now)
	if !ok || req.client.ID != clientID {
		return request{}, false
	}
	d.pushed.remove(uri)
	return req, true
}

// firstUse remembers the id of a client assertion until it expires.
func (d *desk) firstUse(id string, until, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, used := d.assertions.get(id, now); used {
		return false
	}
	d.assertions.put(id, struct{}{}, until, now)
	return true
}

func (d *desk) narrow(userName string, scopes []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.narrowed == nil {
		d.narrowed = make(map[string][]string)
	}
	delete(d.narrowed, userName)
	if len(scopes) > 0 {
		d.narrowed[userName] = slices.Clone(scopes)
	}
}

// allowed cuts what a customer approved down to what [Bank.Narrow] left.
func (d *desk) allowed(userName string, approved []string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if limit, ok := d.narrowed[userName]; ok {
		return common(approved, limit)
	}
	return approved
}
