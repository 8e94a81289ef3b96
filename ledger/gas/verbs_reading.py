"""The questions that a step can put: free when they are called, and measured as transactions all the same.

>>> VERBS["read"](stage, stage.who("doctor"), author="laboratory")
Act(kind='decide', ...)
"""

from typing import Any

from ledger.abi import Abi
from ledger.acts import Act
from ledger.codes import AnchorKind, BasisKind, Purpose
from ledger.gas.people import Person
from ledger.gas.stage import Stage, Verb, subject
from ledger.types import ZERO_ADDRESS, AccessRequest, AnchorProof, Basis, scope_number


def read(stage: Stage, by: Person, *, author: str) -> Act:
    """The question whether `by` may open the stage's record, on the strength of her consent."""
    basis = Basis(BasisKind.CONSENT, by.address, scope_number(0))
    about = subject(stage, "patient")
    request = AccessRequest(by.address, Purpose.TREAT, stage.things["record"], about, stage.address(author))
    return view(stage, by, "decide", request.as_tuple(), AnchorProof().as_tuple(), [basis.as_tuple()])


def read_in_batch(stage: Stage, by: Person, *, author: str) -> Act:
    """The same for a record of a batch, with its path."""
    basis = Basis(BasisKind.CONSENT, by.address, scope_number(0))
    things = stage.things
    proof = AnchorProof(AnchorKind.BATCH, things["root"], 7, things["path"])
    request = AccessRequest(by.address, Purpose.TREAT, things["digest"], things["about"], stage.address(author))
    return view(stage, by, "decide", request.as_tuple(), proof.as_tuple(), [basis.as_tuple()])


def look(stage: Stage, by: Person, *, function: str) -> Act:
    """Any of the small views, about the stage's patient."""
    patient, nothing = stage.address("patient"), stage.random()
    arguments: dict[str, tuple[Any, ...]] = {
        "participantOf": (patient,),
        "keyCardOf": (patient,),
        "participantBy": (nothing,),
        "isMember": (stage.address("team"), stage.address("doctor")),
        "consentOf": (patient, stage.address("laboratory"), scope_number(0)),
        "wasDenied": (patient, stage.address("laboratory"), stage.epoch),
        "recordOf": (nothing,),
        "batchOf": (nothing,),
        "batchRecordOf": (nothing, 7),
        "prescriptionOf": (nothing,),
        "holderOf": (nothing,),
        "checkpointOf": (stage.address("laboratory"),),
    }
    return view(stage, by, function, *arguments.get(function, ()))


def view(stage: Stage, by: Person, function: str, *arguments: Any) -> Act:
    """A view as a transaction, as nobody sends it: what another contract would pay, and 21,000."""
    to = stage.acts.withdraw(ZERO_ADDRESS, bytes(32)).to
    return Act(function, to, Abi.shipped().encode(function, *arguments))


VERBS: dict[str, Verb] = {"read": read, "decide": read, "decideInBatch": read_in_batch, "look": look}
"""`read` is asked by a call and must permit; the others are sent."""
