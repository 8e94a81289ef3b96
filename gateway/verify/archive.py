"""Checking an archive that `gateway.export` made, years later: no gateway, no database, a node only if there is one.

>>> report = check_archive(Path("mine.zip"), chain=None)
>>> report.sound, report.records
(True, 12)

What is proven without a network: no file has changed since the export; every record is, byte for byte, the one of the
digest that it names (it is sealed again); every line of the access log stands in the log that its operator signed for.
What the ledger held of it at one block is proven too (`ledger.state_proof`), to whoever knows that block to be on its
chain; that, and what became of it since, only a node can tell.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from gateway.export.check import problems_of
from gateway.verify.archive_files import json_of, opened, readable
from gateway.verify.archive_report import Report
from gateway.verify.archive_state import read_state, stands_in
from gateway.verify.chain import Chain, Found
from gateway.verify.checks import check
from gateway.verify.evidence import (
    ConsentEvidence,
    Evidence,
    LedgerName,
    LineEvidence,
    Place,
    RecordEvidence,
    SignedConsentEvidence,
)
from gateway.verify.reading import read_evidence
from gateway.verify.result import Verdict
from ledger.rpc import unhex
from ledger.state_proof import StateProofInvalid
from ledger.types import address_of
from offchain_store.digest import Cid, Codec
from offchain_store.envelope import seal
from offchain_store.errors import StoreError
from offchain_store.record import Header


class RememberingChain(Chain):
    """A chain that is asked for the same events once: an archive has many lines of one log."""

    def find(self, name: str, topics: Sequence[bytes | None], *, near: Place | None = None) -> list[Found]:
        """See `Chain.find`; only what is looked for in all blocks is remembered."""
        if near is not None:
            return super().find(name, topics, near=near)
        key = (name, tuple(topics))
        if key not in self._found:
            self._found[key] = super().find(name, topics)
        return self._found[key]

    def hash_of(self, block: int) -> bytes | None:
        """The hash of a block on this chain; None: it has no such block."""
        found = self._node.request("eth_getBlockByNumber", hex(block), False)
        return unhex(found["hash"]) if found else None

    @cached_property
    def _found(self) -> dict[tuple[str, tuple[bytes | None, ...]], list[Found]]:
        return {}


@dataclass(frozen=True, slots=True)
class _Nowhere:
    """A sink for sealing that keeps nothing."""

    def put(self, block: bytes, codec: Codec) -> Cid:
        return Cid.of(codec, block)


def check_archive(path: Path, *, chain: RememberingChain | None) -> Report:
    """Check an archive, zipped or unpacked.

    Args:
        chain: the ledger on a node; None: only what needs no network.

    Raises:
        ArchiveUnreadable
        LedgerError: the node does not answer.
    """
    with opened(path) as archive, readable():
        names = archive.names()
        report = Report(_ledger(archive), asked=chain is not None, files=len(names))
        report.problems += problems_of(archive)
        if report.problems:
            return report  # what was altered is not worth reading
        if "data/ledger-state.json" in names:
            _check_state(archive, report, chain)
        for name in sorted(names):
            part, _, rest = name.removeprefix("data/").partition("/")
            if part in ("records", "consents") and rest.endswith("/about.json"):
                _check_sealed(archive, name.rpartition("/")[0], part, report, chain)
            elif name == "data/access-log/lines.jsonl":
                _check_lines(archive, name, report, chain)
    return report


def _check_state(archive: Any, report: Report, chain: RememberingChain | None) -> None:
    try:
        report.state = read_state(json_of(archive, "data/ledger-state.json"))
    except StateProofInvalid as failure:
        report.problems.append(f"the ledger's state in it: {failure}")
        return
    if chain is not None and chain.hash_of(report.state.number) != report.state.block_hash:
        report.problems.append(f"the ledger's state in it is of another block {report.state.number} than the chain has")


def ledger_of(path: Path) -> LedgerName:
    """Which ledger an archive says that it is of.

    Raises:
        ArchiveUnreadable
    """
    with opened(path) as archive, readable():
        return _ledger(archive)


def _check_sealed(archive: Any, folder: str, part: str, report: Report, chain: Chain | None) -> None:
    about = json_of(archive, f"{folder}/about.json")
    what = f"{part.removesuffix('s')} {folder.rpartition('/')[2][:16]}"
    if "seal" in about:
        digest = bytes.fromhex(about["digest"])
        try:
            same = _sealed_again(archive, folder, about) == digest
        except StoreError:
            same = False
        if not same:
            report.problems.append(f"{what} is not the one of its digest")
            return
        if part == "records":
            report.records += 1
        else:
            report.consents += 1
    elif part == "records":
        report.left_out += 1
        return
    evidence = read_evidence(json_of(archive, f"{folder}/evidence.json"))
    named = evidence.digest if isinstance(evidence, RecordEvidence) else None
    named = evidence.document if isinstance(evidence, ConsentEvidence) else named
    if isinstance(evidence, SignedConsentEvidence):
        named = evidence.signed.document
    if named != bytes.fromhex(about["digest"]):
        report.problems.append(f"the evidence beside {what} is of another one")
        return
    report.signed += _weigh(evidence, what, report, chain) and isinstance(evidence, SignedConsentEvidence)


def _check_lines(archive: Any, name: str, report: Report, chain: Chain | None) -> None:
    with archive.open(name) as file:
        for number, raw in enumerate(file, 1):
            told = json.loads(raw)
            if told["evidence"] is None:
                report.unproven_lines += 1
                continue
            evidence = read_evidence(told["evidence"])
            if not isinstance(evidence, LineEvidence):
                report.problems.append(f"the evidence of line {number} is of something else")
                continue
            report.lines += _weigh(evidence, f"line {number}", report, chain)


def _weigh(evidence: Evidence, what: str, report: Report, chain: Chain | None) -> bool:
    """Check one piece of evidence; whether it holds."""
    if (evidence.ledger.chain_id, evidence.ledger.address) != (report.ledger.chain_id, report.ledger.address):
        report.problems.append(f"the evidence of {what} is of another ledger")
        return False
    found = check(evidence, chain=chain, store=None)
    if found.verdict not in (Verdict.PROVEN, Verdict.CONSISTENT):
        report.problems.append(f"{what}: {found.sentence.removesuffix('.')}")
        return False
    report.on_ledger += found.verdict is Verdict.PROVEN
    stands = stands_in(report.state, evidence) if report.state else None
    if stands is False:
        report.problems.append(f"{what} is not what the ledger held by the proof in the archive")
        return False
    report.in_state += bool(stands)
    return True


def _ledger(archive: Any) -> LedgerName:
    named = json_of(archive, "data/ledger.json")
    return LedgerName(int(named["chain_id"]), address_of(named["address"]), int(named["block"]))


def _sealed_again(archive: Any, folder: str, about: dict[str, Any]) -> bytes:
    """The digest that content, header and key give."""
    how = about["seal"]
    header = Header(how["media_type"], how["category"], how["title"], datetime.fromisoformat(how["created"]))
    with archive.open(f"{folder}/{about['file']}") as content:
        key = bytes.fromhex(how["record_key"])
        return seal(content, header, _Nowhere(), record_key=key, chunk_size=how["chunk"]).digest
