"""A client for consentd's API, of Python's standard library alone."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


class Problem(Exception):
    """An answer that says why not. Decide by `code`; print it freely, for it shows no link."""

    def __init__(self, status, body, retry_after):
        self.status = status
        self.code = body["code"]
        self.request_id = body.get("request_id", "")
        self.cause = body.get("cause")
        self.errors = body.get("errors", [])
        self.missing_scopes = body.get("missing_scopes", [])
        self.consent_ends_at = body.get("consent_ends_at")
        self.renewal_url = body.get("renewal_url")
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code} (request {self.request_id})")


class Unavailable(Exception):
    """Nothing follows about the consent: an outage, or no answer at all. Try again after `retry_after` seconds."""

    def __init__(self, what, retry_after=None):
        self.retry_after = retry_after
        super().__init__(what)


class Token:
    """An access token. It prints without its secret."""

    def __init__(self, answer):
        self.access_token = answer["access_token"]
        self.expires_in = answer["expires_in"]
        self.scopes = answer["scopes"]
        self.national_id = answer.get("national_id")
        self.consent_ends_at = answer["consent"]["ends_at"]

    def __repr__(self):
        return f"Token(expires_in={self.expires_in})"


class Client:
    """Calls consentd as one app. Only what is harmless to repeat is repeated, twice at most."""

    TIMEOUT = 30        # a token may take 25 seconds
    LONGEST_WAIT = 5    # for which a caller is kept waiting
    ATTEMPTS = 3

    def __init__(self, address, key, sleep=time.sleep):
        self._address = address.rstrip("/")
        self._key = key
        self._sleep = sleep
        self._opener = urllib.request.build_opener(_NoRedirects)

    def create(self, request, idempotency_key):
        """Ask for a consent. Keep the key before the call, and use it again after an error."""
        return self._repeat("POST", "/v1/consents", request, {"Idempotency-Key": idempotency_key})

    def get(self, consent_id):
        return self._repeat("GET", _path(consent_id))

    def list(self, **wanted):
        """All consents that are as wanted, page by page."""
        while True:
            page = self._repeat("GET", "/v1/consents?" + urllib.parse.urlencode(wanted))
            yield from page["consents"]
            if not page.get("next_cursor"):
                return
            wanted["cursor"] = page["next_cursor"]

    def token(self, consent_id, request_id=None, **wanted):
        """A token that works; `wanted` is of `min_ttl`, `needed_until` and `scopes`."""
        headers = {"X-Request-ID": request_id} if request_id else {}
        return Token(self._repeat("POST", _path(consent_id, "/token"), wanted, headers))

    def confirm(self, consent_id, code):
        return self._repeat("POST", _path(consent_id, "/confirm"), {"code": code})

    def report(self, consent_id, status, code=None, request_id=None):
        """What the bank's 401 or 403 was about: a verdict. Sent once, and only after a refusal."""
        body = {"status": status, "code": code} if code else {"status": status}
        headers = {"X-Request-ID": request_id} if request_id else {}
        return self._call("POST", _path(consent_id, "/report"), body, headers)["verdict"]

    def renew(self, consent_id):
        return self._call("POST", _path(consent_id, "/renewal"))["page_url"]

    def stop(self, consent_id):
        return self._repeat("DELETE", _path(consent_id))

    def proof(self, consent_id):
        return self._repeat("GET", _path(consent_id, "/proof"))

    def erase(self, customer_reference):
        return self._repeat("POST", "/v1/erasures", {"customer_reference": customer_reference})

    def me(self):
        return self._repeat("GET", "/v1/me")

    def events(self, after=None, wait=20):
        """The events after a cursor, and the cursor to ask with next."""
        wanted = {"wait": wait, "after": after} if after else {"wait": wait}
        page = self._call("GET", "/v1/events?" + urllib.parse.urlencode(wanted))
        return page["events"], page["next_cursor"]

    def _repeat(self, method, path, body=None, headers=None):
        for left in reversed(range(self.ATTEMPTS)):
            try:
                return self._call(method, path, body, headers)
            except (Unavailable, Problem) as err:
                pause = err.retry_after or 1
                harmless = isinstance(err, Unavailable) or err.code == "rate-limited"
                if not harmless or not left or pause > self.LONGEST_WAIT:
                    raise
                self._sleep(pause)

    def _call(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self._address + path, method=method)
        request.add_header("Authorization", "Bearer " + self._key)
        for name, value in {"X-Request-ID": str(uuid.uuid4()), **(headers or {})}.items():
            request.add_header(name, value)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with self._opener.open(request, timeout=self.TIMEOUT) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise _why(refusal) from None
        except (OSError, ValueError) as err:
            raise Unavailable(type(err).__name__) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key elsewhere."""

    def redirect_request(self, *_):
        return None


def _path(consent_id, rest=""):
    return "/v1/consents/" + urllib.parse.quote(consent_id, safe="") + rest


def _why(refusal):
    seconds = refusal.headers.get("Retry-After", "")
    retry_after = int(seconds) if seconds.isdigit() else None
    try:
        body = json.load(refusal)
        code = body["code"]
    except (OSError, ValueError, KeyError, TypeError):
        return Unavailable(f"{refusal.code} from something that is not consentd", retry_after)
    if refusal.code >= 500:
        return Unavailable(f"{refusal.code} {code} (request {body.get('request_id', '')})", retry_after)
    return Problem(refusal.code, body, retry_after)


class NotOurs(Exception):
    """A webhook that is not from consentd, or too old."""


def verify_webhook(secrets, headers, body, now=None):
    """The event in a webhook, once one of the secrets has signed it: Standard Webhooks, by hand."""
    try:
        message, sent = headers["webhook-id"], headers["webhook-timestamp"]
        signatures = [s[3:] for s in headers["webhook-signature"].split() if s.startswith("v1,")]
        if abs((now or time.time()) - int(sent)) > 300:
            raise NotOurs("the timestamp is more than five minutes off")
        for secret in secrets:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
            mac = hmac.new(key, f"{message}.{sent}.".encode() + body, hashlib.sha256).digest()
            expected = base64.b64encode(mac).decode()
            if any(hmac.compare_digest(expected, s) for s in signatures):
                return {"id": message, **json.loads(body)}
    except (KeyError, TypeError, AttributeError, ValueError) as err:
        raise NotOurs("it is not signed as it should be") from err
    raise NotOurs("no secret of ours has signed it")
