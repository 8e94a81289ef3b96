"""The two pages that lie on top of an archive, for people: plain text, and a page that any browser shows offline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Literal

from gateway.notices.sentences import moment


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One line of the index."""

    kind: Literal["record", "consent", "log"]
    path: str
    """Within the archive; empty: there is no file."""
    created: datetime | None
    categories: Sequence[str]
    who: str
    """Author, or whom a consent names."""
    state: str
    title: str
    """Or, where there is no file, why not."""


_README = """\
Your health records, consents and access log, as they were on {made}.

index.html      a list of everything: open it in any browser, no network needed
data/records    a folder for each record: the record itself, and about.json, which says who wrote it and when
data/consents   a folder for each consent that you gave: a FHIR R4 Consent, and about.json; of one that you signed and
                an organization collected, evidence.json has your signature and its way to the anchored list
data/access-log who opened your records or was refused, a line for each attempt
data/denials.json   whom you deny everything

Nobody but you needs to have this. It holds your records in the clear: keep it as you would keep them on paper.

Is it complete and unaltered? On any computer, in this folder, any one of these says so:

    python3 check.py
    sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt
    shasum -a 256 -c manifest-sha256.txt tagmanifest-sha256.txt

That shows that nothing in this folder has changed since it was made. That it is also what stands on the ledger:

    consent-ledger verify archive FILE.zip                 without a network
    consent-ledger verify archive FILE.zip --node URL      asking a node of the ledger's network

The format is a bag (BagIt 1.0, RFC 8493) in a zip. In about.json, "digest" is what the ledger holds for a record: the
SHA-256 of the sealed record. "seal" has the key with which the same record, sealed again, gives the same digest. Such
keys open one record each and nothing else.
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>My health records</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.125rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid; }}
td {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>My health records</h1>
<p>As they were on {made}. <a href="README.txt">What is in here, and how to check it</a>.</p>
{sections}
</body>
</html>
"""

_HEADINGS = {"record": "Records", "consent": "Consents that I gave", "log": "Who looked"}


def readme(made_at: int) -> str:
    """What the archive is, for somebody who has never heard of this program."""
    return _README.format(made=moment(made_at))


def index_page(listed: Sequence[ListedFile], made_at: int) -> str:
    """All files, with links."""
    sections = [_section(heading, [one for one in listed if one.kind == kind]) for kind, heading in _HEADINGS.items()]
    return _PAGE.format(made=escape(moment(made_at)), sections="\n".join(sections))


def _section(heading: str, files: Sequence[ListedFile]) -> str:
    if not files:
        return f"<h2>{heading}</h2>\n<p>None.</p>"
    rows = "\n".join(map(_row, files))
    head = "<tr><th>What</th><th>Kind</th><th>Who</th><th>When</th><th>State</th></tr>"
    return f"<h2>{heading}</h2>\n<table>\n{head}\n{rows}\n</table>"


def _row(file: ListedFile) -> str:
    title = escape(file.title or "Untitled")
    what = f'<a href="{escape(file.path)}">{title}</a>' if file.path else f"Could not be opened: {title}"
    kinds = escape(", ".join(label.replace("-", " ") for label in file.categories))
    when = f"{file.created:%Y-%m-%d}" if file.created else ""
    cells = (what, kinds, escape(file.who), when, escape(file.state))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
