# SPDX-License-Identifier: Apache-2.0
"""cardgate for applications: who is signed in at this machine, a token for them, and a word when they leave.

One file; Python's standard library alone (3.8 and later). Copy it beside your program, or add /usr/share/cardgate/python to
sys.path.

    import cardgate

    client = cardgate.Client()
    tokens = cardgate.TokenSource(client, "core", "esr")
    try:
        call_the_record_system("Authorization: Bearer " + tokens.get().text)
    except cardgate.Error as error:
        show(error.text)                 # "You need: ESR06 access form. ..."

Which program may ask for what is decided by the kernel's word about it and by `clients` in cardgate's configuration; there is no
key or password to give.

Errors: every call raises cardgate.Error, whose `code` is one of those below, and nothing else. No call waits longer than its
deadline, also when the machine sleeps meanwhile.

    bad_argument         the caller's own value
    not_reachable        the service does not run, hung up, or cannot be started
    no_permission        this user may not open the socket
    timeout              no answer within the deadline; of Watch.next(): nothing happened
    bad_answer           what came is not an answer of cardgate
    not_signed_in        nobody is signed in, or the session has ended
    several_sessions     `sessions` lists them: name one
    locked               the session, or the person's screen, is locked
    proof_needed         card and passcode must be given again
    denied               the person does not have the role; `missing` says what it needs
    program_not_allowed  this program may not ask for it
    token_not_active     the token is over, was taken back, or is none of this service
    token_not_for_this   the token is for another application or role
    try_later            too many requests, or not just now; `retry_after` says when
    refused              for another reason; `reason` has its name
    stopped              Watch.stop() was called

Threads: a Client and a TokenSource may be used by any number of threads. A Watch is for one thread, except stop().

Secrets: a token opens records for whoever has it. It is not shown by repr() and str(); give `text` to nobody but the application
that the token is for. Python cannot wipe it from memory.
"""

import collections
import datetime
import json
import os
import select
import socket
import threading
import time
import urllib.parse

__all__ = ["Client", "Error", "Event", "Holder", "Session", "Token", "TokenSource", "Watch"]

SOCKET = "/run/cardgate/cardgate.sock"
_MAX_HEAD = 32 * 1024
_MAX_BODY = 4 * 1024 * 1024
_MAX_EVENT = 64 * 1024

_MEANINGS = {
    "no_session": "not_signed_in",
    "session_locked": "locked",
    "step_up_required": "proof_needed",
    "access_denied": "denied",
    "audience_not_allowed": "program_not_allowed",
    "role_not_allowed": "program_not_allowed",
    "client_not_allowed": "program_not_allowed",
    "session_ambiguous": "several_sessions",
    "token_missing": "token_not_active",
    "token_inactive": "token_not_active",
    "token_not_for_this": "token_not_for_this",
    "not_started": "not_reachable",
}

_HAPPENINGS = {
    ("session", "opened"): "opened",
    ("session", "resumed"): "resumed",
    ("session", "card_back"): "resumed",
    ("session", "locked"): "locked",
    ("session", "grace"): "grace",
    ("session", "ended"): "ended",
    ("token", "revoked"): "token_revoked",
    ("card", "inserted"): "card_in",
    ("card", "removed"): "card_out",
    ("card", "reader_gone"): "card_out",
    ("service", "stopping"): "stopping",
}


class Error(Exception):
    """Why a call has no answer. `text` is a sentence for people: what happened and what to do next."""

    def __init__(self, code, text, reason="", missing=(), sessions=(), retry_after=0):
        super().__init__(text)
        self.code = code
        self.text = text
        self.reason = reason  # the service's own name for it; empty when it said nothing
        self.missing = list(missing)  # with denied: dicts of prerequisite, text, who, next_step
        self.sessions = list(sessions)  # ids; with proof_needed the one to resume
        self.retry_after = retry_after  # seconds, with try_later


# `state`: active, locked, or grace (the card is out; tokens live on for a time, and nothing new is issued). Times are aware
# datetimes. `by_card` false: by password, which opens the person's own record only.
Session = collections.namedtuple(
    "Session", "id person name by_card state card_out reader signed_in_at expires_at warnings")

# Whose token it was that verify() looked at.
Holder = collections.namedtuple("Holder", "person session role")

# `what`: watching (from here on nothing is missed), opened, resumed, locked, grace, ended, token_revoked, card_in, card_out,
# stopping, or other; more may follow. `name` and `kind` are as the service calls it; `token` is a token's claim jti.
Event = collections.namedtuple("Event", "what name kind session reader token reason")


class Token:
    """A bearer token. `text` is the secret itself."""

    def __init__(self, text, asked, life):
        self.text = text
        self._ends = asked + life
        self._life = life

    def left(self):
        """Seconds until it is over, by a clock that nobody can set. It may end earlier: the card, the policy."""
        return max(0.0, self._ends - _now())

    def __repr__(self):
        return "<cardgate.Token, %d s left>" % self.left()


def _now():
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def _is_readable(descriptor, seconds):
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(int(max(0.0, seconds) * 1000)))


def _bad_answer():
    return Error("bad_answer", "What answered is not cardgate, or another version of it.")


def _text(value):
    return value if isinstance(value, str) else ""


def _object(body):
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _refusal(status, headers, body):
    problem = _object(body)
    reason = _text(problem.get("error"))
    if not reason:
        return _bad_answer()
    code = _MEANINGS.get(reason, "try_later" if status in (429, 503) else "refused")
    wait = headers.get("retry-after", "")
    unmet = problem.get("unmet")
    sessions = problem.get("sessions")
    sessions = [each for each in sessions if isinstance(each, str)] if isinstance(sessions, list) else []
    if _text(problem.get("session")):
        sessions.append(problem["session"])
    missing = [{name: _text(one.get(name)) for name in ("prerequisite", "text", "who", "next_step")}
               for one in (unmet if isinstance(unmet, list) else []) if isinstance(one, dict)]
    return Error(code, _text(problem.get("detail")), reason, missing, sessions,
                 max(1, min(int(wait), 3600)) if code == "try_later" and wait.isdecimal() else 0)


def _instant(text):
    try:
        return datetime.datetime.fromisoformat(_text(text).replace("Z", "+00:00"))
    except ValueError:
        raise _bad_answer() from None


def _session(value):
    person = value.get("person") if isinstance(value, dict) else None
    if not isinstance(person, dict) or not _text(value.get("id")):
        raise _bad_answer()
    state = value.get("state")
    warnings = value.get("warnings")
    return Session(
        id=value["id"], person=_text(person.get("id")), name=_text(person.get("name")),
        by_card=value.get("acr") == "card",
        # A state that is not known is none in which to work on.
        state=state if state in ("active", "grace") else "locked",
        card_out=value.get("card_out") is True, reader=_text(value.get("reader")),
        signed_in_at=_instant(value.get("signed_in_at")), expires_at=_instant(value.get("expires_at")),
        warnings=[each for each in warnings if isinstance(each, str)] if isinstance(warnings, list) else [])


class _Connection:
    """One request and its answer, with one deadline over each step."""

    def __init__(self, stop=None):
        self._socket = None
        self._stop = stop  # a descriptor that ends every wait when it becomes readable
        self.received = b""

    def close(self):
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self.received = b""

    def fileno(self):
        return -1 if self._socket is None else self._socket.fileno()

    def _wait(self, for_writing, until):
        first = True
        while True:
            left = until - _now()
            # Looked at once in any case, so that a deadline of 0 means "what is there".
            if left <= 0 and not first:
                raise Error("timeout", "cardgate did not answer in time. Try again.")
            first = False
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT if for_writing else select.POLLIN)
            if self._stop is not None:
                poll.register(self._stop, select.POLLIN)
            # In short steps: poll's own time stands still while the machine sleeps.
            ready = poll.poll(int(max(0.0, min(left, 1.0)) * 1000))
            if any(descriptor == self._stop for descriptor, _ in ready):
                raise Error("stopped", "It was stopped.")
            if ready:
                return

    def _open(self, path, until):
        self.close()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        while True:
            try:
                self._socket.connect(path)
                return
            except BlockingIOError:  # a queue that is full: nothing tells when there is room
                if _now() >= until:
                    raise Error("timeout", "cardgate did not answer in time. Try again.") from None
                time.sleep(0.02)
            except PermissionError:
                raise Error("no_permission", "You may not use %s." % path) from None
            except (OSError, ValueError) as failure:
                code = "bad_argument" if not isinstance(failure, OSError) or failure.errno is None else "not_reachable"
                raise Error(code, "cardgate does not answer at %s. Try again; if it stays so, tell the people who run this "
                            "machine." % path) from None

    def _send(self, data, until):
        while data:
            try:
                data = data[self._socket.send(data):]
            except BlockingIOError:
                self._wait(True, until)
            except OSError:
                return  # a service that refuses early answers and hangs up before it has read everything

    def read_some(self, until):
        """False at the end."""
        while True:
            try:
                piece = self._socket.recv(65536)
                self.received += piece
                if len(self.received) > _MAX_HEAD + _MAX_BODY:
                    raise _bad_answer()
                return bool(piece)
            except BlockingIOError:
                self._wait(False, until)
            except OSError:
                raise Error("not_reachable", "cardgate ended the connection before it had answered. Try again.") from None

    def ask(self, path, method, target, until, body=None, bearer=None):
        """Sends a request; returns status and headers of the answer."""
        self._open(path, until)
        head = "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: cardgate.py\r\nConnection: close\r\n" % (method, target)
        if bearer is not None:
            head += "Authorization: Bearer %s\r\n" % bearer
        if body is not None:
            head += "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        self._send(head.encode("ascii") + b"\r\n" + (body or b""), until)
        while b"\r\n\r\n" not in self.received:
            if len(self.received) > _MAX_HEAD:
                raise _bad_answer()
            if not self.read_some(until):
                raise Error("not_reachable", "cardgate ended the connection before it had answered. Try again.")
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = lines[0][9:12]
        if not lines[0].startswith("HTTP/1.1 ") or not status.isdecimal():
            raise _bad_answer()
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise _bad_answer()
            headers[name.lower()] = value.strip()
        if "transfer-encoding" in headers:  # it sends every body with its length, or until it closes
            raise _bad_answer()
        return int(status), headers

    def read_body(self, status, headers, until):
        if status == 204:
            return b""
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > _MAX_BODY:
            raise _bad_answer()
        while len(self.received) < int(length):
            if not self.read_some(until):  # half an answer is none
                raise Error("not_reachable", "cardgate ended the connection before it had answered. Try again.")
        if len(self.received) != int(length):
            raise _bad_answer()
        return self.received


class Client:
    """The service on this machine; it holds no connection open."""

    def __init__(self, socket=SOCKET, deadline=30.0, silence=45.0):
        """`deadline`: seconds, over all of a call. `silence`: how long a watched service may say nothing; it speaks every 15 s."""
        self.socket = os.fspath(socket)
        self.deadline = deadline
        self.silence = silence

    def _call(self, method, target, body=None, bearer=None):
        connection = _Connection()
        try:
            until = _now() + self.deadline
            status, headers = connection.ask(self.socket, method, target, until, body, bearer)
            answer = connection.read_body(status, headers, until)
        finally:
            connection.close()
        if status >= 300:
            raise _refusal(status, headers, answer)
        return status, headers, answer

    def sessions(self):
        """This user's sessions, perhaps none."""
        found = _object(self._call("GET", "/v1/sessions")[2]).get("sessions")
        if not isinstance(found, list):
            raise _bad_answer()
        return [_session(each) for each in found]

    def session(self, id=""):
        """The session of this id; without one, the only session of this user. Errors: not_signed_in, several_sessions."""
        if id:
            try:
                return _session(_object(self._call("GET", "/v1/sessions/" + urllib.parse.quote(id, safe=""))[2]))
            except Error as error:
                if error.reason == "not_found":
                    error.code = "not_signed_in"
                raise
        found = self.sessions()
        if len(found) == 1:
            return found[0]
        if found:
            raise Error("several_sessions", "You are signed in more than once. Say which session you mean.",
                        sessions=[each.id for each in found])
        raise Error("not_signed_in", "You are not signed in. Put your card into the reader and sign in.")

    def token(self, role, audience, session="", fresh=False):
        """A token for the person who is signed in: the same one again while more than half of its life is left, or, with fresh, a
        new one. Most programs want a TokenSource, which keeps one.

        Errors: not_signed_in, several_sessions, locked, proof_needed, denied, program_not_allowed.
        """
        ask = {"role": role, "audience": audience}
        if session:
            ask["session"] = session
        if fresh:
            ask["fresh"] = True
        asked = _now()
        answer = _object(self._call("POST", "/v1/token", json.dumps(ask).encode("utf-8"))[2])
        text, life = answer.get("access_token"), answer.get("expires_in")
        if not _is_token(text) or not isinstance(life, int):
            raise _bad_answer()
        return Token(text, asked, life)

    def verify(self, token, audience, role=""):
        """For an application that was given a token: does it open this role (any, when empty) at this audience now?

        A token of a card that was pulled is refused at once. Never keep the answer: ask for each request.
        Errors: token_not_active, token_not_for_this, program_not_allowed.
        """
        if not _is_token(token):
            raise Error("token_not_active", "That is not a token.")
        query = {"audience": audience}
        if role:
            query["role"] = role
        status, headers, _ = self._call("GET", "/v1/verify?" + urllib.parse.urlencode(query), bearer=token)
        # Whatever else answers "yes" at this path must not let anybody in.
        if status != 204 or not headers.get("x-cardgate-subject"):
            raise _bad_answer()
        return Holder(headers["x-cardgate-subject"], headers.get("x-cardgate-session", ""),
                      headers.get("x-cardgate-role", ""))

    def keys(self):
        """The public keys (a JWK Set, RFC 7517, as a dict) for a JWT library.

        Who checks a token by these alone accepts it until it expires, whatever became of the card.
        """
        keys = _object(self._call("GET", "/.well-known/jwks.json")[2])
        if not isinstance(keys.get("keys"), list):
            raise _bad_answer()
        return keys


def _is_token(text):
    return isinstance(text, str) and 0 < len(text) <= 8192 and all("!" <= c <= "~" for c in text)


class TokenSource:
    """Keeps one token and asks for the next one before it ends.

    A token is renewed when it is used in the last quarter of its life, and never on its own: a session that nobody uses must be
    able to lock.
    """

    def __init__(self, client, role, audience, session=""):
        self._client = client
        self._ask = (role, audience, session)
        self._lock = threading.Lock()
        self._held = None
        self._next_try = 0.0
        self._pause = 0.25
        self._forgotten = False  # the service would hand out the same one again

    def get(self):
        """A token that has not expired.

        While the service cannot be reached, the one at hand for as long as it lasts; when the service refuses a new one, the one
        at hand is forgotten. Threads that come while one asks wait for its answer. Errors: as Client.token().
        """
        with self._lock:
            left = self._held.left() if self._held is not None else 0
            if left > 0 and (left > self._held._life / 4 or _now() < self._next_try):
                return self._held
            try:
                self._held = self._client.token(*self._ask, fresh=self._forgotten)
            except Error as error:
                passing = error.code in ("not_reachable", "timeout", "try_later")
                if not passing or self._held is None or self._held.left() <= 0:
                    self._held = None
                    raise
                self._next_try = _now() + max(self._pause, error.retry_after)
                self._pause = min(self._pause * 2, 10.0)
            else:
                self._pause, self._next_try, self._forgotten = 0.25, 0.0, False
            return self._held

    def forget(self):
        """The application refused the token, or the session has ended: the next get() asks for a new one."""
        with self._lock:
            self._held, self._forgotten = None, True


class Watch:
    """Follows what happens to this user's sessions (root: to all) and to the cards, in the order in which it happens.

        watch = cardgate.Watch(client)
        while running:
            try:
                event = watch.next(60)
            except cardgate.Error as error:
                if error.code != "timeout":
                    close_the_record()           # nothing is heard: as if the session had ended
                continue
            if event.what == "ended":
                close_the_record()
    """

    def __init__(self, client):
        self._client = client
        self._stopped, self._stop = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._connection = _Connection(self._stopped)
        self._name, self._data = "", []
        self._heard = self._next_try = 0.0
        self._pause = 0.25

    def __del__(self):
        for descriptor in (getattr(self, "_stopped", None), getattr(self, "_stop", None)):
            if descriptor is not None:
                os.close(descriptor)

    def next(self, patience):
        """The next event within `patience` seconds; the first one is `watching`.

        When the connection is lost, says so once (not_reachable); the next call connects again, after a pause that grows to 5 s,
        and begins with `watching`. Errors: timeout (nothing happened), not_reachable, no_permission, bad_answer, try_later, stopped.
        """
        until = _now() + patience
        if _is_readable(self._stopped, 0):
            raise Error("stopped", "It was stopped.")
        if self._connection.fileno() < 0:
            return self._connect(until)
        while True:
            event = self._take()
            if event is not None:
                return event
            if len(self._connection.received) + sum(map(len, self._data)) > _MAX_EVENT:
                raise self._lost(Error("bad_answer", "cardgate sent an event that is too large."))
            silent = self._heard + self._client.silence
            try:
                if not self._connection.read_some(min(until, silent)):
                    raise Error("not_reachable", "cardgate has ended the connection.")
                self._heard = _now()
            except Error as error:
                if error.code == "timeout" and _now() < silent:
                    raise Error("timeout", "Nothing happened.") from None
                if error.code == "timeout":
                    error = Error("not_reachable", "cardgate has not been heard for a time.")
                raise self._lost(error) from None

    def fileno(self):
        """For an event loop: call next(0) until it says timeout, then wait until this is readable or a second has passed.

        It changes with each connection; -1 while there is none.
        """
        return self._connection.fileno()

    def stop(self):
        """From any thread: next() ends with `stopped`, now and from then on."""
        try:
            os.write(self._stop, b"x")
        except BlockingIOError:
            pass  # it was stopped often enough

    def _lost(self, error):
        self._connection.close()
        self._name, self._data = "", []
        self._next_try = _now() + max(self._pause, error.retry_after)
        self._pause = min(self._pause * 2, 5.0)
        if error.code == "timeout":  # a deadline that passed while connecting is not "nothing happened"
            error.code = "not_reachable"
        return error

    def _connect(self, until):
        while _now() < self._next_try:
            if _now() >= until:
                raise Error("timeout", "Nothing happened.")
            if _is_readable(self._stopped, min(self._next_try - _now(), until - _now(), 1.0)):
                raise Error("stopped", "It was stopped.")
        try:
            deadline = _now() + self._client.deadline
            status, headers = self._connection.ask(self._client.socket, "GET", "/v1/events", deadline)
            if status != 200:
                raise _refusal(status, headers, self._connection.read_body(status, headers, deadline))
            if not headers.get("content-type", "").startswith("text/event-stream"):
                raise _bad_answer()
        except Error as error:
            if error.code == "stopped":
                raise
            raise self._lost(error) from None
        self._heard = _now()
        return Event("watching", "", "", "", "", "", "")

    def _take(self):
        while b"\n" in self._connection.received:
            line, self._connection.received = self._connection.received.split(b"\n", 1)
            line = line.rstrip(b"\r").decode("utf-8", "replace")
            if not line:
                name, data = self._name, self._data
                self._name, self._data = "", []
                if data:
                    self._pause = 0.25  # a service that says something is well
                    said = _object("\n".join(data))
                    kind = _text(said.get("kind"))
                    return Event(_HAPPENINGS.get((name, kind), "other"), name, kind, _text(said.get("session")),
                                 _text(said.get("reader")), _text(said.get("jti")), _text(said.get("reason")))
                continue
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "event":
                self._name = value
            elif field == "data":
                self._data.append(value)
        return None
