"""Everything of hers as one archive that needs neither this gateway nor this program to be read.

>>> with open("mine.zip", "wb") as file:
...     file.writelines(export(gateway, ana, ana.address, purpose=Purpose.PATRQT, correlation="..."))

A zipped bag (`gateway.export.bag`): records opened, as files; her consents as FHIR; the lines of the access log with
their proofs; and `index.html`, `README.txt` and `check.py` on top. The ledger decides about every single record, and
each leaves its line in the access log, as if it were opened alone. What cannot be opened is listed with the reason.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from gateway import flow
from gateway.consents.consenting import open_document
from gateway.consents.delegates import require
from gateway.consents.given import given_by
from gateway.consents.signed import SignedConsent, proof_of
from gateway.emergencies.breakglass import openings_over
from gateway.erasure.disposals import Disposals
from gateway.errors import NotReady, RecordError, SlipMissing
from gateway.export.bag import BagWriter
from gateway.export.holdings import Holding, holdings
from gateway.export.log import anchor_log, evidence_of_line
from gateway.export.pages import ListedFile, index_page, readme
from gateway.export.records import about_record, about_seal, file_name
from gateway.identity.keystore import Identity
from gateway.identity.names import visible_names
from gateway.log.evidence import consent_evidence, ledger_name, record_evidence, signed_consent_evidence
from gateway.notices.sentences import of_attempt
from gateway.reading import open_verified
from gateway.slips.slips import slip_key, unwrap
from gateway.verify.archive_state import as_json, slot_of
from gateway.verify.evidence import ConsentEvidence, Evidence, SignedConsentEvidence, encode_evidence
from ledger.codes import Category, Power, Purpose
from ledger.errors import AccessDenied, NodeRejected
from ledger.index import IndexedConsent
from ledger.positions import Position
from ledger.state_proof import collect
from ledger.types import FOREVER, Address

if TYPE_CHECKING:
    from gateway.services import Gateway

NAME = "consent-ledger-export"
"""The archive's folder."""
_PAGE = 200


@dataclass(slots=True)
class _Export:
    """One archive in the making."""

    gateway: "Gateway"
    reader: Identity
    patient: Address
    purpose: Purpose
    correlation: str
    reach: Category
    """Of which categories records are taken; a delegate does not even learn of others."""
    log_size: int
    """Lines that the access log had when the archive was asked for: its own are not in it."""
    bag: BagWriter
    listed: list[ListedFile] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    """Where the ledger keeps what is in the archive."""

    def prove(self, folder: str, evidence: Evidence) -> Iterator[bytes]:
        """Put evidence beside what it is of."""
        slot = slot_of(evidence)
        if slot is not None:
            self.slots.append(slot)
        return self.bag.add(f"{folder}/evidence.json", [encode_evidence(evidence)])


def export(
    gateway: "Gateway", reader: Identity, patient: Address, *, purpose: Purpose, correlation: str
) -> Iterator[bytes]:
    """The archive's bytes as they come, a chunk in memory.

    Args:
        reader: the patient, or a delegate of hers who may read; then only records that he may read are in it.

    Raises:
        NotPermitted: somebody else asks, to whom she has not delegated reading.
        LedgerError, StoreError: before or while it is made; a part of an archive opens nowhere.
    """
    reach = Category(0xFFFF)
    if reader.address != patient:
        reach = require(gateway, reader.address, patient, Power.READ).categories
    now = int(gateway.clock())
    making = _Export(
        gateway, reader, patient, purpose, correlation, reach, gateway.log.size(), BagWriter(NAME, made_at=now)
    )
    return _files(making, now)


def _files(making: _Export, now: int) -> Iterator[bytes]:
    gateway, bag = making.gateway, making.bag
    anchor_log(gateway)
    for holding in holdings(gateway, making.patient):
        if not holding.categories & ~making.reach:
            yield from _record(making, holding)
    if making.reader.address == making.patient:
        yield from _consents(making)
        yield from _access_log(making)
        yield from _incidents(making)
    yield from _state(making)
    ledger = {**ledger_name(gateway).as_json(), "patient": making.patient}
    yield from bag.add("data/ledger.json", [_json(ledger)])
    yield from bag.add("index.html", [index_page(making.listed, now).encode()])
    yield from bag.add("README.txt", [readme(now).encode()])
    yield from bag.add("check.py", [files("gateway.export").joinpath("check.py").read_bytes()])
    yield from bag.finish(
        {
            "External-Description": "Everything of one person: records, consents, access log, proofs",
            "Left-Out": str(sum(not one.path for one in making.listed)),
            "External-Identifier": f"eip155:{gateway.ledger.chain_id}:{making.patient}",
        }
    )


def _record(making: _Export, holding: Holding) -> Iterator[bytes]:
    """One record's folder: what it is, and its content; or why there is none."""
    gateway, digest = making.gateway, holding.digest
    folder = f"data/records/{digest.hex()}"
    names = visible_names(gateway, making.reader.address, [holding.author])
    kinds = holding.categories.labels()
    by = names.get(holding.author) or holding.author
    try:
        located, decision = flow.authorize(
            gateway, making.reader.address, digest, purpose=making.purpose, correlation=making.correlation
        )
        record_key = slip_key(gateway, making.reader, located, decision)
        if record_key is None:
            raise SlipMissing(digest, "there is no key slip for you here")
        header, content, size = open_verified(gateway.store, digest, record_key)
        about = about_record(holding, names)
        about |= {"seal": about_seal(gateway, digest, record_key, header), "file": file_name(header), "size": size}
    except (RecordError, AccessDenied) as failure:
        why = {"v": 1, "digest": digest.hex(), "categories": kinds, "problem": str(failure)}
        making.listed.append(ListedFile("record", "", None, kinds, by, holding.state.name.lower(), str(failure)))
        yield from making.bag.add(f"{folder}/about.json", [_json(why)])
        return
    path = f"{folder}/{file_name(header)}"
    yield from making.bag.add(path, content, size=size)
    yield from making.bag.add(f"{folder}/about.json", [_json(about)])
    yield from making.prove(folder, record_evidence(gateway, digest))
    making.listed.append(
        ListedFile("record", path, header.created, kinds, by, holding.state.name.lower(), header.title)
    )


def _consents(making: _Export) -> Iterator[bytes]:
    gateway = making.gateway
    before: Position | None = None
    while page := given_by(gateway, making.patient, _PAGE, before):
        for consent in page:
            yield from _consent(making, consent)
        before = page[-1].position
    denied = gateway.index.denials_of(making.patient, 1_000)
    yield from making.bag.add("data/denials.json", [_json(denied)])


def _consent(making: _Export, consent: IndexedConsent) -> Iterator[bytes]:
    gateway, reader = making.gateway, making.reader
    # Two that she signed may have one id: their folders go on with a list and a place in it.
    name = consent.name if isinstance(consent, SignedConsent) else consent.consent_id
    folder = f"data/consents/{name.hex()}"
    terms = consent.terms
    withdrawn_at = gateway.ledger.consent(consent.patient, consent.grantee, consent.scope).withdrawn_at
    about: dict[str, Any] = {
        "v": 1,
        "digest": consent.document.hex(),
        "grantee": consent.grantee,
        "given": "signed" if isinstance(consent, SignedConsent) else "granted",
        "categories": terms.categories.labels(),
        "not_before": terms.not_before,
        "expiry": None if terms.expiry == FOREVER else terms.expiry,
        "withdrawn_at": withdrawn_at or None,
    }
    try:
        content = open_document(gateway, reader, consent)
        record_key = unwrap(gateway, reader.address, reader.sealing, consent.document)
        assert record_key is not None, "the document was just opened with it"
        header, _, _ = open_verified(gateway.store, consent.document, record_key)
        about |= {"seal": about_seal(gateway, consent.document, record_key, header), "file": "consent.json"}
        yield from making.bag.add(f"{folder}/consent.json", [content])
    except RecordError as failure:
        about["problem"] = str(failure)
    yield from making.bag.add(f"{folder}/about.json", [_json(about)])
    yield from making.prove(folder, _evidence_of(gateway, consent))
    who = visible_names(gateway, reader.address, [consent.grantee]).get(consent.grantee) or consent.grantee
    path = f"{folder}/{about['file']}" if "file" in about else f"{folder}/about.json"
    state = "withdrawn" if about["withdrawn_at"] else about["given"]
    making.listed.append(ListedFile("consent", path, None, terms.categories.labels(), who, state, "Consent"))


def _evidence_of(gateway: "Gateway", consent: IndexedConsent) -> ConsentEvidence | SignedConsentEvidence:
    """That she gave a consent.

    Raises:
        NotReady: its list has left the chain a moment ago.
    """
    if not isinstance(consent, SignedConsent):
        return consent_evidence(gateway, consent)
    proof = proof_of(gateway, consent)
    if proof is None:
        raise NotReady("a list of signed consents stands elsewhere now: export again in a second")
    return signed_consent_evidence(gateway, proof)


def _state(making: _Export) -> Iterator[bytes]:
    """What the ledger holds of it, proven from the newest block's hash; left out where the node proves nothing."""
    contract = making.gateway.ledger.address
    try:
        state = collect(making.gateway.node, contract, making.slots)
    except NodeRejected:
        return
    # All of it is on the ledger: a word that is empty would only show that another version lays its storage out
    # otherwise than this program thinks.
    if state is not None and all(state.word(contract, slot) for slot in making.slots):
        yield from making.bag.add("data/ledger-state.json", [_json(as_json(state))])


def _incidents(making: _Export) -> Iterator[bytes]:
    """What was destroyed, and how often the glass was broken."""
    gateway = making.gateway
    disposals = Disposals(gateway.database, gateway.operator).page(concerned=[making.patient], limit=10_000)
    lines = [{"line": line.line.decode(), "signature": line.signature.hex()} for line in disposals]
    yield from making.bag.add("data/disposals.json", [_json(lines)])
    openings = [
        {
            "clinician": one.opening.clinician,
            "number": one.opening.number,
            "reason": one.opening.reason.name.lower().replace("_", "-"),
            "opened_at": one.opened_at,
            "until": one.opening.until,
            "repeated": one.opening.repeated,
            "outcome": one.opening.outcome.name.lower() if one.opening.outcome else None,
            "transaction": one.opening.transaction.hex(),
        }
        for one in openings_over(gateway, making.patient, 10_000)
    ]
    yield from making.bag.add("data/emergencies.json", [_json(openings)])


def _access_log(making: _Export) -> Iterator[bytes]:
    """The lines about her, oldest first, each with what proves it."""
    yield from making.bag.add("data/access-log/lines.jsonl", _lines(making))
    making.listed.append(
        ListedFile("log", "data/access-log/lines.jsonl", None, [], "", "", "Who looked, and who did not")
    )


def _lines(making: _Export) -> Iterator[bytes]:
    gateway = making.gateway
    before = making.log_size
    while page := gateway.log.page(patients=[making.patient], before=before, limit=_PAGE):
        names = visible_names(gateway, making.reader.address, {line.attempt.reader for line in page})
        for line in page:
            name = names.get(line.attempt.reader)
            sentence = of_attempt(line.attempt, viewer=making.patient, reader_name=name)
            yield _json({"sentence": sentence, "evidence": evidence_of_line(gateway, line)}, indent=None)
        before = page[-1].seq


def _json(value: Any, *, indent: int | None = 2) -> bytes:
    return json.dumps(value, indent=indent, ensure_ascii=False, sort_keys=True).encode() + b"\n"
