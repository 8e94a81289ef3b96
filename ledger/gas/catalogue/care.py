"""Operations of care: delegates, questions, second signatures, emergencies."""

from ledger.codes import Role
from ledger.gas.operation import Operation, Touches
from ledger.gas.stage import step

_CARER = step("register", "hospital", who="carer")
_NAMED = (_CARER, step("setDelegation", "patient"))
_ASKED = (step("ask", "doctor"),)
_PROPOSED = (step("anchorBatch", "laboratory", proposed=True),)
_SUMMARY = (step("anchor", "laboratory"),)
_MEDIC = step("register", "hospital", who="medic", roles=Role.EMERGENCY)
_BROKEN = (_MEDIC, step("breakGlass", "medic"))

DELEGATIONS = (
    Operation(
        "setDelegation",
        "Name a delegate",
        Touches(reads=2, created=1, events=("DelegationSet",)),
        step("setDelegation", "patient"),
        (_CARER,),
    ),
    Operation(
        "setDelegation/end",
        "End a delegation",
        Touches(reads=1, changed=1, events=("DelegationEnded",)),
        step("endDelegation", "patient"),
        _NAMED,
    ),
    Operation(
        "setDelegationSigned",
        "Name a delegate by signature, relayed",
        Touches(reads=2, created=1, events=("DelegationSet",), signatures=1),
        step("setDelegationSigned", "hospital"),
        (_CARER,),
    ),
    Operation(
        "resign",
        "Give up what was delegated",
        Touches(reads=1, changed=1, events=("DelegationEnded",)),
        step("resign", "carer"),
        _NAMED,
    ),
    Operation(
        "grantFor",
        "Grant a consent as a delegate",
        Touches(reads=5, created=1, events=("ConsentGranted", "DoneByDelegate")),
        step("grantFor", "carer", to="somebody"),
        _NAMED,
    ),
    Operation(
        "withdrawFor",
        "Withdraw a consent as a delegate",
        Touches(reads=5, changed=1, events=("ConsentWithdrawn", "DoneByDelegate")),
        step("withdrawFor", "carer", to="somebody"),
        (*_NAMED, step("grant", "patient", to="somebody")),
    ),
    Operation(
        "denyFor",
        "Deny somebody everything as a delegate",
        Touches(reads=5, created=1, events=("AccessDenied", "DoneByDelegate")),
        step("denyFor", "carer", to="somebody"),
        _NAMED,
    ),
    Operation(
        "answerFor",
        "Accept a proposed record as a delegate",
        Touches(reads=5, changed=1, events=("RecordAccepted", "DoneByDelegate")),
        step("answerFor", "carer", author="laboratory"),
        (*_NAMED, step("propose", "laboratory")),
    ),
    Operation(
        "turnDownInBatch",
        "Turn down the first record of 256 in a batch",
        Touches(reads=4, created=2, events=("BatchRecordTurnedDown",)),
        step("turnDownInBatch", "patient"),
        _PROPOSED,
    ),
    Operation(
        "acceptInBatchFor",
        "Accept the first record of 256 in a batch as a delegate",
        Touches(reads=8, created=1, events=("BatchRecordAccepted", "DoneByDelegate")),
        step("acceptInBatchFor", "carer"),
        (*_NAMED, *_PROPOSED),
    ),
    Operation(
        "turnDownInBatchFor",
        "Turn down the first record of 256 in a batch as a delegate",
        Touches(reads=8, created=2, events=("BatchRecordTurnedDown", "DoneByDelegate")),
        step("turnDownInBatchFor", "carer"),
        (*_NAMED, *_PROPOSED),
    ),
)

QUESTIONS = (
    Operation(
        "ask",
        "Ask a patient for access",
        Touches(reads=5, created=1, events=("QuestionAsked",)),
        step("ask", "doctor"),
    ),
    Operation(
        "grantAsAsked",
        "Grant what was asked",
        Touches(reads=1, created=1, changed=1, events=("ConsentGranted", "QuestionGranted")),
        step("grantAsAsked", "patient", number=1),
        _ASKED,
    ),
    Operation(
        "decline",
        "Decline what was asked",
        Touches(reads=1, changed=1, events=("QuestionDeclined",)),
        step("decline", "patient"),
        _ASKED,
    ),
    Operation(
        "takeBack",
        "Take a question back",
        Touches(reads=2, changed=1, events=("QuestionTakenBack",)),
        step("takeBack", "doctor"),
        _ASKED,
    ),
)

COSIGNATURES = (
    Operation(
        "awaitCosignature",
        "Ask for a second signature under a record",
        Touches(reads=2, created=1, events=("CosignatureAwaited",)),
        step("awaitCosignature", "laboratory"),
        _SUMMARY,
    ),
    Operation(
        "cosign",
        "Co-sign a record as the patient",
        Touches(reads=2, created=1, events=("RecordCosigned",)),
        step("cosign", "patient", author="laboratory"),
        _SUMMARY,
    ),
    Operation(
        "cosign/awaited",
        "Co-sign a record whose author asked for it",
        Touches(reads=2, changed=1, events=("RecordCosigned",)),
        step("cosign", "patient", author="laboratory"),
        (*_SUMMARY, step("awaitCosignature", "laboratory")),
    ),
    Operation(
        "cosignSigned",
        "Co-sign a record by signature, relayed",
        Touches(reads=2, created=1, events=("RecordCosigned",), signatures=1),
        step("cosignSigned", "hospital", author="laboratory"),
        _SUMMARY,
    ),
)

EMERGENCIES = (
    Operation(
        "breakGlass",
        "Break the glass",
        Touches(reads=3, created=1, changed=1, events=("GlassBroken",)),
        step("breakGlass", "medic"),
        (_MEDIC,),
    ),
)

CARE_VIEWS = (
    Operation(
        "decide/delegate",
        "Decide on one record and a delegation",
        Touches(reads=4),
        step("decideForHer", "carer", author="laboratory"),
        (*_NAMED, *_SUMMARY),
        is_view=True,
    ),
    Operation(
        "decide/emergency",
        "Decide on one record and a broken glass",
        Touches(reads=7),
        step("decideThroughGlass", "medic", author="laboratory"),
        (*_BROKEN, *_SUMMARY),
        is_view=True,
    ),
    Operation(
        "signaturesOf",
        "Look up who signed a record",
        Touches(reads=2),
        step("lookAtSignatures", "patient", author="laboratory"),
        _SUMMARY,
        is_view=True,
    ),
    *(
        Operation(name, title, Touches(reads=1), step("lookCare", "patient", function=name), is_view=True)
        for name, title in (
            ("delegationOf", "Look up a delegation"),
            ("breakGlassOf", "Look up a clinician's openings over a patient"),
            ("reviewOf", "Look up the review of an opening"),
            ("breakGlassTallyOf", "Look up how often an organization broke the glass"),
            ("questionOf", "Look up a question"),
            ("cosignatureOf", "Look up a second signature"),
            ("isTurnedDownInBatch", "Look up whether a record of a batch was turned down"),
        )
    ),
)

CARE = (*DELEGATIONS, *QUESTIONS, *COSIGNATURES, *EMERGENCIES, *CARE_VIEWS)

ENDED = (
    Operation(
        "reviewBreakGlass",
        "Review an opening that has ended",
        Touches(reads=2, created=1, changed=2, events=("BreakGlassReviewed",)),
        step("reviewBreakGlass", "authority", of="medic"),
        (
            step("admit", "consortium", who="authority", roles=Role.AUDITOR),
            *_BROKEN,
            step("wait", "", seconds=3_600),
        ),
    ),
)
"""Measured last: time passes."""
