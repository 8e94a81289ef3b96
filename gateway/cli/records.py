"""Records: post, list, open, correct, retract, answer."""

import mimetypes
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.context import Shell, act_sentence, current, short, table_of, told, when
from gateway.errors import InvalidInput
from gateway.web.remote import Remote

app = typer.Typer(no_args_is_help=True, help="Records: post, list, open, correct, retract.")

_FHIR = "application/fhir+json"
_LARGEST = 1 << 30


def media_type_of(path: Path) -> str:
    """What a file's name says it is; JSON is taken for FHIR."""
    if path.suffix.lower() == ".json":
        return _FHIR
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


@app.command("post")
@told
def post(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="FHIR JSON, PDF or any other file.")],
    patient: Annotated[str, typer.Option(help="Whom it is about: address or handle.")],
    categories: Annotated[str, typer.Option(help="Names, separated by commas, such as laboratory.")],
    title: Annotated[str, typer.Option(help="One line for the reader; it is sealed.")] = "",
    corrects: Annotated[str | None, typer.Option(help="Digest of your record that this one supersedes.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same post under it is made once.")] = None,
    needs_signature: Annotated[bool, typer.Option("--needs-signature", help="Ask for the other's too.")] = False,
) -> None:
    """Seal a record, put it, and anchor it, or propose it to a patient who has not let you write."""
    shell = current(context)
    if file.stat().st_size > _LARGEST:
        raise InvalidInput(file.name, "larger than a gibibyte")
    with shell.remote() as remote:
        posted = remote.upload(
            "/v1/records",
            file.read_bytes(),
            media_type_of(file),
            idempotency_key=key,
            title=title,
            patient=shell.address(patient),
            categories=categories,
            supersedes=corrects,
            needs_cosignature=True if needs_signature else None,
        )
    done = "Proposed; it counts once the patient accepts it." if posted["proposed"] else "Anchored."
    shell.show(posted, lambda: f"{act_sentence(posted['act'], done)}\nDigest {posted['digest']}")


@app.command("list")
@told
def records(
    context: typer.Context,
    patient: Annotated[str | None, typer.Option(help="Whose: address or handle; default: your own.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Those that you wrote.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
) -> None:
    """The records of a patient that you may know of, newest first."""
    shell = current(context)
    about = shell.address(patient) if patient else None
    with shell.remote() as remote:
        page = remote.get("/v1/records", patient=about, mine=mine or None, limit=limit)
    rows = [
        (
            item["digest"],
            ", ".join(item["categories"]),
            item["state"],
            item["author_name"] or short(item["author"]),
            when(item["anchored_at"]),
        )
        for item in page["items"]
    ]
    shell.show(page["items"], lambda: table_of("Records", ("digest", "categories", "state", "by", "when"), rows))


@app.command("open")
@told
def open_record(
    context: typer.Context,
    digest: str,
    purpose: Annotated[str, typer.Option(help="HL7 purpose of use; patients state PATRQT, clinicians TREAT.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file; default: print.")] = None,
) -> None:
    """Open a record: the ledger decides now, the attempt is logged, the bytes are verified."""
    shell = current(context)
    with shell.remote() as remote:
        content, media_type = remote.fetch(f"/v1/records/{digest}/open", {"purpose": purpose.upper()})
    if output is not None:
        output.write_bytes(content)
        shell.show(
            {"digest": digest, "media_type": media_type, "bytes": len(content), "file": str(output)},
            lambda: f"{len(content):,} bytes of {media_type}, verified, in {output}.",
        )
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


@app.command("retract")
@told
def retract(context: typer.Context, digest: str) -> None:
    """Declare one of your records entered in error; it stays visible as such."""
    _act(context, "POST", f"/v1/records/{digest}/retract", {}, "Retracted.")


@app.command("accept")
@told
def accept(context: typer.Context, digest: str) -> None:
    """Take in a record that somebody proposed to you."""
    _act(context, "POST", f"/v1/records/{digest}/answer", {"accepted": True}, "Accepted: it counts as yours now.")


@app.command("turn-down")
@told
def turn_down(context: typer.Context, digest: str) -> None:
    """Turn down a record that somebody proposed to you."""
    _act(context, "POST", f"/v1/records/{digest}/answer", {"accepted": False}, "Turned down.")


def _act(context: typer.Context, method: str, path: str, body: dict[str, Any], done: str) -> None:
    shell: Shell = current(context)
    with shell.remote() as remote:
        act = request(remote, method, path, body)
    shell.show(act, lambda: act_sentence(act, done))


def request(remote: Remote, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """An act's answer, by whichever method it is asked for."""
    answer: dict[str, Any] = remote.post(path, body) if method == "POST" else remote.send(method, path, body)
    return answer
