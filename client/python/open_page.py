# SPDX-License-Identifier: Apache-2.0
"""Opens a web page that nginx guards by cardgate, in the person's own browser (applications.md).

    python3 /usr/share/cardgate/python/open_page.py https://records.hospital.example core esr

The token goes from a page that only the person can read, as a form, to /cardgate/open of that site, which keeps it in a cookie. It
stands on no command line, in no address and in no history. The page on the disk is removed half a minute later.
"""

import argparse
import html
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cardgate  # noqa: E402

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Opening {site}</title>
<body onload="document.forms[0].submit()">
<form method="post" action="{site}/cardgate/open"><input type="hidden" name="token" value="{token}">
<p>Your page opens now. If it does not: <button>Open {site}</button></p></form></body></html>
"""


def main():
    parser = argparse.ArgumentParser(description="Opens a web page that your card opens.")
    parser.add_argument("site", help="like https://records.hospital.example")
    parser.add_argument("role", help="like core")
    parser.add_argument("audience", help="like esr")
    parser.add_argument("--socket", default=cardgate.SOCKET)
    parser.add_argument("--browser", default="xdg-open", help="the program that opens a page")
    parser.add_argument("--keep", type=float, default=30, help="seconds until the page on the disk is removed")
    given = parser.parse_args()
    site = urllib.parse.urlsplit(given.site)
    # The token would cross the network for everybody to read.
    if site.scheme != "https" and site.hostname not in ("localhost", "127.0.0.1"):
        sys.exit("The site must begin with https://")
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    if not folder or os.stat(folder).st_uid != os.getuid() or os.stat(folder).st_mode & 0o077:
        sys.exit("There is no folder of your own for the page (XDG_RUNTIME_DIR). Start this on your desktop.")
    try:
        token = cardgate.Client(given.socket).token(given.role, given.audience, fresh=True)
    except cardgate.Error as error:
        sys.exit(error.text)
    address = html.escape("%s://%s" % (site.scheme, site.netloc))
    descriptor, path = tempfile.mkstemp(prefix="cardgate-", suffix=".html", dir=folder)  # for the person alone
    try:
        with os.fdopen(descriptor, "w") as page:
            page.write(PAGE.format(site=address, token=html.escape(token.text)))
        subprocess.run([given.browser, path], check=True)
        time.sleep(given.keep)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit("Your browser cannot be started: %s" % error)
    finally:
        os.unlink(path)


if __name__ == "__main__":
    main()
