# SPDX-License-Identifier: Apache-2.0
"""cardgate.py at a real service: FOLDER SOCKET. Prints a line for each thing that happened."""

import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import cardgate  # noqa: E402


def say(*words):
    print(*words, flush=True)


client = cardgate.Client(sys.argv[2])
session = client.session()
say("session", session.person, session.name, session.state, session.by_card)
tokens = cardgate.TokenSource(client, "core", "esr")
token = tokens.get()
say("same", tokens.get() is token, 290 < token.left() <= 300)
say("holder", client.verify(token.text, "esr", "core").person)
say("keys", client.keys()["keys"][0]["crv"])
for call in (lambda: client.verify(token.text, "esr", "manager-self-service"), lambda: client.verify(token.text, "payroll"),
             lambda: client.verify(token.text[:-2], "esr"), lambda: client.token("manager-self-service", "esr"),
             lambda: client.token("core", "payroll")):
    try:
        say("not refused", call())
    except cardgate.Error as error:
        say("refused", error.code, len(error.missing), error.text)
watch = cardgate.Watch(client)
say(watch.next(10).what)
while True:
    event = watch.next(30)
    if event.what == "ended":
        break
say("ended", event.session == session.id, event.reason)
for call in (client.session, tokens.get, lambda: client.session(session.id), lambda: client.verify(token.text, "esr")):
    tokens.forget()
    try:
        say("not refused", call())
    except cardgate.Error as error:
        say("then", error.code)
