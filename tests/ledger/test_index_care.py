"""What the index says of care is what the ledger says; grown with the chain, made anew from it, or rolled back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from sqlalchemy import Engine, select

from ledger import events, index_tables, rejections
from ledger.acts import Act
from ledger.care import Question, break_glass_basis, delegation_basis
from ledger.client import HealthLedger
from ledger.codes import (
    BasisKind,
    Category,
    DelegatedAct,
    EmergencyReason,
    Power,
    Purpose,
    QuestionState,
    ReviewOutcome,
    Role,
)
from ledger.database import open_database, reading
from ledger.deployment import connect, deploy
from ledger.devnet import Devnet
from ledger.index_care import CareIndex
from ledger.indexer import Indexer
from ledger.rpc import Node, enhex, quantity
from ledger.types import (
    AccessRequest,
    Address,
    AnchorProof,
    ConsentTerms,
    Subject,
    address_of,
    consent_id,
    scope_number,
)
from tests.waiting import until

DIGEST = keccak(text="sealed")
LAB = Category.LABORATORY
NAMES = ("hospital", "authority", "doctor", "medic", "ada", "ben", "carer", "neighbour")


@dataclass
class Town:
    """A ledger on a node that lets anybody send in anybody's name, and an index that follows it."""

    node: Node
    ledger: HealthLedger
    consortium: Address
    indexer: Indexer
    care: CareIndex
    engine: Engine
    people: dict[str, Address] = field(default_factory=dict)

    def who(self, name: str) -> Address:
        return self.people[name]

    def send(self, sender: Address | str, act: Act) -> None:
        """Send, in a block of its own, what the ledger would take, and wait until that block is there.

        A node answers with the hash before its mine has run.

        Raises:
            ContractRejected: it would not.
        """
        by = self.people.get(sender, Address(sender))
        self.ledger.rehearse(act, by)
        transaction = {"from": by, "to": act.to, "data": enhex(act.data), "gas": hex(500_000), "gasPrice": "0x0"}
        sent = self.node.request("eth_sendTransaction", transaction)
        receipt = until(lambda: self.node.request("eth_getTransactionReceipt", sent))
        assert quantity(receipt["status"]) == 1, act

    def now(self) -> int:
        return quantity(self.node.request("eth_getBlockByNumber", "latest", False)["timestamp"])

    def pass_time(self, seconds: int) -> None:
        self.node.request("evm_increaseTime", seconds)
        self.node.request("evm_mine")

    def sync(self) -> None:
        while self.indexer.sync():
            pass


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    engine = open_database(f"sqlite:///{tmp_path / 'index.db'}")
    deployer = Account.create()
    with Devnet.start(tmp_path / "chain", block_time=None) as devnet, Node(devnet.url) as node:
        consortium = address_of(deployer.address)
        deployment = deploy(node, deployer, consortium=consortium)
        node.request("anvil_autoImpersonateAccount", True)
        ledger = connect(node, deployment)
        indexer = Indexer(engine, node, deployment.address, start_block=deployment.block)
        town = Town(node, ledger, consortium, indexer, CareIndex(engine), engine)
        town.people = {name: address_of(keccak(text=name)[12:]) for name in NAMES}
        acts = ledger.acts
        town.send(consortium, acts.admit(town.who("hospital"), Role.PRACTITIONER | Role.EMERGENCY))
        town.send(consortium, acts.admit(town.who("authority"), Role.AUDITOR))
        roles = {"doctor": Role.PRACTITIONER, "medic": Role.EMERGENCY}
        for name in NAMES[2:]:
            town.send("hospital", acts.register(town.who(name), roles.get(name, Role.PATIENT)))
        yield town
    engine.dispose()


def terms(town: Town, days: int = 30) -> ConsentTerms:
    return ConsentTerms(LAB, Purpose.TREAT.bit, 0, town.now() + days * 86_400, may_write=True)


def delegate(town: Town, name: str = "carer", powers: Power = Power.READ | Power.GRANT) -> None:
    until = town.now() + 60 * 86_400
    town.send("ada", town.ledger.acts.set_delegation(town.who(name), powers=powers, categories=LAB, until=until))


def ask(town: Town, text: str) -> Question:
    question = Question(town.who("doctor"), town.who("ada"), terms(town), keccak(text=text))
    town.send("doctor", town.ledger.acts.ask(question))
    return question


def anchor(town: Town, text: str) -> bytes:
    """What the doctor wrote about Ada."""
    digest = keccak(text=text)
    town.send("doctor", town.ledger.acts.anchor(digest, Subject(town.who("ada"), LAB)))
    return digest


def dump(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All that an index holds, but for the cursor."""
    tables = [*events.metadata.sorted_tables, index_tables.blocks, index_tables.transactions]
    with reading(engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in tables
        }


def test_delegations_as_they_stand_and_as_they_were(town: Town) -> None:
    ada, carer, neighbour = town.who("ada"), town.who("carer"), town.who("neighbour")
    delegate(town)
    delegate(town, "neighbour", Power.READ)
    delegate(town, "carer", Power.READ)
    town.sync()
    now = town.now()
    assert [(one.delegate, one.powers) for one in town.care.delegations_of(ada, at=now)] == [
        (carer, Power.READ),
        (neighbour, Power.READ),
    ]
    assert town.ledger.delegation(ada, carer).powers == Power.READ
    town.send("ada", town.ledger.acts.end_delegation(carer))
    town.send("neighbour", town.ledger.acts.resign(ada))
    town.sync()
    assert town.care.delegations_of(ada, at=now) == []
    assert town.care.delegations_to(carer, at=now) == []
    history = town.care.delegation_history(ada, 10)
    assert [(one.delegate, int(one.powers), one.resigned) for one in history] == [
        (neighbour, 0, True),
        (carer, 0, False),
        (carer, 1, False),
        (neighbour, 1, False),
        (carer, 3, False),
    ]
    page = town.care.delegation_history(ada, 2)
    assert town.care.delegation_history(ada, 3, before=page[-1].position) == history[2:]


def test_a_delegation_that_ran_out_is_found_no_more(town: Town) -> None:
    delegate(town)
    town.sync()
    ada, carer = town.who("ada"), town.who("carer")
    until = town.ledger.delegation(ada, carer).until
    assert [one.patient for one in town.care.delegations_to(carer, at=until - 1)] == [ada]
    assert town.care.delegations_to(carer, at=until) == []


def test_what_delegates_did_is_found_by_patient_delegate_and_thing(town: Town) -> None:
    ada, carer, doctor = town.who("ada"), town.who("carer"), town.who("doctor")
    delegate(town)
    town.send("carer", town.ledger.acts.grant_for(ada, doctor, scope_number(0), terms(town), DIGEST))
    town.send("ada", town.ledger.acts.grant(doctor, scope_number(1), terms(town), DIGEST))
    question = ask(town, "why")
    town.send("carer", town.ledger.acts.decline(question))
    town.sync()
    hers, his = consent_id(ada, doctor, scope_number(1)), consent_id(ada, doctor, scope_number(0))
    done = town.care.done_to([hers, his, question.id()])
    assert {what: [(one.delegate, one.act) for one in acts] for what, acts in done.items()} == {
        his: [(carer, DelegatedAct.GRANT)],
        question.id(): [(carer, DelegatedAct.DECLINE)],
    }
    assert [one.act for one in town.care.done_for(ada, 10)] == [DelegatedAct.DECLINE, DelegatedAct.GRANT]
    assert town.care.done_by(carer, 10) == town.care.done_for(ada, 10)
    assert town.care.done_for(town.who("ben"), 10) == []


def test_questions_are_open_until_they_are_answered_or_late(town: Town) -> None:
    ada, doctor = town.who("ada"), town.who("doctor")
    granted, declined, taken_back, left = (ask(town, text) for text in ("a", "b", "c", "d"))
    town.sync()
    opened = town.care.open_questions_to(ada, at=town.now(), limit=10)
    assert [one.question for one in opened] == [left, taken_back, declined, granted]
    acts, scope = town.ledger.acts, scope_number(4)
    town.send("ada", acts.grant_as_asked(granted, scope, granted.terms, DIGEST))
    town.send("ada", acts.decline(declined))
    town.send("doctor", acts.take_back(taken_back))
    town.sync()
    assert [one.question for one in town.care.open_questions_to(ada, at=town.now(), limit=10)] == [left]
    assert town.care.open_questions_to(ada, at=left.terms.expiry, limit=10) == []
    states = [(one.id, one.state, one.scope) for one in town.care.questions_by(doctor, 10)]
    assert states == [
        (left.id(), QuestionState.OPEN, None),
        (taken_back.id(), QuestionState.TAKEN_BACK, None),
        (declined.id(), QuestionState.DECLINED, None),
        (granted.id(), QuestionState.GRANTED, scope),
    ]
    for one in town.care.questions_to(ada, 10):
        assert town.ledger.question(one.id).state == one.state
        assert town.care.question(one.id) == one
    assert town.care.question(DIGEST) is None
    with pytest.raises(rejections.QuestionNotOpen):
        town.send("ada", acts.decline(declined))


def test_second_signatures_awaited_and_given(town: Town) -> None:
    ada, doctor, acts = town.who("ada"), town.who("doctor"), town.ledger.acts
    town.send("ada", acts.grant(doctor, scope_number(0), terms(town), DIGEST))
    subject = Subject(ada, LAB)
    awaited, both, plain, unasked = (anchor(town, text) for text in ("awaited", "both", "plain", "unasked"))
    for digest in (awaited, both):
        town.send("doctor", acts.await_cosignature(digest, subject))
    for digest in (both, unasked):
        town.send("ada", acts.cosign(digest, subject, doctor))
    town.sync()
    found = town.care.cosignatures_of([awaited, both, plain, unasked])
    assert {digest: (one.awaited, one.signer) for digest, one in found.items()} == {
        awaited: (True, None),
        both: (True, ada),
        unasked: (False, ada),
    }
    assert town.care.awaiting_cosignature(ada, 10) == [awaited]
    for digest in (awaited, both, plain, unasked):
        signatures = town.ledger.signatures(digest, subject, doctor)
        assert signatures.count == (2 if digest in (both, unasked) else 1)
        assert (signatures.author, signatures.cosigner) == (doctor, ada if signatures.count == 2 else None)
        assert town.ledger.cosignature(digest).awaited == (digest in (awaited, both))
    assert town.ledger.signatures(DIGEST, subject, doctor).author is None


def test_openings_and_their_reviews(town: Town) -> None:
    ada, ben, medic, authority = (town.who(name) for name in ("ada", "ben", "medic", "authority"))
    acts, reason = town.ledger.acts, EmergencyReason.LIFE_IN_DANGER
    town.send("medic", acts.break_glass(ada, reason, hours=1, correlation=DIGEST))
    town.pass_time(3_600)
    town.send("medic", acts.break_glass(ada, reason, hours=2, correlation=DIGEST))
    town.pass_time(60)
    town.send("medic", acts.break_glass(ben, reason, hours=2, correlation=DIGEST))
    town.send("authority", acts.review_break_glass(ada, medic, 1, ReviewOutcome.JUSTIFIED, DIGEST))
    town.sync()
    second, first = town.care.openings_over(ada, 10)
    assert (first.number, first.repeated, first.auditor, first.outcome) == (
        1,
        False,
        authority,
        ReviewOutcome.JUSTIFIED,
    )
    assert (second.number, second.repeated, second.auditor, second.outcome) == (2, True, None, None)
    assert (second.reason, second.correlation) == (reason, DIGEST)
    unreviewed = town.care.unreviewed_openings(limit=10)
    assert [(one.patient, one.number) for one in unreviewed] == [(ben, 1), (ada, 2)]
    assert town.care.unreviewed_openings(over_by=second.until - 1, limit=10) == []
    assert town.care.unreviewed_openings(over_by=second.until, limit=10) == [second]
    assert town.care.openings_by(medic, 10) == [unreviewed[0], second, first]
    assert town.care.opening(ada, medic, 2) == second
    assert town.care.opening(ada, medic, 3) is None

    word = town.ledger.break_glass(ada, medic)
    assert word is not None
    assert (word.count, word.reviewed, word.until, word.repeated) == (2, 1, second.until, True)
    assert town.ledger.break_glass(ada, town.who("doctor")) is None
    review = town.ledger.review(ada, medic, 1)
    assert review is not None
    assert (review.auditor, review.outcome) == (authority, ReviewOutcome.JUSTIFIED)
    assert town.ledger.review(ada, medic, 2) is None
    assert town.ledger.break_glass_tally(town.who("hospital")) == (3, 1)


def test_a_delegate_and_an_emergency_doctor_read_on_what_they_offer(town: Town) -> None:
    ada, carer, medic, doctor = (town.who(name) for name in ("ada", "carer", "medic", "doctor"))
    acts = town.ledger.acts
    town.send("ada", acts.grant(doctor, scope_number(0), terms(town), DIGEST))
    digest, subject = anchor(town, "result"), Subject(ada, LAB)
    delegate(town)
    town.send("medic", acts.break_glass(ada, EmergencyReason.UNRESPONSIVE, hours=1, correlation=DIGEST))
    for reader, purpose, basis, kind in (
        (carer, Purpose.FAMRQT, delegation_basis(carer), BasisKind.DELEGATION),
        (medic, Purpose.BTG, break_glass_basis(medic), BasisKind.BREAK_GLASS),
    ):
        request = AccessRequest(reader, purpose, digest, subject, doctor)
        assert town.ledger.decide(request, AnchorProof(), [basis]).basis == kind


def live_through(town: Town) -> None:
    """Something of everything."""
    ada, carer, doctor, medic = (town.who(name) for name in ("ada", "carer", "doctor", "medic"))
    acts = town.ledger.acts
    preferred = acts.set_preferences(emergency=LAB, barred_authors=Category(0), over_denials=True)
    town.send("ada", preferred)
    delegate(town)
    town.send("carer", acts.grant_for(ada, doctor, scope_number(0), terms(town), DIGEST))
    question = ask(town, f"why at {town.now()}")
    town.send("ada", acts.grant_as_asked(question, scope_number(1), question.terms, DIGEST))
    digest = anchor(town, f"summary of {town.now()}")
    town.send("doctor", acts.await_cosignature(digest, Subject(ada, LAB)))
    town.send("ada", acts.cosign(digest, Subject(ada, LAB), doctor))
    town.send("medic", acts.break_glass(ada, EmergencyReason.DELAY_HARMS, hours=1, correlation=DIGEST))
    town.pass_time(3_600)
    town.send("authority", acts.review_break_glass(ada, medic, 1, ReviewOutcome.UNCLEAR, DIGEST))
    town.send("ada", acts.end_delegation(carer))


def test_an_index_made_anew_equals_the_one_that_grew(town: Town, tmp_path: Path) -> None:
    town.sync()
    live_through(town)
    town.sync()
    grown = dump(town.engine)
    written = {name for name, rows in grown.items() if rows}
    care = {"delegations", "delegated_acts", "questions", "question_changes", "cosignatures", "openings", "reviews"}
    assert care | {"preferences"} <= written

    town.indexer.rebuild()
    town.sync()
    assert dump(town.engine) == grown

    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    indexer = Indexer(other, town.node, town.ledger.address)
    while indexer.sync():
        pass
    assert dump(other) == grown
    other.dispose()


def test_what_the_chain_takes_back_the_index_takes_back(town: Town) -> None:
    delegate(town)
    town.sync()
    before, taken = dump(town.engine), town.node.request("evm_snapshot")
    live_through(town)
    town.sync()
    assert dump(town.engine) != before
    assert town.node.request("evm_revert", taken)
    for _ in range(30):  # the other branch is longer: only its hashes tell
        town.node.request("evm_mine")
    town.sync()
    assert dump(town.engine) == before
    assert [one.delegate for one in town.care.delegations_of(town.who("ada"), at=town.now())] == [town.who("carer")]
