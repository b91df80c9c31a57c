// Package sandbox is a bank in a box: an authorization server, a small online
// bank and the A2A payments API of Landsbankinn's developer pages, with six
// invented customers, no real money, and faults on demand. A [Bank] is an
// [http.Handler] to serve and an [http.RoundTripper] to test with; tests need
// no sockets and no waiting. It knows nothing of consentd and imports nothing
// of it; anybody who writes a payment service can use it alone.
//
// # Authorization server
//
// The paths are those of PingFederate, which the bank's published addresses
// point to:
//
//	/.well-known/openid-configuration  discovery
//	/pf/JWKS                           keys of the ID and access tokens (RS256)
//	/as/authorization.oauth2           authorization code, PKCE S256 required
//	/as/par.oauth2                     pushed authorization requests, RFC 9126
//	/as/token.oauth2                   authorization_code, refresh_token
//	/as/revoke_token.oauth2            RFC 7009; any token of a grant ends it
//	/as/introspect.oauth2              RFC 7662; a client's own tokens only
//
// Clients authenticate by client_secret_basic, client_secret_post or
// private_key_jwt (audience is the issuer as a string, at most five minutes
// ahead, each jti once). Every answer to the redirect address carries iss,
// errors too. A code lives one minute and works once; coming back with it ends
// the grant that it gave. Each authorization asks the customer to sign in
// again, as strong customer authentication does, and lets them untick single
// scopes or cancel.
//
// The scopes are openid, profile, customer, payments and the optional
// accounts. ID tokens carry kennitala and name with the scope customer, and
// name, gender and birthdate with profile; an unticked scope takes its claims
// with it. Access tokens are JWTs that always carry kennitala, but the bank
// decides by its own books: a withdrawn token is refused before it expires. A
// refresh answers with a new ID token too, with the first auth_time and no
// nonce. A grant ends [Config].GrantLife after the approval, whatever is
// refreshed. [None], [Grace] and [Strict] say what a refresh does to the
// refresh token. An older grant of the same customer and app stays alive when
// a newer one comes.
//
// # Online bank
//
// Under /onlinebank a customer signs in, sees which apps have access and
// withdraws it. User names are those of the bank's page in any case, and the
// FAQ's "jongunnars"; any password that is not empty will do.
//
// The pages' Content-Security-Policy lets forms lead to the origins of the
// app's redirect addresses. Chromium holds the whole chain of redirects to
// that: a callback that redirects to a further origin needs it registered too.
//
// # A2A payments API
//
//	POST /Payments/Initiations/v1/CreditTransfers
//	GET  /Payments/Initiations/v1/CreditTransfers/{id}
//	GET  /Payments/Initiations/v1/CreditTransfers/{id}/Status
//
// A call needs a bearer token with the scope payments and the apikey header
// of the client that the token was given to; a POST also needs X-Request-ID.
// Where the bank's page is silent or contradicts itself, this is our choice:
//
//   - The path of the status, and its answer: the JSON string "ACCC".
//   - The body of an error: {"code":"ERR_80102_104","name":"OverDailyAmount",
//     "message":"User exceeded daily amount limit"}. The page gives the three
//     values, not the shape.
//   - Every initiation gets an id of its own in the shape of the page's
//     BAA1234ABCDE1234 and can be read back for 90 days by its customer. The
//     page gives that one id to everybody; it can still be read by everybody.
//   - Checks run in the order: token, key, X-Request-ID, bar, repeat, body,
//     currency, amount, payee, owner, account, product, funds, daily limit. So
//     a secondary account answers AmountUnavailable, even Anna's.
//   - A repeated X-Request-ID gives the first Location whatever the body says.
//     A refused initiation has none, so its X-Request-ID may be used again.
//   - A missing or foreign apikey is a generic 401. Amounts are whole krónur.
//     A payee's account is domestic when it has 12 digits and its owner 10.
//   - Funds do not shrink: a primary account always has enough for the daily
//     limit, a secondary account always has nothing.
//   - None of the six is refused as NotAuthorizedToPost; [Bank.Bar] does that.
//
// # Faults on demand
//
// [Bank.Fail] makes the next answers of an [Endpoint] fail as a [Fault] says;
// [Bank.Withdraw], [Bank.Narrow], [Bank.Bar], [Bank.RotateKeys] and
// [Bank.Advance] change what the bank does. The same over HTTP, with
// "Authorization: Bearer <Config.AdminToken>" and JSON bodies:
//
//	GET    /admin/state     clock, calls, refreshes, waiting faults, users
//	POST   /admin/faults    {"endpoint":"token","count":2,"status":503,"retry_after":"3s"}
//	                        also "html", "hang", "drop", "lose_answer": true,
//	                        "delay":"2s", "body":"...", "content_type":"..."
//	DELETE /admin/faults    forget the waiting faults, of ?endpoint=token or all
//	POST   /admin/withdraw  {"user":"GUDGUNNARS","client_id":"demo"}
//	POST   /admin/narrow    {"user":"GUDGUNNARS","scopes":["openid"]}
//	POST   /admin/bar       {"user":"GUDGUNNARS","barred":true}
//	POST   /admin/keys      {} rotates the signing keys
//	POST   /admin/clock     {"advance":"2160h"}
//
// Without an AdminToken these addresses do not exist.
package sandbox

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// Bank is the sandbox bank. Make one with [New]; its methods may be called
// from several goroutines.
type Bank struct {
	cfg      Config
	log      *slog.Logger
	offset   atomic.Int64
	clients  map[string]*Client
	keys     keyring
	desk     desk
	ledger   ledger
	payments payments
	faults   faults
	handler  http.Handler
}

// New opens a bank. The error names everything that is wrong in cfg.
func New(cfg Config) (*Bank, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	b := &Bank{cfg: cfg, log: cfg.Log, clients: make(map[string]*Client)}
	for i := range cfg.Clients {
		b.clients[cfg.Clients[i].ID] = &cfg.Clients[i]
	}
	b.ledger.open(cfg)
	b.handler = b.routes()
	return b, nil
}

// ServeHTTP answers one request to the bank.
func (b *Bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	b.handler.ServeHTTP(w, r)
}

// maxBody is many times the largest request that makes sense.
const maxBody = 64 << 10

// routes dispatches by path. Payments stand before the mux, which would
// redirect the path of an empty initiation id instead of refusing it.
func (b *Bank) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", b.at(EndpointDiscovery, b.discovery))
	mux.HandleFunc("GET "+pathJWKS, b.at(EndpointJWKS, b.jwks))
	mux.HandleFunc("GET "+pathAuthorize, b.at(EndpointAuthorize, b.authorize))
	for path, h := range map[string]http.HandlerFunc{
		pathPAR:        b.at(EndpointPAR, b.push),
		pathToken:      b.at(EndpointToken, b.token),
		pathRevoke:     b.at(EndpointRevoke, b.revoke),
		pathIntrospect: b.at(EndpointIntrospect, b.introspect),
	} {
		mux.HandleFunc("POST "+path, h)
		mux.HandleFunc(path, onlyPOST)
	}
	if b.cfg.AdminToken != "" {
		mux.Handle("/admin/", b.admin())
	}
	mux.Handle("/", b.pages())

	pay := b.at(EndpointPayments, b.servePayments)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPayments(r.URL.Path) {
			pay(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func onlyPOST(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", http.MethodPost)
	http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
}

// pages are what people see in a browser.
func (b *Bank) pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.front)
	mux.HandleFunc("GET "+pathStylesheet, serveStylesheet)
	mux.HandleFunc("GET "+pathLogin, b.showLogin)
	mux.HandleFunc("POST "+pathLogin, b.login)
	mux.HandleFunc("GET "+pathPermissions, b.showPermissions)
	mux.HandleFunc("POST "+pathPermissions, b.decide)
	mux.HandleFunc("GET "+pathOnlineBank, b.showOnlineBank)
	mux.HandleFunc("POST "+pathOnlineBank+"/login", b.onlineLogin)
	mux.HandleFunc("POST "+pathOnlineBank+"/withdraw", b.onlineWithdraw)
	mux.HandleFunc("POST "+pathOnlineBank+"/logout", b.onlineLogout)
	mux.HandleFunc("/", b.notFound)
	return http.NewCrossOriginProtection().Handler(mux)
}

// now is the bank's clock: [Config].Now plus every [Bank.Advance].
func (b *Bank) now() time.Time {
	return b.cfg.Now().Add(time.Duration(b.offset.Load())).UTC()
}

// Advance moves the bank's clock by d. It does not shorten a [Fault]'s Delay.
func (b *Bank) Advance(d time.Duration) {
	b.offset.Add(int64(d))
	b.log.Info("clock moved", "by", d, "now", b.now())
}

// Withdraw ends the access of a client as the customer does in the online
// bank, and says how many grants that ended. An empty clientID means all.
func (b *Bank) Withdraw(user, clientID string) (ended int) {
	u, ok := findUser(user)
	if !ok {
		return 0
	}
	ended = b.ledger.withdraw(u.UserName, clientID, b.now())
	b.log.Info("access withdrawn", "user", u.UserName, "client_id", clientID, "ended", ended)
	return ended
}

// Narrow makes the next grants of user hold none but these scopes, whatever is
// asked and ticked. Without scopes it takes that back.
func (b *Bank) Narrow(user string, scopes ...string) {
	if u, ok := findUser(user); ok {
		b.desk.narrow(u.UserName, scopes)
	}
}

// Bar refuses user's payments with NotAuthorizedToPost, or stops doing so.
func (b *Bank) Bar(user string, barred bool) {
	if u, ok := findUser(user); ok {
		b.payments.bar(u.UserName, barred)
	}
}

// RotateKeys makes the bank sign with a new key. The one before stays in the
// JWKS, older ones leave it.
func (b *Bank) RotateKeys() { b.keys.rotate() }

// Calls counts the requests seen at e, those that met a fault included.
func (b *Bank) Calls(e Endpoint) int { return b.faults.seen(e) }

// Refreshes counts the refresh tokens honoured, lost answers included.
func (b *Bank) Refreshes() int { return b.ledger.refreshed() }
