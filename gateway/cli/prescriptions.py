"""Prescriptions: issued by a doctor, presented by a patient, dispensed at a pharmacy's counter."""

import base64
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.context import Shell, act_sentence, current, short, table_of, told
from gateway.cli.records import media_type_of

app = typer.Typer(no_args_is_help=True, help="Prescriptions: issue, list, present, check, read, dispense, cancel.")

Document = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="FHIR JSON, PDF or any other file.")]
CodeFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, allow_dash=True, help="File with the code; - reads it.")
]


def document(path: Path) -> dict[str, Any]:
    """A file as the API takes documents, to the byte."""
    return {"content": base64.b64encode(path.read_bytes()).decode(), "media_type": media_type_of(path)}


def code_of(path: Path) -> str:
    """A presented code. It comes by file or standard input: a secret does not belong on a command line."""
    return (sys.stdin.read() if str(path) == "-" else path.read_text()).strip()


@app.command("issue")
@told
def issue(
    context: typer.Context,
    file: Document,
    patient: Annotated[str, typer.Option(help="Address or handle.")],
    categories: Annotated[str, typer.Option(help="Names, separated by commas.")] = "medication",
    fills: Annotated[int | None, typer.Option(min=1, max=12, help="Default: what the MedicationRequest says.")] = None,
    per_fill: Annotated[int | None, typer.Option(min=1, help="Most units a fill.")] = None,
    days_between: Annotated[int | None, typer.Option(min=0, help="Least days between fills.")] = None,
    grantable: Annotated[
        bool, typer.Option("--grantable", help="A pharmacy with the patient's consent needs no code.")
    ] = False,
) -> None:
    """Issue a prescription: sealed for the patient and you; the ledger shows a commitment."""
    shell = current(context)
    terms = {
        "fills": fills,
        "per_fill": per_fill,
        "min_interval": None if days_between is None else days_between * 86_400,
        "grantable": grantable,
    }
    sent = document(file)
    if sent["media_type"] == "application/fhir+json":
        sent = {"resource": json.loads(file.read_bytes())}
    body = {
        "patient": shell.address(patient),
        "categories": categories.split(","),
        "body": sent,
        "terms": {name: value for name, value in terms.items() if value is not None},
    }
    with shell.remote() as remote:
        issued = remote.post("/v1/prescriptions", body)
    shell.show(issued, lambda: f"{act_sentence(issued['act'], 'Issued.')}\nPrescription {issued['id']}")


@app.command("list")
@told
def prescriptions(
    context: typer.Context,
    patient: Annotated[str | None, typer.Option(help="Whose; default: your own, or those that you issued.")] = None,
) -> None:
    """Prescriptions that you are part of, and where they stand."""
    shell = current(context)
    with shell.remote() as remote:
        page = remote.get("/v1/prescriptions", patient=shell.address(patient) if patient else None)
    rows = [
        (
            item["id"],
            item["prescriber_name"] or short(item["prescriber"]),
            item["standing"]["sentence"] if item["standing"] else "sealed for others",
        )
        for item in page["items"]
    ]
    shell.show(page["items"], lambda: table_of("Prescriptions", ("id", "by", "where it stands"), rows))


@app.command("present")
@told
def present(
    context: typer.Context,
    prescription: str,
    output: Annotated[Path, typer.Option("--output", "-o", help="QR code as .svg or .png, or the text as .txt.")],
    fill: Annotated[int | None, typer.Option(min=1, max=12, help="Default: the one that is due.")] = None,
) -> None:
    """A code for one fill. Whoever holds it can have that fill dispensed, once."""
    shell = current(context)
    present_into(shell, f"/v1/prescriptions/{prescription}/present", output, fill)


def present_into(shell: Shell, path: str, output: Path, fill: int | None) -> None:
    """Ask for a code, and write it into a file that is its owner's alone."""
    picture = {".svg": "svg", ".png": "png"}.get(output.suffix.lower())
    with shell.remote() as remote:
        shown = remote.post(path, {"fill": fill, "picture": picture})
    output.write_bytes(base64.b64decode(shown["image"]) if picture else f"{shown['code']}\n".encode())
    output.chmod(0o600)
    shell.show(
        {"id": shown["id"], "fill": shown["fill"], "file": str(output)},
        lambda: f"Fill {shown['fill']}: the code is in {output}. Show it to one pharmacist, as you would paper.",
    )


@app.command("check")
@told
def check(context: typer.Context, code: CodeFile) -> None:
    """What a presented code is good for now; claims nothing."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.post("/v1/prescriptions/check", {"code": code_of(code)})
    refused, standing = found["refused"], found["standing"]
    due = f"{standing['sentence']} Fill {standing['fill']}: up to {standing['units_now']} units now."
    shell.show(found, lambda: refused["sentence"] if refused else due)


@app.command("read")
@told
def read(context: typer.Context, code: CodeFile) -> None:
    """Read what a presented prescription says; the patient will see that you did."""
    shell = current(context)
    with shell.remote() as remote:
        content, _ = remote.fetch("/v1/prescriptions/read", {"code": code_of(code)})
    sys.stdout.buffer.write(content)
    sys.stdout.flush()


@app.command("dispense")
@told
def dispense(
    context: typer.Context,
    code: CodeFile,
    units: Annotated[int, typer.Option(min=1, help="How many are handed out now.")],
    owed: Annotated[bool, typer.Option("--owed", help="The rest of this fill is owed.")] = False,
    record: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The MedicationDispense, FHIR JSON or other.")
    ] = None,
) -> None:
    """Claim and hand out in one step."""
    shell = current(context)
    body = {"code": code_of(code), "units": units, "owed": owed, "record": document(record) if record else None}
    with shell.remote() as remote:
        done = remote.post("/v1/prescriptions/dispense", body)
    shell.show(done, lambda: act_sentence(done["act"], f"Dispensed: {units} units."))


@app.command("reserve")
@told
def reserve(context: typer.Context, code: CodeFile) -> None:
    """Reserve a fill for at most a day, while the medicine is fetched."""
    shell = current(context)
    with shell.remote() as remote:
        done = remote.post("/v1/prescriptions/reserve", {"code": code_of(code)})
    shell.show(done, lambda: act_sentence(done["act"], f"Reserved under number {done['fence']}."))


@app.command("release")
@told
def release(
    context: typer.Context, prescription: str, fence: Annotated[int, typer.Option(help="The reservation's number.")]
) -> None:
    """Give a reservation back."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.post(f"/v1/prescriptions/{prescription}/release", {"fence": fence})
    shell.show(act, lambda: act_sentence(act, "Released."))


@app.command("cancel")
@told
def cancel(context: typer.Context, prescription: str) -> None:
    """Cancel what is not yet dispensed; by its prescriber or its patient."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.post(f"/v1/prescriptions/{prescription}/cancel")
    shell.show(act, lambda: act_sentence(act, "Cancelled, or pending while a pharmacy holds it."))


@app.command("history")
@told
def history(context: typer.Context, prescription: str) -> None:
    """Who claimed and dispensed it, when."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.get(f"/v1/prescriptions/{prescription}")
    rows = [
        (item["change"], item["status"], item["by_name"] or short(item["by"]), item["fills_used"], item["units_used"])
        for item in found["history"]
    ]
    shell.show(found, lambda: table_of("History", ("what", "state", "by", "fills used", "units used"), rows))
