"""A payment service that uses consentd: every step of docs/integrating.md, in Python 3 with its standard library alone.

Its books are in memory and its customers sign in by saying who they are: that is yours to do better. The rest is meant to
be copied. It is told by webhook and asks for events as well, to show both; one of them is enough.
"""

import http.cookies
import json
import os
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from consentd import Client, NotOurs, Problem, Unavailable, verify_webhook


class Refused(Exception):
    """What the shop itself, or the bank, does not do for this customer."""


class Bank:
    """The bank's own API: nothing of consentd's."""

    PATH = "/Payments/Initiations/v1/CreditTransfers"

    def __init__(self, address, api_key):
        self._url, self._api_key = address.rstrip("/") + self.PATH, api_key

    def pay(self, token, order):
        """The status of the bank's answer, and the bank's error code."""
        body = {
            "EndToEndIdentification": order["id"],
            "DebtorAccount": {"OwnerId": token.national_id, "Id": order["from"]},
            "DepositAccount": {"OwnerId": order["owner"], "Id": order["to"]},
            "Amount": {"Currency": "ISK", "Amount": order["amount"]},
            "ExtendedReference": "Fika",
        }
        request = urllib.request.Request(self._url, json.dumps(body).encode(), {
            "Authorization": "Bearer " + token.access_token,
            "apikey": self._api_key,
            "Content-Type": "application/json",
            "X-Request-ID": order["id"],
        })
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, None
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, _bank_code(refusal)
        except OSError as err:
            raise Unavailable("the bank does not answer") from err


def _bank_code(refusal):
    try:
        return json.load(refusal).get("code")
    except (ValueError, AttributeError):
        return None


class Shop:
    """Which customer has which consent: its id and nothing else, for consentd knows the rest better."""

    def __init__(self, consentd, bank, bank_id):
        self.consentd, self.bank, self.bank_id = consentd, bank, bank_id
        self.consents = {}  # customer → consent id
        self.asking = {}    # customer → idempotency key of a request whose answer has not come
        self.heard = set()  # ids of the events that were dealt with
        self.lock = threading.Lock()

    def connect(self, customer):
        """Where to send the customer: to renew what they have, or to a new consent."""
        if customer in self.consents:
            try:
                return self.consentd.renew(self.consents[customer])
            except Problem as err:
                if err.code not in ("consent-revoked", "not-found"):
                    raise
        key = self.asking.setdefault(customer, str(uuid.uuid4()))
        made = self.consentd.create({
            "customer_reference": customer, "bank": self.bank_id, "return_to": "done",
        }, key)
        self.consents[customer] = made["id"]
        del self.asking[customer]
        return made["page_url"]

    def back(self, customer, consent_id, code):
        """The customer is back. Only the customer who was sent out may bring the code."""
        if consent_id != self.consent_of(customer):
            raise Refused("somebody else was sent out with this consent")
        if code:
            return self.consentd.confirm(consent_id, code)
        return self.consentd.get(consent_id)

    def plan(self, customer, due):
        """Whether a payment that is due then will find a consent. To say so warns the customer in time."""
        self.consentd.token(self.consent_of(customer), needed_until=due)

    def pay(self, customer, order):
        """Once more after the right kind of 401, with the same id: a bank that answers 401 has done nothing."""
        consent_id = self.consent_of(customer)
        verdict = None
        for _ in range(2):
            token = self.consentd.token(consent_id, order["id"], scopes=["payments"], min_ttl=30)
            status, code = self.bank.pay(token, order)
            if status not in (401, 403) or verdict == "token-replaced":
                return {"status": status, "code": code, "verdict": verdict}
            verdict = self.consentd.report(consent_id, status, code, order["id"])
            if verdict not in ("token-replaced", "consent-ended"):
                break
        if verdict == "unknown":
            raise Unavailable("the bank did not say whether the token is good", 60)
        return {"status": status, "code": code, "verdict": verdict}

    def forget(self, customer):
        erased = self.consentd.erase(customer)
        self.consents.pop(customer, None)
        return erased

    def deal_with(self, event, by):
        """An event may come twice, and late: it is a reason to read the consent."""
        consent_id = event["data"]["consent_id"]
        try:
            now = self.consentd.get(consent_id)["status"]
        except Problem as err:
            now = err.code
        with self.lock:
            again = event["id"] in self.heard
            self.heard.add(event["id"])
        say(heard=event["type"], by=by, again=again, id=event["id"], consent_id=consent_id, now=now,
            needed_until=event["data"].get("needed_until"))

    def follow(self):
        """Hear of events by asking. The cursor belongs on disk, as soon as the events of a page are dealt with."""
        cursor, last = None, None
        while True:
            try:
                events, next_cursor = self.consentd.events(cursor)
                for event in events:
                    self.deal_with(event, "polling")
                    last = event["timestamp"]
                cursor = next_cursor
            except Unavailable as err:
                time.sleep(err.retry_after or 5)
            except Problem as err:
                say(polling=err.code)
                if err.code == "events-gone":
                    cursor = self.catch_up(last)
                time.sleep(err.retry_after or 0 if err.code in ("rate-limited", "events-gone") else 60)

    def catch_up(self, since):
        """Some events were dropped: read what has changed, and begin again."""
        for consent in self.consentd.list(**({"changed_since": since} if since else {})):
            say(changed=consent["id"], now=consent["status"])

    def consent_of(self, customer):
        if customer not in self.consents:
            raise Refused("this customer has not connected a bank")
        return self.consents[customer]


def what_next(shop, customer, err):
    """What the customer is told, and where they go, for each error: a status, and an answer."""
    if isinstance(err, Unavailable) or err.code == "rate-limited":
        return 503, {"say": "Try again in a moment.", "retry_after": err.retry_after or 30}
    if err.renewal_url:
        return 409, {"say": "Your bank has to be asked.", "code": err.code, "go": err.renewal_url}
    if err.code in ("confirmation-required", "confirmation-failed"):
        return 409, {"say": "Please connect again.", "code": err.code, "go": shop.connect(customer)}
    if err.code == "consent-revoked":
        return 410, {"say": "You stopped this. Connect your bank if you want to use it again.", "code": err.code, "cause": err.cause}
    say(mistake=err.code, request_id=err.request_id, errors=err.errors)
    return 500, {"say": "Something went wrong, and it is our fault.", "code": err.code}


class Handler(BaseHTTPRequestHandler):
    """The shop's addresses. A customer is who has signed in with this browser."""

    shop = None
    secrets = ()
    signed_in = {}  # session → customer
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        wanted = dict(urllib.parse.parse_qsl(address.query))
        if address.path == "/done":
            self.for_customer(lambda who: self.show(self.shop.back(who, wanted.get("consent_id"), wanted.get("code"))))
        elif address.path == "/consents":
            self.for_customer(lambda who: {"consents": list(self.shop.consentd.list(customer_reference=who))})
        elif address.path == "/proof":
            self.for_customer(lambda who: self.shop.consentd.proof(self.shop.consent_of(who)))
        else:
            self.answer(404, {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/webhooks":
            self.webhook(body)
            return
        given = json.loads(body or b"{}")
        acts = {
            "/connect": lambda who: {"go": self.shop.connect(who)},
            "/plan": lambda who: self.shop.plan(who, given["due"]),
            "/pay": lambda who: self.shop.pay(who, given),
            "/stop": lambda who: self.show(self.shop.consentd.stop(self.shop.consent_of(who))),
            "/forget": self.shop.forget,
        }
        if self.path == "/sign-in":
            self.sign_in(given["customer"])
        elif self.path in acts:
            self.for_customer(acts[self.path])
        else:
            self.answer(404, {})

    def sign_in(self, customer):
        session = str(uuid.uuid4())
        self.signed_in[session] = customer
        self.answer(200, {}, {"Set-Cookie": f"session={session}; HttpOnly; SameSite=Lax; Path=/"})

    def for_customer(self, act):
        cookie = http.cookies.SimpleCookie(self.headers.get("Cookie", "")).get("session")
        customer = self.signed_in.get(cookie.value) if cookie else None
        if customer is None:
            self.answer(403, {"say": "Please sign in."})
            return
        try:
            self.answer(200, act(customer) or {})
        except Refused as err:
            self.answer(403, {"say": str(err)})
        except (Problem, Unavailable) as err:
            status, body = what_next(self.shop, customer, err)
            self.answer(status, body, {"Retry-After": str(body["retry_after"])} if "retry_after" in body else {})

    def webhook(self, body):
        """Verified before it is read, put on record, answered, and then dealt with."""
        try:
            event = verify_webhook(self.secrets, self.headers, body)
        except NotOurs as err:
            say(refused=str(err))
            self.answer(401, {})
            return
        self.answer(204)
        threading.Thread(target=self.shop.deal_with, args=(event, "webhook"), daemon=True).start()

    @staticmethod
    def show(consent):
        return {name: consent.get(name) for name in ("id", "status", "ends_at", "days_left", "renewals", "bank_told")}

    def answer(self, status, body=None, headers=None):
        raw = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass  # addresses carry codes


def say(**what):
    """One line of the shop's log, without tokens, keys and links."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main():
    env = os.environ
    consentd = Client(env["CONSENTD"], env["CONSENTD_KEY"])
    shop = Shop(consentd, Bank(env["BANK_API"], env["BANK_API_KEY"]), env["BANK"])
    Handler.shop, Handler.secrets = shop, env["WEBHOOK_SECRETS"].split()
    host, _, port = env.get("LISTEN", "127.0.0.1:0").rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    say(listening=f"http://{host}:{server.server_port}")
    me = consentd.me()
    say(app=me["app"]["id"], banks=me["banks"], operations=me["operations"])
    threading.Thread(target=shop.follow, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except Exception:
        traceback.print_exc()
        sys.exit(1)
