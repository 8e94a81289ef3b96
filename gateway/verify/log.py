"""Checking access logs: a line with its proof, and checkpoints one after the other."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from eth_account import Account
from eth_account.messages import encode_defunct

from gateway.errors import LineInvalid
from gateway.verify.chain import Chain, Found
from gateway.verify.evidence import CheckpointEvidence, LineEvidence, LogKey
from gateway.verify.lines import Attempt, decode_leaf, sequence_of
from gateway.verify.result import Findings, Refuted, Verdict, moment
from ledger.checkpoint import Checkpoint, NoteInvalid, introduction, open_note, origin_of
from ledger.translog import leaf_hash, verify_consistency, verify_inclusion
from ledger.types import Address, raw

SKEW = 300
"""Seconds that a gateway's clock and the chain's may differ."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """A checkpoint on the ledger."""

    size: int
    root: bytes
    found: Found


def check_line(evidence: LineEvidence, found: Findings, *, chain: Chain | None) -> str:
    """Check a line; what was found, in words.

    Raises:
        Refuted
        LedgerError: the node could not be asked.
    """
    checkpoint = _signed(evidence.checkpoint, evidence.log, evidence.ledger.chain_id, evidence.ledger.address)
    attempt = _line(evidence, checkpoint)
    operator = evidence.log.operator
    found.facts |= {"operator": operator, "index": evidence.index, "size": checkpoint.size, "at": attempt.at}
    found.proven.append(f"that the line stands unchanged among the {checkpoint.size} that the operator signed for")
    found.not_proven += [
        "that there was no other access, elsewhere or beside the log",
        "that what was opened was read",
    ]
    claim = f"Line {evidence.index} of the access log of {operator} says that {_said(attempt)}"
    if chain is None:
        found.not_proven.insert(0, "when it was written, for no node was asked")
        return f"{claim}, and it stands so in the log of {checkpoint.size} lines that the operator signed"
    # All of them, not only the one that the evidence names: they say between which times the line was written.
    known = anchored_of(chain, operator)
    event = _on_chain(checkpoint, operator, known)
    if event is None:
        raise _never(checkpoint, operator)
    found.facts["anchor"] = event.found.where()
    fault = misdated(evidence.index, attempt.at, known)
    if fault is not None:
        raise Refuted(Verdict.CONTRADICTED, f"{claim}, but {fault}")
    found.proven.append("that it stood there, and was not dated otherwise, when the ledger took the checkpoint in")
    return (
        f"{claim}, and it stood there unchanged when a checkpoint of {checkpoint.size} lines was anchored on"
        f" {moment(event.found.time)}"
    )


def check_checkpoint(evidence: CheckpointEvidence, found: Findings, *, chain: Chain | None) -> str:
    """Check a checkpoint, and that the log that it is of begins with that of an earlier one.

    Raises:
        Refuted
        LedgerError: the node could not be asked.
    """
    name = evidence.ledger
    checkpoint = _signed(evidence.checkpoint, evidence.log, name.chain_id, name.address)
    operator = evidence.log.operator
    found.facts |= {"operator": operator, "size": checkpoint.size, "root": checkpoint.root.hex()}
    found.proven.append("that the operator signed for a log of this size and root")
    earlier = None
    if evidence.earlier is not None:
        earlier = _signed(evidence.earlier, evidence.log, name.chain_id, name.address)
        if not verify_consistency(
            first=earlier.size,
            second=checkpoint.size,
            proof=evidence.consistency,
            first_root=earlier.root,
            second_root=checkpoint.root,
        ):
            claim = (
                f"The access log of {operator} does not, or is not shown to, begin with its own first {earlier.size}"
                f" lines at {checkpoint.size} lines: the operator may show two logs"
            )
            raise Refuted(Verdict.CONTRADICTED, claim)
        found.facts["earlier_size"] = earlier.size
        found.proven.append(f"that no line of the first {earlier.size} was changed, moved or removed since")
    found.not_proven += ["that lines which came later are still there", "that every access was written into the log"]
    begins = f", begins with the {earlier.size} lines of the earlier one" if earlier else ""
    if chain is None:
        found.not_proven.insert(0, "that the ledger has it, for no node was asked")
        return f"The checkpoint of {checkpoint.size} lines is signed by the key of {operator}{begins}"
    known = anchored_of(chain, operator)
    event = _on_chain(checkpoint, operator, known)
    if event is None or (earlier is not None and _on_chain(earlier, operator, known) is None):
        raise _never(checkpoint if event is None or earlier is None else earlier, operator)
    found.facts["anchor"] = event.found.where()
    found.proven.append("that it is the one that the ledger has")
    when = moment(event.found.time)
    return f"The checkpoint of {checkpoint.size} lines of the access log of {operator} was anchored on {when}{begins}"


def anchored_of(chain: Chain, operator: Address) -> list[Anchored]:
    """An operator's checkpoints on the ledger, the smallest first."""
    events = chain.find("CheckpointAnchored", [raw(operator)])
    found = [Anchored(one.event.params["size"], one.event.params["root"], one) for one in events]
    return sorted(found, key=lambda one: one.size)


def misdated(index: int, at: int, known: Sequence[Anchored], skew: int = SKEW) -> str | None:
    """Why a line cannot have been written at the time that it names; None: it can.

    A checkpoint is signed only when the ledger has the one before it. So a line that some checkpoint counts was written
    before that one was anchored, and after the last but one of those that do not count it.

    Args:
        at: seconds since 1970.
        known: all checkpoints, the smallest first.
    """
    before = bisect_right(known, index, key=lambda one: one.size)
    if before < len(known) and at > known[before].found.time + skew:
        return f"it is dated after the ledger took in the checkpoint that counts it, {moment(known[before].found.time)}"
    if before > 1 and at < known[before - 2].found.time - skew:
        return f"it is back-dated: the ledger had a checkpoint without it on {moment(known[before - 2].found.time)}"
    return None


def _signed(note: str, log: LogKey, chain_id: int, contract: Address) -> Checkpoint:
    """The checkpoint of a note that the operator's key has signed for this log."""
    try:
        said = encode_defunct(text=introduction(log.key))
        signer = str(Account.recover_message(said, signature=log.introduction))
    except Exception as failure:  # eth-keys raises several unrelated kinds
        raise Refuted(Verdict.CONTRADICTED, "The log's key is introduced by nobody's signature") from failure
    if signer != log.operator:
        raise Refuted(Verdict.CONTRADICTED, f"The log's key was not introduced by {log.operator}")
    try:
        checkpoint = Checkpoint.parse(open_note(note, log.key))
    except NoteInvalid as failure:
        raise Refuted(Verdict.CONTRADICTED, f"The checkpoint is not what the log's key signed ({failure})") from failure
    if checkpoint.origin != origin_of(chain_id, contract, log.operator) or checkpoint.origin != log.key.name:
        raise Refuted(Verdict.CONTRADICTED, "The checkpoint is another log's than the evidence says")
    return checkpoint


def _line(evidence: LineEvidence, checkpoint: Checkpoint) -> Attempt:
    proven = verify_inclusion(
        leaf_hash(evidence.line),
        index=evidence.index,
        size=checkpoint.size,
        proof=evidence.inclusion,
        root=checkpoint.root,
    )
    if not proven:
        claim = f"Line {evidence.index} of the access log of {evidence.log.operator} does not read as it is given here"
        raise Refuted(Verdict.ALTERED, claim)
    try:
        attempt, numbered = decode_leaf(evidence.line), sequence_of(evidence.line)
    except LineInvalid as failure:
        raise Refuted(Verdict.CONTRADICTED, f"What was logged as line {evidence.index} is no line") from failure
    if numbered != evidence.index:
        claim = f"Line {evidence.index} of the log numbers itself {numbered}: lines were moved or removed"
        raise Refuted(Verdict.CONTRADICTED, claim)
    return attempt


def _on_chain(checkpoint: Checkpoint, operator: Address, known: list[Anchored]) -> Anchored | None:
    for one in known:
        if one.size == checkpoint.size:
            if one.root != checkpoint.root:
                claim = (
                    f"{operator} signed for a log of {checkpoint.size} lines other than the one that it anchored: there"
                    " are two logs"
                )
                raise Refuted(Verdict.CONTRADICTED, claim)
            return one
    return None


def _never(checkpoint: Checkpoint, operator: Address) -> Refuted:
    claim = f"No checkpoint of {checkpoint.size} lines of the access log of {operator} was ever anchored"
    return Refuted(Verdict.NEVER_ANCHORED, claim)


def _said(attempt: Attempt) -> str:
    answer = "was permitted" if attempt.permitted else f"was refused ({attempt.reason.name.lower().replace('_', '-')})"
    return (
        f"{attempt.reader} {answer} to open record {attempt.digest.hex()} of {attempt.patient} for"
        f" {attempt.purpose.name} on {moment(attempt.at)}"
    )
