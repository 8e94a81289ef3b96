"""Operations on records, single and in batches, and on the access log."""

from ledger.codes import Role
from ledger.gas.operation import Operation, Touches
from ledger.gas.stage import step

_BATCH = (step("anchorBatch", "laboratory"),)
_PROPOSED = (step("anchorBatch", "laboratory", proposed=True),)

RECORDS = (
    Operation(
        "anchor",
        "Anchor a record: the author's own organization account",
        Touches(reads=2, created=1, events=("RecordAnchored",)),
        step("anchor", "laboratory"),
    ),
    Operation(
        "anchor/member",
        "Anchor a record: a member of an organization",
        Touches(reads=4, created=1, events=("RecordAnchored",)),
        step("anchor", "technician"),
    ),
    Operation(
        "anchor/own",
        "Anchor a record of one's own",
        Touches(reads=1, created=1, events=("RecordAnchored",)),
        step("anchor", "patient"),
    ),
    Operation(
        "anchorAsMember",
        "Anchor a record on a team's consent",
        Touches(reads=7, created=1, events=("RecordAnchored",)),
        step("anchorAsMember", "doctor", team="team"),
    ),
    Operation(
        "propose",
        "Propose a record",
        Touches(reads=3, created=1, events=("RecordProposed",)),
        step("propose", "laboratory"),
    ),
    Operation(
        "answer",
        "Accept a proposed record",
        Touches(reads=1, changed=1, events=("RecordAccepted",)),
        step("answer", "patient", author="laboratory"),
        (step("propose", "laboratory"),),
    ),
    Operation(
        "supersede",
        "Correct a record",
        Touches(reads=1, created=1, changed=1, events=("RecordAnchored", "RecordSuperseded")),
        step("supersede", "laboratory"),
        (step("anchor", "laboratory"),),
    ),
    Operation(
        "retract",
        "Retract a record",
        Touches(reads=1, changed=1, events=("RecordRetracted",)),
        step("retract", "laboratory"),
        (step("anchor", "laboratory"),),
    ),
    Operation(
        "anchorBatch",
        "Anchor a night's batch of 1,000 records",
        Touches(reads=1, created=1, events=("BatchAnchored",)),
        step("anchorBatch", "laboratory"),
        per=1_000,
    ),
    Operation(
        "retractInBatch",
        "Retract the first record of 256 in a batch",
        Touches(reads=2, created=1, events=("BatchRecordRetracted",)),
        step("retractInBatch", "laboratory"),
        _BATCH,
    ),
    Operation(
        "retractInBatch/next",
        "Retract a further record of 256 in a batch",
        Touches(reads=2, changed=1, events=("BatchRecordRetracted",)),
        step("retractInBatch", "laboratory", index=8),
        (*_BATCH, step("retractInBatch", "laboratory")),
    ),
    Operation(
        "supersedeInBatch",
        "Correct the first record of 256 in a batch",
        Touches(reads=5, created=2, events=("RecordAnchored", "BatchRecordSuperseded")),
        step("supersedeInBatch", "laboratory"),
        _BATCH,
    ),
    Operation(
        "acceptInBatch",
        "Accept the first record of 256 in a batch",
        Touches(reads=4, created=1, events=("BatchRecordAccepted",)),
        step("acceptInBatch", "patient"),
        _PROPOSED,
    ),
)

ACCESS_LOG = (
    Operation(
        "anchorCheckpoint",
        "Anchor a first access-log checkpoint",
        Touches(reads=1, created=1, events=("CheckpointAnchored",)),
        step("anchorCheckpoint", "newcomer"),
        (step("admit", "consortium", who="newcomer", roles=Role.LABORATORY),),
    ),
    Operation(
        "anchorCheckpoint/next",
        "Anchor a further access-log checkpoint, for any number of lines",
        Touches(reads=1, changed=1, events=("CheckpointAnchored",)),
        step("anchorCheckpoint", "newcomer", size=2_000),
        (
            step("admit", "consortium", who="newcomer", roles=Role.LABORATORY),
            step("anchorCheckpoint", "newcomer"),
        ),
    ),
)
