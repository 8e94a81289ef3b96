"""Operations on prescriptions."""

from ledger.gas.operation import Operation, Touches
from ledger.gas.stage import DAY, step

_ISSUED = (step("issue", "practice"),)
_GRANTABLE = (step("issue", "practice", grantable=True),)
_DISPENSED_GRANTED = (step("issue", "practice", grantable=True, fills=2), step("dispenseGranted", "pharmacy"))
_DISPENSED_PRESENTED = (step("issue", "practice", fills=2), step("dispensePresented", "pharmacy"))
_RESERVED = (*_ISSUED, step("reservePresented", "pharmacy"))

PRESCRIPTIONS = (
    Operation(
        "issue",
        "Issue a prescription: the prescriber's own organization account",
        Touches(reads=2, created=1, events=("PrescriptionIssued",)),
        step("issue", "practice"),
    ),
    Operation(
        "issue/member",
        "Issue a prescription: a member of an organization",
        Touches(reads=4, created=1, events=("PrescriptionIssued",)),
        step("issue", "doctor"),
    ),
    Operation(
        "dispenseGranted",
        "Claim and dispense on a granted consent",
        Touches(reads=2, changed=1, events=("PrescriptionDispensed",)),
        step("dispenseGranted", "pharmacy"),
        _GRANTABLE,
    ),
    Operation(
        "dispenseGranted/member",
        "Claim and dispense on a granted consent: a pharmacist",
        Touches(reads=4, changed=1, events=("PrescriptionDispensed",)),
        step("dispenseGranted", "pharmacist"),
        _GRANTABLE,
    ),
    Operation(
        "dispenseGranted/refill",
        "Claim and dispense the second fill on a granted consent",
        Touches(reads=2, changed=1, events=("PrescriptionDispensed",)),
        step("dispenseGranted", "pharmacy"),
        _DISPENSED_GRANTED,
    ),
    Operation(
        "dispensePresented",
        "Claim and dispense on a presented fill key",
        Touches(reads=2, changed=1, events=("PrescriptionDispensed",), signatures=1),
        step("dispensePresented", "pharmacy"),
        _ISSUED,
    ),
    Operation(
        "dispensePresented/refill",
        "Claim and dispense the second fill on a presented fill key",
        Touches(reads=2, changed=1, events=("PrescriptionDispensed",), signatures=1),
        step("dispensePresented", "pharmacy"),
        _DISPENSED_PRESENTED,
    ),
    Operation(
        "dispensePresented/anchored",
        "Claim, dispense and anchor the dispense record",
        Touches(reads=2, created=1, changed=1, events=("PrescriptionDispensed", "RecordAnchored"), signatures=1),
        step("dispensePresented", "pharmacy", anchored=True),
        _ISSUED,
    ),
    Operation(
        "reservePresented",
        "Reserve a fill on a presented fill key",
        Touches(reads=2, created=1, changed=1, events=("PrescriptionClaimed",), signatures=1),
        step("reservePresented", "pharmacy"),
        _ISSUED,
    ),
    Operation(
        "reserveGranted",
        "Reserve a fill on a granted consent",
        Touches(reads=2, created=1, changed=1, events=("PrescriptionClaimed",)),
        step("reserveGranted", "pharmacy"),
        _GRANTABLE,
    ),
    Operation(
        "dispenseReserved",
        "Dispense a reserved fill",
        Touches(reads=2, changed=1, events=("PrescriptionDispensed",)),
        step("dispenseReserved", "pharmacy"),
        _RESERVED,
    ),
    Operation(
        "release",
        "Release a reserved fill",
        Touches(reads=2, changed=1, events=("PrescriptionReleased",)),
        step("release", "pharmacy"),
        _RESERVED,
    ),
    Operation(
        "cancel",
        "Cancel a prescription",
        Touches(reads=1, changed=1, events=("PrescriptionChanged",)),
        step("cancel", "practice"),
        _ISSUED,
    ),
    Operation(
        "void",
        "Void a prescription issued in error",
        Touches(reads=1, changed=1, events=("PrescriptionChanged",)),
        step("void", "practice"),
        _ISSUED,
    ),
    Operation(
        "setPause",
        "Pause a prescription",
        Touches(reads=1, changed=1, events=("PrescriptionChanged",)),
        step("setPause", "practice", paused=True),
        _ISSUED,
    ),
    Operation(
        "undo",
        "Undo a dispense that was not collected",
        Touches(reads=1, changed=1, events=("DispenseUndone",)),
        step("undo", "pharmacy"),
        (*_ISSUED, step("dispensePresented", "pharmacy")),
    ),
)

LAPSED = (
    Operation(
        "settle",
        "Complete a cancellation after a lease has lapsed",
        Touches(changed=1, events=("PrescriptionChanged",)),
        step("settle", "patient"),
        (*_RESERVED, step("cancel", "practice"), step("wait", "", seconds=DAY + 1)),
    ),
)
