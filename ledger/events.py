"""The ledger's events as SQL tables: one row an event, never updated.

What is true now follows from the newest rows (`ledger.index` asks for it); so going back in time is deleting the rows
of the blocks that are gone, and an index rebuilt from the chain equals the one that grew with it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table

from ledger.types import ConsentTerms

metadata = MetaData()

Row = tuple[Table, dict[str, Any]]
"""A table and the columns of one row, without those that say where the event stands."""


def _table(name: str, *columns: Column[Any], indexes: tuple[tuple[str, ...], ...] = ()) -> Table:
    """A table of events; every one says where its event stands on the chain."""
    return Table(
        name,
        metadata,
        Column("block_number", BigInteger, primary_key=True, autoincrement=False),
        Column("log_index", Integer, primary_key=True, autoincrement=False),
        Column("transaction_hash", LargeBinary(32), nullable=False),
        *columns,
        *(Index(f"ix_{name}_{'_'.join(index)}", *index, "block_number", "log_index") for index in indexes),
    )


def _address(name: str) -> Column[Any]:
    return Column(name, LargeBinary(20), nullable=False)


def _word(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, LargeBinary(32), nullable=nullable)


registrations = _table(
    "registrations",
    _address("participant"),
    _address("organization"),
    Column("roles", Integer, nullable=False),
    indexes=(("participant",), ("organization",)),
)
role_changes = _table(
    "role_changes", _address("participant"), Column("roles", Integer, nullable=False), indexes=(("participant",),)
)
suspensions = _table(
    "suspensions",
    _address("participant"),
    Column("suspended", Boolean, nullable=False),
    indexes=(("participant",),),
)
key_cards = _table("key_cards", _address("participant"), _word("key_card"), indexes=(("participant",),))
preferences = _table(
    "preferences",
    _address("patient"),
    Column("emergency", Integer, nullable=False),
    Column("barred_authors", Integer, nullable=False),
    indexes=(("patient",),),
)
identifiers = _table(
    "identifiers", _word("identifier"), _address("participant"), indexes=(("identifier",), ("participant",))
)
teams = _table(
    "teams",
    _address("team"),
    _address("organization"),
    Column("number", String(32), nullable=False),
    indexes=(("team",), ("organization",)),
)
memberships = _table(
    "memberships",
    _address("team"),
    _address("member"),
    Column("joined", Boolean, nullable=False),
    indexes=(("team", "member"), ("member", "team")),
)
consents = _table(
    "consents",
    _word("consent_id"),
    _address("patient"),
    _address("grantee"),
    _word("scope"),
    Column("categories", Integer, nullable=False),
    Column("purposes", Integer, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expiry", BigInteger, nullable=False),
    Column("may_write", Boolean, nullable=False),
    _word("document"),
    indexes=(("consent_id",), ("patient", "grantee"), ("grantee", "patient")),
)
withdrawals = _table(
    "withdrawals",
    _word("consent_id"),
    _address("patient"),
    _address("grantee"),
    _word("scope"),
    indexes=(("consent_id",), ("patient",)),
)
denials = _table(
    "denials",
    _address("patient"),
    _address("grantee"),
    Column("denied", Boolean, nullable=False),
    indexes=(("patient", "grantee"), ("grantee",)),
)
records = _table(
    "records",
    _word("digest"),
    _address("patient"),
    _address("author"),
    Column("categories", Integer, nullable=False),
    Column("proposed", Boolean, nullable=False),
    indexes=(("digest",), ("patient",), ("author",)),
)
record_changes = _table(
    "record_changes",
    _word("digest"),
    Column("change", String(16), nullable=False),
    _word("successor", nullable=True),
    indexes=(("digest",), ("successor",)),
)
"""`change`: accepted, turned-down, superseded (by `successor`), retracted."""
batches = _table(
    "batches",
    _word("root"),
    _address("author"),
    Column("count", BigInteger, nullable=False),
    _word("manifest"),
    Column("kind", String(8), nullable=False),
    indexes=(("root",), ("author",)),
)
"""`kind`: records or consents."""
batch_changes = _table(
    "batch_changes",
    _word("root"),
    Column("position", BigInteger, nullable=False),
    Column("change", String(16), nullable=False),
    _word("successor", nullable=True),
    indexes=(("root", "position"),),
)
"""`change` of the record at `position`: accepted, superseded (by `successor`), retracted."""
prescriptions = _table(
    "prescriptions",
    _word("prescription"),
    _address("patient"),
    Column("categories", Integer, nullable=False),
    _address("prescriber"),
    _word("terms_hash"),
    indexes=(("prescription",), ("patient",), ("prescriber",)),
)
prescription_changes = _table(
    "prescription_changes",
    _word("prescription"),
    _address("by"),
    Column("change", String(16), nullable=False),
    _word("state"),
    _word("record", nullable=True),
    indexes=(("prescription",), ("by",), ("record",)),
)
"""`change`: claimed, dispensed (`record`: digest of the MedicationDispense), released, undone, changed; `state`: the
prescription's storage word after it."""
checkpoints = _table(
    "checkpoints",
    _address("operator"),
    Column("size", BigInteger, nullable=False),
    _word("root"),
    indexes=(("operator",),),
)

Params = Mapping[str, Any]


def _raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def _registered(params: Params) -> Row:
    participant = params.get("participant", params["organization"])
    return registrations, {
        "participant": _raw(participant),
        "organization": _raw(params["organization"]),
        "roles": params["roles"],
    }


def _suspended(suspended: bool) -> Callable[[Params], Row]:
    return lambda params: (suspensions, {"participant": _raw(params["participant"]), "suspended": suspended})


def _membership(joined: bool) -> Callable[[Params], Row]:
    return lambda params: (
        memberships,
        {"team": _raw(params["team"]), "member": _raw(params["member"]), "joined": joined},
    )


def _pair(params: Params) -> dict[str, Any]:
    return {"patient": _raw(params["patient"]), "grantee": _raw(params["grantee"])}


def _consent_key(params: Params) -> dict[str, Any]:
    pair = _pair(params)
    # `ledger.types.consent_id`, without the ABI encoder's checks.
    words = pair["patient"].rjust(32, b"\0") + pair["grantee"].rjust(32, b"\0") + params["scope"]
    return {**pair, "scope": params["scope"], "consent_id": keccak(words)}


def _granted(params: Params) -> Row:
    terms = ConsentTerms.unpack(params["terms"])
    return consents, {
        **_consent_key(params),
        "categories": int(terms.categories),
        "purposes": terms.purposes,
        "not_before": terms.not_before,
        "expiry": terms.expiry,
        "may_write": terms.may_write,
        "document": params["document"],
    }


def _denial(denied: bool) -> Callable[[Params], Row]:
    return lambda params: (denials, {**_pair(params), "denied": denied})


def _record(proposed: bool) -> Callable[[Params], Row]:
    def row(params: Params) -> Row:
        authorship = params["authorship"]
        return records, {
            "digest": params["digest"],
            "patient": _raw(params["patient"]),
            "author": (authorship & (2**160 - 1)).to_bytes(20, "big"),
            "categories": authorship >> 160,
            "proposed": proposed,
        }

    return row


def _record_change(change: str) -> Callable[[Params], Row]:
    return lambda params: (record_changes, {"digest": params["digest"], "change": change, "successor": None})


def _batch(kind: str) -> Callable[[Params], Row]:
    return lambda params: (
        batches,
        {
            "root": params["root"],
            "author": _raw(params["author"]),
            "count": params["count"],
            "manifest": params["manifest"],
            "kind": kind,
        },
    )


def _batch_change(change: str) -> Callable[[Params], Row]:
    return lambda params: (
        batch_changes,
        {
            "root": params["root"],
            "position": params["index"],
            "change": change,
            "successor": params.get("digest"),
        },
    )


def _issued(params: Params) -> Row:
    subject = params["subject"].to_bytes(32, "big")
    return prescriptions, {
        "prescription": params["id"],
        "patient": subject[12:],
        "categories": int.from_bytes(subject[10:12], "big"),
        "prescriber": _raw(params["prescriber"]),
        "terms_hash": params["termsHash"],
    }


def _prescription_change(change: str) -> Callable[[Params], Row]:
    return lambda params: (
        prescription_changes,
        {
            "prescription": params["id"],
            "by": _raw(params.get("pharmacist") or params["by"]),
            "change": change,
            "state": params["state"].to_bytes(32, "big"),
            "record": params.get("record"),
        },
    )


ROWS: Mapping[str, Callable[[Params], Row]] = {
    "OrganizationAdmitted": _registered,
    "ParticipantRegistered": _registered,
    "RolesChanged": lambda p: (role_changes, {"participant": _raw(p["participant"]), "roles": p["roles"]}),
    "ParticipantSuspended": _suspended(True),
    "ParticipantReinstated": _suspended(False),
    "KeyCardPublished": lambda p: (key_cards, {"participant": _raw(p["participant"]), "key_card": p["keyCard"]}),
    "PreferencesSet": lambda p: (
        preferences,
        {"patient": _raw(p["patient"]), "emergency": p["emergency"], "barred_authors": p["barredAuthors"]},
    ),
    "IdentifierLinked": lambda p: (
        identifiers,
        {"identifier": p["identifier"], "participant": _raw(p["participant"])},
    ),
    "TeamOpened": lambda p: (
        teams,
        {"team": _raw(p["team"]), "organization": _raw(p["organization"]), "number": str(p["number"])},
    ),
    "TeamJoined": _membership(True),
    "TeamLeft": _membership(False),
    "ConsentGranted": _granted,
    "ConsentWithdrawn": lambda p: (withdrawals, _consent_key(p)),
    "AccessDenied": _denial(True),
    "DenialLifted": _denial(False),
    "ConsentsAnchored": _batch("consents"),
    "RecordAnchored": _record(False),
    "RecordProposed": _record(True),
    "RecordAccepted": _record_change("accepted"),
    "RecordTurnedDown": _record_change("turned-down"),
    "RecordRetracted": _record_change("retracted"),
    "RecordSuperseded": lambda p: (
        record_changes,
        {"digest": p["superseded"], "change": "superseded", "successor": p["digest"]},
    ),
    "BatchAnchored": _batch("records"),
    "BatchRecordRetracted": _batch_change("retracted"),
    "BatchRecordSuperseded": _batch_change("superseded"),
    "BatchRecordAccepted": _batch_change("accepted"),
    "PrescriptionIssued": _issued,
    "PrescriptionClaimed": _prescription_change("claimed"),
    "PrescriptionDispensed": _prescription_change("dispensed"),
    "PrescriptionReleased": _prescription_change("released"),
    "DispenseUndone": _prescription_change("undone"),
    "PrescriptionChanged": _prescription_change("changed"),
    "CheckpointAnchored": lambda p: (
        checkpoints,
        {"operator": _raw(p["operator"]), "size": p["size"], "root": p["root"]},
    ),
}
"""For each event of the contract, the row that it becomes."""
