"""The ledger's events as SQL tables: one row an event, never updated.

What is true now follows from the newest rows (`ledger.index` asks for it); so going back in time is deleting the rows
of the blocks that are gone, and an index rebuilt from the chain equals the one that grew with it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy import BigInteger, Boolean, Column, Integer, String

from ledger import events_care
from ledger.event_columns import Params, Row, address, metadata, table, word
from ledger.logs import issued_id
from ledger.types import ConsentTerms, Subject, raw

__all__ = ["ROWS", "Row", "metadata"]

registrations = table(
    "registrations",
    address("participant"),
    address("organization"),
    Column("roles", Integer, nullable=False),
    indexes=(("participant",), ("organization",)),
)
role_changes = table(
    "role_changes", address("participant"), Column("roles", Integer, nullable=False), indexes=(("participant",),)
)
suspensions = table(
    "suspensions",
    address("participant"),
    Column("suspended", Boolean, nullable=False),
    indexes=(("participant",),),
)
key_cards = table("key_cards", address("participant"), word("key_card"), indexes=(("participant",),))
preferences = table(
    "preferences",
    address("patient"),
    Column("emergency", Integer, nullable=False),
    Column("over_denials", Boolean, nullable=False),
    Column("barred_authors", Integer, nullable=False),
    indexes=(("patient",),),
)
identifiers = table(
    "identifiers", word("identifier"), address("participant"), indexes=(("identifier",), ("participant",))
)
teams = table(
    "teams",
    address("team"),
    address("organization"),
    Column("number", String(32), nullable=False),
    indexes=(("team",), ("organization",)),
)
memberships = table(
    "memberships",
    address("team"),
    address("member"),
    Column("joined", Boolean, nullable=False),
    indexes=(("team", "member"), ("member", "team")),
)
consents = table(
    "consents",
    word("consent_id"),
    address("patient"),
    address("grantee"),
    word("scope"),
    Column("categories", Integer, nullable=False),
    Column("purposes", Integer, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expiry", BigInteger, nullable=False),
    Column("may_write", Boolean, nullable=False),
    word("document"),
    indexes=(("consent_id",), ("patient", "grantee"), ("grantee", "patient")),
)
withdrawals = table(
    "withdrawals",
    word("consent_id"),
    address("patient"),
    address("grantee"),
    word("scope"),
    indexes=(("consent_id",), ("patient",), ("grantee",)),
)
denials = table(
    "denials",
    address("patient"),
    address("grantee"),
    Column("denied", Boolean, nullable=False),
    indexes=(("patient", "grantee"), ("grantee",)),
)
records = table(
    "records",
    word("digest"),
    address("patient"),
    address("author"),
    Column("categories", Integer, nullable=False),
    Column("proposed", Boolean, nullable=False),
    indexes=(("digest",), ("patient",), ("author",)),
)
record_changes = table(
    "record_changes",
    word("digest"),
    Column("change", String(16), nullable=False),
    word("successor", nullable=True),
    indexes=(("digest",), ("successor",)),
)
"""`change`: accepted, turned-down, superseded (by `successor`), retracted."""
batches = table(
    "batches",
    word("root"),
    address("author"),
    Column("count", BigInteger, nullable=False),
    word("manifest"),
    Column("kind", String(8), nullable=False),
    indexes=(("root",), ("author",)),
)
"""`kind`: records or consents."""
batch_changes = table(
    "batch_changes",
    word("root"),
    Column("position", BigInteger, nullable=False),
    Column("change", String(16), nullable=False),
    word("successor", nullable=True),
    indexes=(("root", "position"),),
)
"""`change` of the record at `position`: accepted, turned-down, superseded (by `successor`), retracted."""
prescriptions = table(
    "prescriptions",
    word("prescription"),
    address("patient"),
    Column("categories", Integer, nullable=False),
    address("prescriber"),
    word("terms_hash"),
    indexes=(("prescription",), ("patient",), ("prescriber",)),
)
prescription_changes = table(
    "prescription_changes",
    word("prescription"),
    address("by"),
    Column("change", String(16), nullable=False),
    word("state"),
    word("record", nullable=True),
    indexes=(("prescription",), ("by",), ("record",)),
)
"""`change`: claimed, dispensed (`record`: digest of the MedicationDispense), released, undone, changed; `state`: the
prescription's storage word after it."""
checkpoints = table(
    "checkpoints",
    address("operator"),
    Column("size", BigInteger, nullable=False),
    word("root"),
    indexes=(("operator",),),
)


def _registered(params: Params) -> Row:
    participant = params.get("participant", params["organization"])
    return registrations, {
        "participant": raw(participant),
        "organization": raw(params["organization"]),
        "roles": params["roles"],
    }


def _suspended(suspended: bool) -> Callable[[Params], Row]:
    return lambda params: (suspensions, {"participant": raw(params["participant"]), "suspended": suspended})


def _membership(joined: bool) -> Callable[[Params], Row]:
    return lambda params: (
        memberships,
        {"team": raw(params["team"]), "member": raw(params["member"]), "joined": joined},
    )


def _pair(params: Params) -> dict[str, Any]:
    return {"patient": raw(params["patient"]), "grantee": raw(params["grantee"])}


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
            "patient": raw(params["patient"]),
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
            "author": raw(params["author"]),
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
    subject = Subject.unpack(params["subject"])
    return prescriptions, {
        "prescription": issued_id(params),
        "patient": raw(subject.patient),
        "categories": int(subject.categories),
        "prescriber": raw(params["prescriber"]),
        "terms_hash": params["termsHash"],
    }


def _prescription_change(change: str) -> Callable[[Params], Row]:
    return lambda params: (
        prescription_changes,
        {
            "prescription": params["id"],
            "by": raw(params.get("pharmacist") or params["by"]),
            "change": change,
            "state": params["state"].to_bytes(32, "big"),
            "record": params.get("record"),
        },
    )


ROWS: Mapping[str, Callable[[Params], Row]] = {
    "OrganizationAdmitted": _registered,
    "ParticipantRegistered": _registered,
    "RolesChanged": lambda p: (role_changes, {"participant": raw(p["participant"]), "roles": p["roles"]}),
    "ParticipantSuspended": _suspended(True),
    "ParticipantReinstated": _suspended(False),
    "KeyCardPublished": lambda p: (key_cards, {"participant": raw(p["participant"]), "key_card": p["keyCard"]}),
    "PreferencesSet": lambda p: (
        preferences,
        {
            "patient": raw(p["patient"]),
            "emergency": p["emergency"],
            "over_denials": bool(p["overDenials"]),
            "barred_authors": p["barredAuthors"],
        },
    ),
    "IdentifierLinked": lambda p: (
        identifiers,
        {"identifier": p["identifier"], "participant": raw(p["participant"])},
    ),
    "TeamOpened": lambda p: (
        teams,
        {"team": raw(p["team"]), "organization": raw(p["organization"]), "number": str(p["number"])},
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
    "BatchRecordTurnedDown": _batch_change("turned-down"),
    "PrescriptionIssued": _issued,
    "PrescriptionClaimed": _prescription_change("claimed"),
    "PrescriptionDispensed": _prescription_change("dispensed"),
    "PrescriptionReleased": _prescription_change("released"),
    "DispenseUndone": _prescription_change("undone"),
    "PrescriptionChanged": _prescription_change("changed"),
    "CheckpointAnchored": lambda p: (
        checkpoints,
        {"operator": raw(p["operator"]), "size": p["size"], "root": p["root"]},
    ),
    **events_care.ROWS,
}
"""For each event of the contract, the row that it becomes."""
