"""A gateway whose access log has lines, and a look at the ledger from outside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from secrets import token_bytes

from sqlalchemy import Connection

from gateway import flow
from gateway.database import writing
from gateway.log.accesslog import Line
from gateway.log.checkpoints import anchor_checkpoints, anchor_now, anchored
from gateway.log.tree import checkpoints, lines, nodes
from gateway.sending import await_entry
from gateway.services import Gateway
from gateway.verify.chain import Chain
from gateway.verify.evidence import LedgerName
from ledger.codes import Category, Purpose
from ledger.errors import AccessDenied
from tests.gateway.people import World
from tests.waiting import until


def deposit(world: World, content: bytes = b"content") -> bytes:
    """A record of the patient's own; its digest."""
    draft = flow.Draft(world.patient.address, Category.JOURNAL, world.header(Category.JOURNAL, "text/plain"))
    return flow.deposit(world.gateway, world.patient, draft, BytesIO(content), world.errand()).digest


def look(world: World, digest: bytes, *, times: int = 1) -> list[Line]:
    """The patient opens her record some times; the lines that it leaves."""
    for _ in range(times):
        found = flow.retrieve(
            world.gateway, world.patient, digest, purpose=Purpose.PATRQT, correlation=token_bytes(4).hex()
        )
        b"".join(found.content)
    return world.gateway.log.page(everybody=True, limit=times)[::-1]


def be_refused(world: World, digest: bytes) -> Line:
    """The doctor tries to open it and may not; the line that it leaves."""
    try:
        flow.authorize(world.gateway, world.doctor.address, digest, purpose=Purpose.TREAT, correlation="x")
    except AccessDenied:
        return world.gateway.log.page(everybody=True, limit=1)[0]
    raise AssertionError("the doctor was permitted")


def anchor(gateway: Gateway) -> int:
    """Sign a checkpoint and wait until the ledger and the index have it; its size."""
    entry = anchor_now(gateway)
    assert entry is not None
    await_entry(gateway, entry, 15)
    latest = gateway.checkpoints.latest()
    assert latest is not None
    return latest.checkpoint.size


def keep_anchoring(gateway: Gateway, size: int) -> None:
    """Do the chore until the ledger has a checkpoint of so many lines."""

    def done() -> bool:
        anchor_checkpoints(gateway)
        return bool(anchored(gateway, least=size, limit=1))

    until(done)


@contextmanager
def chain_of(gateway: Gateway) -> Iterator[Chain]:
    """The ledger, by the node alone."""
    name = LedgerName(gateway.deployment.chain_id, gateway.deployment.address, gateway.deployment.block)
    with Chain.open(gateway.node.url, name, is_trusted=False) as chain:
        yield chain


@contextmanager
def tampering(gateway: Gateway) -> Iterator[Connection]:
    """The log's database without its triggers, as whoever has the file can have it."""
    with writing(gateway.database) as connection:
        for table in (lines, nodes, checkpoints):
            for trigger in ("no_update", "no_delete", "in_order"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table.name}_{trigger}")
        yield connection
