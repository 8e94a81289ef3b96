"""Checking a prescription: that it was issued on these terms, what was handed out on it, and where it stands."""

from gateway.verify.chain import Chain
from gateway.verify.evidence import PrescriptionEvidence
from gateway.verify.record import bytes_of
from gateway.verify.result import Findings, Refuted, Verdict, moment
from ledger.codes import PrescriptionStatus
from ledger.types import PrescriptionState, address_of
from offchain_store.store import Blocks, check_record

_STANDS = {
    PrescriptionStatus.ACTIVE: "it is open",
    PrescriptionStatus.CLAIMED: "a pharmacist holds it reserved",
    PrescriptionStatus.SUSPENDED: "its prescriber has paused it",
    PrescriptionStatus.CANCEL_PENDING: "it is being cancelled",
    PrescriptionStatus.COMPLETED: "nothing is left of it",
    PrescriptionStatus.CANCELLED: "it was cancelled",
    PrescriptionStatus.VOIDED: "its prescriber has declared it entered in error",
}


def check(evidence: PrescriptionEvidence, found: Findings, *, chain: Chain | None, store: Blocks | None) -> str:
    """Check a prescription; what was found, in words.

    Raises:
        Refuted
        StoreError, LedgerError: store or node could not be asked.
    """
    opening = evidence.opening
    found.facts |= {
        "prescription": opening.id().hex(),
        "prescriber": opening.prescriber,
        "patient": opening.subject.patient,
    }
    found.proven.append("that these terms and this body are those that the prescription's id commits to")
    on_chain = _on_chain(evidence, found, chain) if chain is not None else None
    if store is not None:
        with bytes_of(opening.digest, "the prescription's body", is_anchored=on_chain is not None):
            check_record(store, opening.digest)
        found.proven.append("that the sealed body in the store is the one that was prescribed")
    else:
        found.not_proven.append("that what it says is to be had, for no store was asked")
    found.not_proven += ["that what it prescribes is medically right", "that what was handed out was taken"]
    if on_chain is None:
        found.not_proven.insert(0, "that it was ever issued, for no node was asked")
        return f"The evidence is of a prescription {opening.id().hex()} and agrees with itself"
    return (
        f"Prescription {opening.id().hex()} was issued by {opening.prescriber} for {opening.subject.patient} {on_chain}"
    )


def _on_chain(evidence: PrescriptionEvidence, found: Findings, chain: Chain) -> str:
    """When it was issued and what became of it, in words."""
    opening = evidence.opening
    id_ = opening.id()
    state = chain.ledger.prescription(id_)
    issued = chain.issued(id_, opening.terms_hash(), near=evidence.anchor)
    if state.status is PrescriptionStatus.NONE or issued is None:
        raise Refuted(Verdict.NEVER_ANCHORED, f"Prescription {id_.hex()} was never issued on this ledger")
    undone = {one.event.params["state"] for one in chain.find("DispenseUndone", [id_])}
    fills = []
    for one in chain.find("PrescriptionDispensed", [id_]):
        after = PrescriptionState.unpack(one.event.params["state"])
        fills.append(
            {
                **one.where(),
                "pharmacist": address_of(one.event.params["pharmacist"]),
                "record": one.event.params["record"].hex(),
                "units_in_all": after.units_used,
            }
        )
    terms = opening.terms
    now = chain.now()
    found.facts |= {
        "issued_at": issued.time,
        "anchor": issued.where(),
        "status": state.status.name.lower(),
        "expired": now >= terms.expiry,
        "fills_used": state.fills_used,
        "fills": terms.fills,
        "units_used": state.units_used,
        "quantity": terms.quantity,
        "dispenses": fills,
        "undone": len(undone),
    }
    found.proven.append("that it was issued then, and that no more was handed out on it than is told here")
    last = f", the last on {moment(state.dispensed_at)}" if state.dispensed_at else ""
    over = "" if now < terms.expiry else f", though it expired on {moment(terms.expiry)}"
    return (
        f"on {moment(issued.time)}; {state.fills_used} of {terms.fills} fills and {state.units_used} of"
        f" {terms.quantity} units were handed out{last}, and {_STANDS[state.status]}{over}"
    )
