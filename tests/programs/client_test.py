# SPDX-License-Identifier: Apache-2.0
"""cardgate.py against a service of fixed answers: renewing, losing the service, odd answers, watching."""

import os
import re
import socket
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../client/python"))
import cardgate  # noqa: E402


class FakeDaemon:
    """Gives each connection the next of its answers; the last one stays."""

    def __init__(self, *answers, hangs=False):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "s")
        self.answers, self.hangs, self.requests = list(answers), hangs, []
        self.up()

    def up(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, args=(self.listener,), daemon=True)
        self.thread.start()

    def down(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        os.unlink(self.path)

    def serve(self, listener):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(4096)
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", request)
            while length and len(request.split(b"\r\n\r\n", 1)[1]) < int(length[1]):
                request += peer.recv(4096)
            self.requests.append(request.decode())
            peer.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
            if self.hangs:
                peer.recv(1)
            peer.close()


def answer(status, body, more=""):
    return ("HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s" % (status, more, len(body), body)).encode()


def token(name, life):
    return answer(200, '{"access_token":"%s","token_type":"Bearer","expires_in":%d}' % (name, life))


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: listening\n\n"


class Client(unittest.TestCase):
    def code(self, call, *arguments):
        with self.assertRaises(cardgate.Error) as caught:
            call(*arguments)
        return caught.exception.code

    def test_renews_in_the_last_quarter_of_a_tokens_life(self):
        daemon = FakeDaemon(token("t1", 2), token("t2", 2))
        tokens = cardgate.TokenSource(cardgate.Client(daemon.path), "core", "esr")
        first = tokens.get()
        self.assertEqual((tokens.get().text, len(daemon.requests)), ("t1", 1))
        self.assertNotIn("t1", repr(first) + str(first))
        while first.left() > 0.5:
            time.sleep(0.02)
        self.assertGreater(first.left(), 0)
        self.assertEqual(tokens.get().text, "t2")

    def test_keeps_its_token_while_the_service_is_away_and_no_longer(self):
        daemon = FakeDaemon(token("t", 1))
        tokens = cardgate.TokenSource(cardgate.Client(daemon.path), "core", "esr")
        held = tokens.get()
        daemon.down()
        while held.left() > 0.05:
            self.assertEqual(tokens.get().text, "t")
            time.sleep(0.02)
        time.sleep(held.left())
        self.assertEqual(self.code(tokens.get), "not_reachable")
        daemon.up()
        self.assertEqual(tokens.get().text, "t")

    def test_forgets_its_token_when_the_service_refuses_another(self):
        daemon = FakeDaemon(token("t", 1), answer(401, '{"error":"no_session","detail":"Sign in."}'))
        tokens = cardgate.TokenSource(cardgate.Client(daemon.path), "core", "esr")
        held = tokens.get()
        while held.left() > 0.24:
            time.sleep(0.01)
        self.assertEqual(self.code(tokens.get), "not_signed_in")

    def test_asks_for_a_new_one_in_the_place_of_one_that_it_was_told_to_forget(self):
        daemon = FakeDaemon(token("t1", 60), token("t2", 60))
        tokens = cardgate.TokenSource(cardgate.Client(daemon.path), "core", "esr")
        tokens.get()
        tokens.forget()
        self.assertEqual(tokens.get().text, "t2")
        self.assertEqual(["fresh" in each for each in daemon.requests], [False, True])

    def test_takes_nothing_but_a_whole_answer_for_an_answer(self):
        for text, code in [
                (b"", "not_reachable"),
                (b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"sessions":[]}', "not_reachable"),
                (b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"sessions":[]}', "bad_answer"),
                (b'HTTP/1.1 200 OK\r\n\r\n{"sessions":[]}', "bad_answer"),
                (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 15\r\n\r\n{"sessions":[]}', "bad_answer"),
                (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "bad_answer"),
                (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "bad_answer"),
                (answer(200, "{}"), "bad_answer"),
                (answer(200, "[" * 100000), "bad_answer"),
                (answer(500, "{}"), "bad_answer"),
                (answer(503, '{"error":"audit_unavailable"}', "Retry-After: 7\r\n"), "try_later")]:
            daemon = FakeDaemon(text)
            self.assertEqual(self.code(cardgate.Client(daemon.path).sessions), code, text[:80])
            daemon.down()

    def test_waits_no_longer_than_its_deadline(self):
        daemon = FakeDaemon(b"HTTP/1.1 200 OK\r\n", hangs=True)
        self.assertEqual(self.code(cardgate.Client(daemon.path, deadline=0.2).sessions), "timeout")

    def test_says_no_to_what_cannot_be_asked(self):
        daemon = FakeDaemon(answer(204, ""))
        client = cardgate.Client(daemon.path)
        for odd in ("", "a b", "a\r\nX-Forged: 1", "\x80", None, b"t"):
            self.assertEqual(self.code(client.verify, odd, "esr"), "token_not_active")
        self.assertEqual(daemon.requests, [])
        self.assertEqual(self.code(cardgate.Client("a" * 200).sessions), "bad_argument")
        self.assertEqual(self.code(cardgate.Client("/nowhere/s").sessions), "not_reachable")

    def test_lets_in_by_a_complete_yes_alone(self):
        yes = b"HTTP/1.1 204 X\r\nX-Cardgate-Subject: 1000\r\nX-Cardgate-Session: s\r\nX-Cardgate-Role: core\r\n\r\n"
        daemon = FakeDaemon(yes, b"HTTP/1.1 204 X\r\n\r\n", answer(200, "", "X-Cardgate-Subject: 1000\r\n"))
        client = cardgate.Client(daemon.path)
        self.assertEqual(client.verify("t", "esr", "core"), cardgate.Holder("1000", "s", "core"))
        self.assertIn("GET /v1/verify?audience=esr&role=core HTTP", daemon.requests[0])
        self.assertEqual(self.code(client.verify, "t", "esr"), "bad_answer")
        self.assertEqual(self.code(client.verify, "t", "esr"), "bad_answer")

    def test_watch_tells_what_happens_and_that_nothing_is_heard_any_more(self):
        daemon = FakeDaemon(STREAM + b'event: card\ndata: {"kind":"removed","reader":"R"}\n\nevent: session\r\n'
                            b'data: {"kind":"ended",\r\ndata: "session":"s","reason":"card_removed"}\r\n\r\n')
        watch = cardgate.Watch(cardgate.Client(daemon.path))
        self.assertEqual(watch.next(5).what, "watching")
        self.assertEqual(watch.next(5)[:5], ("card_out", "card", "removed", "", "R"))
        ended = watch.next(5)
        self.assertEqual((ended.what, ended.session, ended.reason), ("ended", "s", "card_removed"))
        self.assertEqual(self.code(watch.next, 5), "not_reachable")
        self.assertEqual(self.code(watch.next, 0), "timeout")
        self.assertEqual(watch.next(5).what, "watching")

    def test_watch_calls_a_service_gone_that_hangs_and_can_be_stopped(self):
        daemon = FakeDaemon(STREAM, hangs=True)
        watch = cardgate.Watch(cardgate.Client(daemon.path, silence=0.3))
        watch.next(5)
        self.assertEqual(self.code(watch.next, 0.02), "timeout")
        self.assertEqual(self.code(watch.next, 20), "not_reachable")
        threading.Timer(0.05, watch.stop).start()
        self.assertEqual(self.code(lambda: [watch.next(30) for _ in range(9)]), "stopped")
        self.assertEqual(self.code(watch.next, 30), "stopped")


if __name__ == "__main__":
    unittest.main()
