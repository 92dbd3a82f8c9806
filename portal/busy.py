"""The answer to a request that would have had to wait too long for the database."""

from django.http import HttpResponse

RETRY_SECONDS = 30


def busy_response() -> HttpResponse:
    """Return 503, with a page that needs no database, and when to try again."""
    return HttpResponse(BUSY, status=503, headers={"Retry-After": str(RETRY_SECONDS)})


BUSY = f"""<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The ledger is busy - Tallystick</title>
<link rel="stylesheet" href="/static/tallystick.css"></head>
<body><main class="page narrow" id="main"><h1>The ledger is busy</h1>
<p class="lead">A long piece of work, such as settling or invoicing a month, holds what this page
needs. Nothing of yours was stored, and nothing is half-written.</p>
<p>Load the page again in {RETRY_SECONDS} seconds. If you sent a form, go back and send it again:
your browser still has what you typed.</p>
<p><a href="/">To the start page</a></p></main></body></html>
"""
