"""A process that hands in a thousand results and posts them, and ends itself with SIGKILL where it is told to.

Run again on the same folder it goes on where it was cut off:
`python -m tests.gateway.batch_worker <folder> <node> <where>`.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from gateway.batches import posting as batches
from gateway.batches.seal import NewItem
from gateway.batches.store import BatchStore
from gateway.flow import retrieve
from gateway.identity.keystore import Identity, identity
from gateway.identity.secrets_at_rest import key_file
from gateway.sending import Errand, send
from gateway.services import Gateway
from ledger.acts import Act
from ledger.codes import Category, Purpose, Role
from ledger.deployment import deploy
from ledger.outbox import Outbox
from ledger.rpc import Node
from ledger.types import ConsentTerms, scope_number
from tests.gateway.people import running
from tests.waiting import until

PATIENTS = 20
CHUNKS = 10
EACH = 5
"""Results of a patient in a chunk."""


def main(folder: Path, node_url: str, where: str) -> None:
    _deploy_once(folder, node_url)
    with running(folder, node_url=node_url, gas_price=0) as gateway:
        laboratory, technician, patients = _everybody(gateway)
        gateway.sessions.open(technician.address, technician)
        _arm(where)
        author = technician.address
        batch = batches.open_batch(gateway, author, "night")
        if batch.state == "open":
            for chunk in range(CHUNKS):
                batches.add(gateway, author, batch.job, _results(patients, chunk))
        done = batches.post(gateway, author, batch.job, wait=60.0)
        assert laboratory.address
        _report(gateway, technician, patients, done)


def _deploy_once(folder: Path, node_url: str) -> None:
    path = folder / "deployment.json"
    if not path.exists():
        operator = identity(key_file(folder / "keys" / "operator.key"), "operator")
        deploy(Node(node_url), operator.account, consortium=operator.address).save(path)


def _everybody(gateway: Gateway) -> tuple[Identity, Identity, list[Identity]]:
    """Registered once, whatever was lost with the chain's last second."""
    laboratory, technician = _person("laboratory"), _person("technician")
    patients = [_person(f"patient {n}") for n in range(PATIENTS)]
    acts = gateway.ledger.acts
    _act(gateway, gateway.operator, acts.admit(laboratory.address, Role.LABORATORY | Role.PATIENT), "admit")
    for role, people in ((Role.LABORATORY, [technician]), (Role.PATIENT, patients)):
        for n, person in enumerate(people):
            card = gateway.cards.put(person)
            act = acts.register_with_key_card(person.address, role, card)
            _act(gateway, laboratory, act, f"register {role.label} {n}")
    terms = ConsentTerms(Category.LABORATORY, Purpose.TREAT.bit, 0, 2**40 - 1, may_write=True)
    for patient in patients:
        act = acts.grant(laboratory.address, scope_number(0), terms, bytes(32))
        _act(gateway, patient, act, "grant")
    until(lambda: gateway.index.consents_for([laboratory.address], 100)[PATIENTS - 1 :])
    return laboratory, technician, patients


def _person(name: str) -> Identity:
    return identity(sha256(name.encode()).digest(), name)


def _act(gateway: Gateway, by: Identity, act: Act, key: str) -> None:
    gateway.sessions.open(by.address, by)
    send(gateway, act, signer=by.address, errand=Errand("setting up", key, 30.0))


def _results(patients: list[Identity], chunk: int) -> list[NewItem]:
    return [
        NewItem(f"{chunk}/{n}/{m}", patient.address, Category.LABORATORY, "text/plain", f"{chunk},{n},{m}".encode())
        for n, patient in enumerate(patients)
        for m in range(EACH)
    ]


def _arm(where: str) -> None:
    """Have this process killed right after a step."""
    after, _, times = where.partition(" ")
    steps: dict[str, tuple[Any, str]] = {
        "add": (BatchStore, "commit"),
        "close": (BatchStore, "close"),
        "manifest": (batches, "put_manifest"),
        "sent": (Outbox, "enqueue"),
    }
    if after in steps:
        owner, name = steps[after]
        setattr(owner, name, _killing(getattr(owner, name), int(times or 1)))


def _killing(step: Callable[..., Any], times: int) -> Callable[..., Any]:
    left = [times]

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = step(*args, **kwargs)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


def _report(gateway: Gateway, technician: Identity, patients: list[Identity], done: batches.Progress) -> None:
    digests: dict[bytes, str] = {}
    opened = 0
    for chunk in range(CHUNKS):
        for n, patient in enumerate(patients):
            for m in range(EACH):
                found = batches.item_of(gateway, technician.address, done.job, f"{chunk}/{n}/{m}")
                assert found is not None
                record = retrieve(gateway, patient, found[1], purpose=Purpose.PATRQT, correlation="report")
                opened += b"".join(record.content) == f"{chunk},{n},{m}".encode()
                digests[found[1]] = patient.address
    anchored = gateway.index.batches_by(technician.address, 10)
    acts = [one for one in gateway.outbox.entries(signer=technician.address, limit=1000) if one.kind == "anchorBatch"]
    print(
        json.dumps(
            {
                "state": done.state,
                "items": done.items,
                "distinct": len(digests),
                "opened": opened,
                "batches": len(anchored),
                "acts": len(acts),
                "patients": Counter(digests.values()),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
