// Package redisstore keeps consents, sealed grants and flows in Redis. It is
// the only Redis code.
//
// It knows keys, scripts and what survives a lost reply. It refuses to know
// why a consent may be used (package consent) and what is in a sealed box
// (package token); no value in it is a secret in the clear.
//
// # Keys
//
// All keys of a customer share a hash tag, the partition that a consent id
// carries, so that every transition is one script in one slot:
//
//	{p:7f}:consent:<id>     hash   status, version, app, bank, dates (ms), sealed person,
//	                               until when apps needed it beyond its end, whether the app heard of an
//	                               end that its bank made, warnings that were claimed,
//	                               counters of leases and generations
//	{p:7f}:grant:<id>       hash   sealed access and refresh boxes, their commit id, generation
//	                               (version), access expiry, and the refresh lease:
//	                               lease, owner, until    the newest lease, Redis' clock
//	                               open                   it has not been concluded
//	                               doubt                  some lease since the last commit never was
//	                               rest                   nobody may acquire before
//	                               committed              the lease that wrote this generation
//	{p:7f}:customer:<index> zset   consent ids of one app's customer
//	{p:7f}:reminders:<index> string "off", where one app's customer wants none
//	{p:7f}:by:person:<index>  zset  consent ids of one national id
//	{p:7f}:by:subject:<index> zset  consent ids of one customer, by a bank's own name for them
//	{p:7f}:timeline:<id>    stream every change of the consent
//	{p:7f}:uses:<id>        hash   hand-outs a day
//	{p:7f}:aside:<id>       hash   sealed grants that are over, until their bank was told
//	{p:7f}:refused:<id>     hash   a grant that its bank refused, until it is known whether the bank
//	                               meant it: two minutes, a day at most
//	{p:7f}:gone:<id>        hash   how it ended, for consent.GoneFor after it was purged; nothing of a person
//	{p:7f}:deliveries:<id>  hash   attempts to deliver each message, and what came of it
//	{p:7f}:due              zset   what to do when: warn, expire, revoke, probe, deliver, purge
//	{p:7f}:telling          hash   by consent: its deliveries in the due set, in their order. Scripts
//	                               find it beside the due set, whose slot it shares
//	{p:7f}:undelivered      zset   messages that were given up, by when
//	{p:7f}:ends:<app>:<bank>:<state>     zset  consents by their end, or, before they have one, by
//	                                           minus the time they were asked for; a state is a
//	                                           status, "failing" or "short"
//	{p:7f}:changed:<app>:<bank>:<state>  zset  the same consents by their last change
//	{p:7f}:counts           hash   how many consents there are by app, bank and state, and the
//	                               epoch of these books, which a rebuild changes
//	{p:7f}:lapses           hash   how many valid consents end, by day
//	{p:7f}:day:<day>        hash   hand-outs by app and refresh failures by bank; 31 days
//	{p:7f}:requests:<day>   hash   request id to consents, for as long as Config.Requests says
//	{p:7f}:handouts         stream every hand-out, allowed or denied, cut to a length
//	{p:7f}:unknown          stream requests for what is not there, or is another app's
//	{p:7f}:erasures         stream proofs that a customer was erased; they name nobody, and stay
//	{app:shop}:credentials  hash   when each credential of an app was used last
//	{audit}:entries         stream what staff did: each entry's text and the code that chains it
//	                               to the one before; never cut
//	{audit}:head            hash   number and code of the newest entry
//	{bank:<id>}:refusals    zset   consents whose grants the bank refused in the last minute
//	{bank:<id>}:incident    hash   from when it is doubted, until when, and how many refusals
//	{bank:<id>}:doubted     zset   consents refused in that incident; with it, for a week
//	{bank:<id>}:budget:<minute> string  probes of a minute
//	link:<hash>, flow:<hash> hash  what a browser needs on its way; minutes
//	{e:<app>}:events        stream what an app was told, for those that ask
//	{e:<app>}:ids           zset   ids of those events, so that each is there once
//	{e:<app>}:last          string the entry that is, or was, the newest of them
//	once:<app>:<index>      hash   what an app's idempotency key stands for, sealed; a day
//	session:<kind>:<hash>   string a signed-in browser, sealed; empty: ended a moment ago
//	session:<kind>:ended:<index> string  when all sessions of one person were ended
//	session:<kind>:seen:<index>  string  when a logout token came first, and was put on record
//
// A grant expires with its consent (PEXPIREAT) as a backstop; the record and
// what hangs on it, thirty days after its purge is due. Business times come from the
// caller; only leases use Redis' own clock.
//
// A <day> is the number of days since 1970 in UTC. Which books a consent is
// entered in, its record says (ix, by_person, by_subject), so that the script
// that changes it can move it; the names of those keys follow from the record and are in the same
// slot, so they are not among a script's KEYS.
//
// # Lost replies
//
// The client never repeats a command by itself. Every script that writes
// answers a repetition like the first time, so that callers can repeat what
// ended in [token.ErrStoreUnavailable].
package redisstore

import (
	"context"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// Config configures a [Store].
type Config struct {
	Client    redis.UniversalClient // required; see Options for how to make one
	Retention time.Duration         // how long a record outlives its consent; default two years
	HandOuts  int                   // hand-outs kept in each of 256 partitions; default 10,000
	Requests  time.Duration         // how long a request id finds its consents; default 7 days
	Traced    int                   // hand-outs that it finds: of an app on a day in a partition, allowed and denied each; default 5,000
}

// Store implements [consent.Store]. It is safe for concurrent use.
type Store struct {
	c Config
}

var _ consent.Store = (*Store)(nil)

const (
	defaultRetention = 2 * 365 * 24 * time.Hour
	defaultHandOuts  = 10_000
	defaultRequests  = 7 * day
	defaultTraced    = 5_000

	day = 24 * time.Hour
)

// New makes a store. It does not talk to Redis; [Store.Check] does.
func New(c Config) (*Store, error) {
	if c.Client == nil {
		return nil, errors.New("redisstore: a client is required")
	}
	if c.Retention == 0 {
		c.Retention = defaultRetention
	}
	if c.HandOuts == 0 {
		c.HandOuts = defaultHandOuts
	}
	if c.Requests == 0 {
		c.Requests = defaultRequests
	}
	if c.Traced == 0 {
		c.Traced = defaultTraced
	}
	return &Store{c: c}, nil
}

//go:embed lua/*.lua lua/part/*.lua
var luaFiles embed.FS

// sources are the scripts by the name of their file.
var sources = loadSources()

// scripts know the hashes by which servers know them.
var scripts = func() map[string]*redis.Script {
	out := make(map[string]*redis.Script)
	for name, src := range sources {
		out[name] = redis.NewScript(src)
	}
	return out
}()

func loadSources() map[string]string {
	entries, err := luaFiles.ReadDir("lua")
	if err != nil {
		panic(err) // embedded: cannot fail in a program that was built
	}
	out := make(map[string]string)
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		src, err := luaFiles.ReadFile("lua/" + e.Name())
		if err != nil {
			panic(err)
		}
		out[strings.TrimSuffix(e.Name(), ".lua")] = withParts(string(src))
	}
	return out
}

// parts are the functions that scripts share, callers before what they call,
// and how a script, or a part before, calls them.
var parts = []struct {
	file  string
	calls []string
}{
	{"line", []string{"line("}},
	{"index", []string{"index("}},
	{"holder", []string{"hold("}},
	{"daily", []string{"daily("}},
	{"trace", []string{"trace("}},
	{"tally", []string{"tally("}},
	{"schedule", []string{"schedule("}},
	{"aside", []string{"aside("}},
	{"keep", []string{"keep("}},
	{"newest", []string{"newest("}},
	{"newestevent", []string{"newestEvent("}},
	{"telling", []string{"tell(", "linesOf("}},
}

// withParts puts the functions that a script calls in front of it.
func withParts(src string) string {
	for _, part := range parts {
		if !slices.ContainsFunc(part.calls, func(call string) bool { return strings.Contains(src, call) }) {
			continue
		}
		text, err := luaFiles.ReadFile("lua/part/" + part.file + ".lua")
		if err != nil {
			panic(err)
		}
		src = string(text) + src
	}
	return src
}

// run runs a script and returns its reply.
func (s *Store) run(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	reply := s.once(ctx, "evalsha", scripts[script].Hash(), keys, args)
	if redis.HasErrorPrefix(reply.Err(), "NOSCRIPT") {
		return s.once(ctx, "eval", sources[script], keys, args)
	}
	return reply
}

// once sends a script one time. A Cluster client repeats a command whose
// reply was lost, whatever its options say, unless the command forbids it.
func (s *Store) once(ctx context.Context, command, script string, keys []string, args []any) *redis.Cmd {
	all := []any{command, script, len(keys)}
	for _, k := range keys {
		all = append(all, k)
	}
	cmd := redis.NewCmd(ctx, append(all, args...)...)
	_ = s.c.Client.Process(ctx, unrepeated{cmd}) // cmd has the error
	return cmd
}

// unrepeated is a command that no client repeats by itself.
type unrepeated struct{ *redis.Cmd }

// NoRetry implements [redis.Cmder].
func (unrepeated) NoRetry() bool { return true }

// verdict runs a script that answers with one word and translates the word.
func (s *Store) verdict(ctx context.Context, script string, words map[string]error, keys []string, args ...any) error {
	word, err := s.run(ctx, script, keys, args...).Text()
	if err != nil {
		return unavailable(script, err)
	}
	if word == "OK" {
		return nil
	}
	if meaning, ok := words[word]; ok {
		return meaning
	}
	return fmt.Errorf("redisstore: %s answered %q", script, word)
}

// change is verdict for a script that writes a line into a timeline, which
// tells where the change comes from.
func (s *Store) change(ctx context.Context, script string, words map[string]error, keys []string, args ...any) error {
	return s.verdict(ctx, script, words, keys, append(args, s.origin(consent.OriginOf(ctx))...)...)
}

// origin are the arguments that the scripts' line function reads.
func (s *Store) origin(o consent.Origin) []any {
	return []any{o.RequestID, o.Staff, o.Reason, s.c.Requests.Milliseconds()}
}

// unavailable translates whatever Redis or the way to it had to say.
func unavailable(op string, err error) error {
	return fmt.Errorf("%w: %s: %w", token.ErrStoreUnavailable, op, err)
}

// keys of one consent.
type keys struct{ partition, id string }

func keysOf(id consent.ID) keys { return keys{partition: id.Partition(), id: string(id)} }

func (k keys) tagged(kind string) string { return "{p:" + k.partition + "}:" + kind }
func (k keys) consent() string           { return k.tagged("consent:") + k.id }
func (k keys) grant() string             { return k.tagged("grant:") + k.id }
func (k keys) timeline() string          { return k.tagged("timeline:") + k.id }
func (k keys) uses() string              { return k.tagged("uses:") + k.id }
func (k keys) handOuts() string          { return k.tagged("handouts") }
func (k keys) due() string               { return k.tagged("due") }
func (k keys) aside() string             { return k.tagged("aside:") + k.id }
func (k keys) refused() string           { return k.tagged("refused:") + k.id }
func (k keys) gone() string              { return k.tagged("gone:") + k.id }
func (k keys) deliveries() string        { return k.tagged("deliveries:") + k.id }

func (k keys) undelivered() string { return k.tagged("undelivered") }
func (k keys) counts() string      { return k.tagged("counts") }
func (k keys) day(n int64) string  { return k.tagged("day:") + strconv.FormatInt(n, 10) }

func (k keys) requests(at time.Time) string {
	return k.tagged("requests:") + strconv.FormatInt(dayOf(at), 10)
}

func (k keys) customer(index []byte) string { return k.tagged("customer:") + hex.EncodeToString(index) }
func (k keys) reminders(index []byte) string {
	return k.tagged("reminders:") + hex.EncodeToString(index)
}
func (k keys) person(index []byte) string { return k.tagged("by:person:") + hex.EncodeToString(index) }
func (k keys) subject(index []byte) string {
	return k.tagged("by:subject:") + hex.EncodeToString(index)
}

// millis is how times are kept; the zero time is the empty string.
func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprint(t.UnixMilli())
}
