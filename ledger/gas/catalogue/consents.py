"""Operations on consents and denials."""

from ledger.gas.operation import Operation, Touches
from ledger.gas.stage import step

_TEN = tuple(f"patient {number}" for number in range(10))

CONSENTS = (
    Operation(
        "grant",
        "Grant a consent",
        Touches(reads=1, created=1, events=("ConsentGranted",)),
        step("grant", "patient", to="somebody"),
    ),
    Operation(
        "grantSigned",
        "Grant a consent by signature, relayed",
        Touches(reads=1, created=1, events=("ConsentGranted",), signatures=1),
        step("grantSigned", "hospital", to="somebody"),
    ),
    Operation(
        "grantManySigned",
        "Grant ten patients' consents by signature, relayed together",
        Touches(reads=10, created=10, events=("ConsentGranted",) * 10, signatures=10),
        step("grantManySigned", "hospital", patients=_TEN, to="somebody", gas_limit=1_000_000),
        tuple(step("register", "hospital", who=name) for name in _TEN),
        per=10,
    ),
    Operation(
        "withdraw",
        "Withdraw a consent",
        Touches(reads=1, changed=1, events=("ConsentWithdrawn",)),
        step("withdraw", "patient", to="somebody"),
        (step("grant", "patient", to="somebody"),),
    ),
    Operation(
        "withdraw/anchored",
        "Withdraw a consent that was anchored with others",
        Touches(reads=1, created=1, events=("ConsentWithdrawn",)),
        step("withdraw", "patient", to="somebody"),
    ),
    Operation(
        "withdrawSigned",
        "Withdraw a consent by signature, relayed",
        Touches(reads=1, changed=1, events=("ConsentWithdrawn",), signatures=1),
        step("withdrawSigned", "hospital", to="somebody"),
        (step("grant", "patient", to="somebody"),),
    ),
    Operation(
        "setDenial",
        "Deny somebody everything",
        Touches(reads=1, created=1, events=("AccessDenied",)),
        step("setDenial", "patient", to="somebody"),
    ),
    Operation(
        "setDenial/lift",
        "Lift a denial",
        Touches(reads=1, changed=1, events=("DenialLifted",)),
        step("setDenial", "patient", to="somebody", denied=False),
        (step("setDenial", "patient", to="somebody"),),
    ),
    Operation(
        "setDenial/again",
        "Deny somebody once more whose denial was lifted",
        Touches(reads=1, created=2, changed=1, events=("AccessDenied",)),
        step("setDenial", "patient", to="somebody"),
        (step("setDenial", "patient", to="somebody"), step("setDenial", "patient", to="somebody", denied=False)),
    ),
    Operation(
        "setDenialSigned",
        "Deny by signature, relayed",
        Touches(reads=1, created=1, events=("AccessDenied",), signatures=1),
        step("setDenialSigned", "hospital", to="somebody"),
    ),
    Operation(
        "anchorConsents",
        "Anchor a campaign's 1,400 signed consents",
        Touches(reads=1, created=1, events=("ConsentsAnchored",)),
        step("anchorConsents", "hospital"),
        per=1_400,
    ),
)
