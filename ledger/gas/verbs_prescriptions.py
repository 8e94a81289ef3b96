"""The acts on a prescription that a step can name, from issuing to undoing.

>>> VERBS["issue"](stage, stage.who("practice"), fills=3)
Act(kind='issue', ...)
"""

from dataclasses import dataclass

from ledger.acts import Act, Redemption
from ledger.codes import Category
from ledger.eip712 import redemption_data, sign
from ledger.gas.people import Person, person
from ledger.gas.stage import DAY, Stage, Verb
from ledger.merkle import MerkleTree
from ledger.types import HandOut, Opening, PrescriptionState, PrescriptionTerms, Subject, fill_key_leaf


@dataclass(slots=True)
class _Paper:
    """A prescription in the patient's hand."""

    opening: Opening
    keys: list[Person]
    """A key a fill."""
    tree: MerkleTree
    claims: int = 0
    """How many claims there have been: the fence."""
    fills: int = 0
    """How many fills are used."""


def issue(stage: Stage, by: Person, *, fills: int = 1, grantable: bool = False, via_organization: bool = False) -> Act:
    """Thirty units a fill, one key a fill; grantable: a consent will do in place of the keys."""
    keys = [person(stage.seed, stage.label, stage.number, "fill", i) for i in range(fills)]
    tree = MerkleTree([fill_key_leaf(i, key.address) for i, key in enumerate(keys)])
    about = Subject(stage.address("patient"), Category.MEDICATION, 0, via_organization)
    terms = PrescriptionTerms(fills, 30, 30 * fills, 0, stage.epoch - DAY, stage.epoch + 60 * DAY, grantable)
    opening = Opening(by.address, about, stage.random(), tree.root, terms)
    stage.things["prescription"] = _Paper(opening, keys, tree)
    return stage.acts.issue(opening.terms_hash(), about)


def dispense_presented(stage: Stage, by: Person, *, anchored: bool = False) -> Act:
    paper: _Paper = stage.things["prescription"]
    redemption = _present(stage, by, paper)
    paper.fills += 1
    return stage.acts.dispense_presented(paper.opening, redemption, HandOut(30, anchored=anchored), stage.random())


def dispense_granted(stage: Stage, by: Person, *, anchored: bool = False) -> Act:
    paper: _Paper = stage.things["prescription"]
    paper.fills += 1
    paper.claims += 1
    return stage.acts.dispense_granted(paper.opening, HandOut(30, anchored=anchored), stage.random())


def reserve_presented(stage: Stage, by: Person) -> Act:
    paper: _Paper = stage.things["prescription"]
    return stage.acts.reserve_presented(paper.opening, _present(stage, by, paper))


def reserve_granted(stage: Stage, by: Person) -> Act:
    paper: _Paper = stage.things["prescription"]
    paper.claims += 1
    return stage.acts.reserve_granted(paper.opening)


def dispense_reserved(stage: Stage, by: Person) -> Act:
    paper: _Paper = stage.things["prescription"]
    paper.fills += 1
    return stage.acts.dispense_reserved(paper.opening, paper.claims, HandOut(30), stage.random())


def release(stage: Stage, by: Person) -> Act:
    paper: _Paper = stage.things["prescription"]
    return stage.acts.release(paper.opening, paper.claims)


def cancel(stage: Stage, by: Person) -> Act:
    return stage.acts.cancel(stage.things["prescription"].opening)


def void(stage: Stage, by: Person) -> Act:
    return stage.acts.void(stage.things["prescription"].opening)


def set_pause(stage: Stage, by: Person, *, paused: bool) -> Act:
    return stage.acts.set_pause(stage.things["prescription"].opening, paused)


def settle(stage: Stage, by: Person) -> Act:
    return stage.acts.settle(stage.things["prescription"].opening.id())


def undo(stage: Stage, by: Person) -> Act:
    """Of the first dispense: the word before it says only that the prescription is active."""
    return stage.acts.undo(stage.things["prescription"].opening, PrescriptionState.unpack(1))


def _present(stage: Stage, by: Person, paper: _Paper) -> Redemption:
    paper.claims += 1
    deadline = stage.epoch + 60 * DAY
    data = redemption_data(
        stage.domain,
        prescription=paper.opening.id(),
        fill=paper.fills,
        pharmacist=by.address,
        fence=paper.claims,
        deadline=deadline,
    )
    return Redemption(paper.tree.path(paper.fills), deadline, *sign(data, paper.keys[paper.fills].key))


VERBS: dict[str, Verb] = {
    "issue": issue,
    "dispensePresented": dispense_presented,
    "dispenseGranted": dispense_granted,
    "reservePresented": reserve_presented,
    "reserveGranted": reserve_granted,
    "dispenseReserved": dispense_reserved,
    "release": release,
    "cancel": cancel,
    "void": void,
    "setPause": set_pause,
    "settle": settle,
    "undo": undo,
}
"""By the names of the contract's functions."""
