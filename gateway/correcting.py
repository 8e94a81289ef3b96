"""Correcting a record that came by itself or in a batch: one act puts the correction in its place, where it stands as
the corrected one stood."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.batches.records import record_of
from gateway.located import Located
from ledger.acts import Act
from ledger.codes import AnchorKind, Category, RecordState
from ledger.types import Address, Subject

if TYPE_CHECKING:
    from gateway.services import Gateway


def correcting(
    gateway: "Gateway", corrected: Located | None, digest: bytes, patient: Address, categories: Category
) -> tuple[Callable[[bytes], Act], bool]:
    """The act by which a record comes into the place of `digest`, and whether it is only a proposal, as that one is.

    Args:
        corrected: where that one stands; None: the ledger will refuse.
        patient, categories: what the correction says that it is about. The ledger refuses it if that one is not.
    """
    acts = gateway.ledger.acts
    if corrected is None or corrected.proof.kind is not AnchorKind.BATCH:
        single = gateway.index.record(digest)
        proposed = single is not None and single.state is RecordState.PROPOSED
        return lambda correction: acts.supersede(digest, correction, Subject(patient, categories)), proposed
    proof, subject = corrected.proof, replace(corrected.subject, patient=patient, categories=categories)

    def in_batch(correction: bytes) -> Act:
        return acts.supersede_in_batch(proof.root, proof.index, digest, correction, subject, proof.path)

    return in_batch, record_of(gateway, digest).state is RecordState.PROPOSED
