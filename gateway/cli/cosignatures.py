"""Second signatures: ask for one, give it, see whether a record has one signature or two."""

import typer

from gateway.cli.context import act_sentence, current, table_of, told

app = typer.Typer(no_args_is_help=True, help="Signatures: who has signed a record; ask for the second, give it.")


@app.command("show")
@told
def show(context: typer.Context, digest: str) -> None:
    """Who has signed a record."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.get(f"/v1/records/{digest}/signatures")
    shell.show(found, lambda: str(found["sentence"]))


@app.command("waiting")
@told
def waiting(context: typer.Context) -> None:
    """Records that wait for your signature."""
    shell = current(context)
    with shell.remote() as remote:
        page = remote.get("/v1/cosignatures")
    rows = [(item["digest"], item["sentence"]) for item in page["items"]]
    shell.show(page["items"], lambda: table_of("To sign", ("digest", "signatures"), rows))


@app.command("ask")
@told
def ask(context: typer.Context, digest: str) -> None:
    """Say of one of your records that it needs the other side's signature."""
    _act(context, f"/v1/records/{digest}/await-cosignature", "Asked for a second signature.")


@app.command("give")
@told
def give(context: typer.Context, digest: str) -> None:
    """Sign a record as the second. Read it first."""
    _act(context, f"/v1/records/{digest}/cosign", "Signed: it has two signatures.")


def _act(context: typer.Context, path: str, done: str) -> None:
    shell = current(context)
    with shell.remote() as remote:
        act = remote.post(path)
    shell.show(act, lambda: act_sentence(act, done))
