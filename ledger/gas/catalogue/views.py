"""Views: free when called; measured as transactions, as another contract would pay for them."""

from ledger.gas.operation import Operation, Touches
from ledger.gas.stage import step

_BATCH = (step("anchorBatch", "laboratory"),)

VIEWS = (
    Operation(
        "decide",
        "Decide on one record and one consent",
        Touches(reads=5),
        step("decide", "doctor", author="laboratory"),
        (step("anchor", "laboratory"),),
        is_view=True,
    ),
    Operation(
        "decide/batch",
        "Decide on one record of a batch of 1,000",
        Touches(reads=10),
        step("decideInBatch", "doctor", author="laboratory"),
        _BATCH,
        is_view=True,
    ),
    *(
        Operation(name, title, Touches(reads=reads), step("look", "patient", function=name), is_view=True)
        for name, title, reads in (
            ("participantOf", "Look up a participant", 1),
            ("keyCardOf", "Look up a key card", 1),
            ("participantBy", "Look up a participant by a keyed identifier", 1),
            ("isMember", "Look up a membership", 1),
            ("consentOf", "Look up a consent", 1),
            ("wasDenied", "Look up a denial at some time", 1),
            ("recordOf", "Look up a record", 1),
            ("batchOf", "Look up a batch", 1),
            ("batchRecordOf", "Look up one record of a batch", 3),
            ("prescriptionOf", "Look up a prescription", 1),
            ("holderOf", "Look up who holds a lease", 1),
            ("checkpointOf", "Look up the last checkpoint", 1),
            ("PREDECESSOR", "Look up the deployment before this one", 0),
            ("eip712Domain", "Look up the signing domain", 0),
        )
    ),
)
