"""The acts that a step can name: each builds its act from the stage, and leaves there what later steps need.

    >>> VERBS["anchor"](stage, stage.who("laboratory"))
    Act(kind='anchor', ...)

A new act is a function here and its name in `VERBS`; a test fails while the contract has a function that none plays.
"""

from dataclasses import replace

from eth_utils.crypto import keccak

from ledger.acts import Act, SignedGrant
from ledger.codes import ORDINARY, Category, Purpose, Role
from ledger.eip712 import denial_data, grant_data, sign, withdrawal_data
from ledger.gas import verbs_care, verbs_prescriptions, verbs_reading
from ledger.gas.people import Person, random_bytes
from ledger.gas.stage import DAY, Stage, Verb, subject
from ledger.types import (
    ConsentTerms,
    record_leaf,
    scope_number,
)

DEADLINE = 3_600
"""Seconds after the epoch's first 90 days until which signatures hold: far off, so that no run outlives them."""


def terms(stage: Stage, *, may_write: bool) -> ConsentTerms:
    """What patients grant here: everything ordinary, to be treated, for a year."""
    return ConsentTerms(ORDINARY, Purpose.TREAT.bit, stage.epoch - DAY, stage.epoch + 365 * DAY, may_write)


# --- participants


def admit(stage: Stage, by: Person, *, who: str, roles: Role) -> Act:
    return stage.acts.admit(stage.address(who), roles)


def register(stage: Stage, by: Person, *, who: str = "patient", roles: Role = Role.PATIENT) -> Act:
    return stage.acts.register(stage.address(who), roles)


def register_with_key_card(stage: Stage, by: Person, *, who: str = "patient") -> Act:
    return stage.acts.register_with_key_card(stage.address(who), Role.PATIENT, stage.random())


def set_roles(stage: Stage, by: Person, *, who: str, roles: Role) -> Act:
    return stage.acts.set_roles(stage.address(who), roles)


def set_suspension(stage: Stage, by: Person, *, who: str, suspended: bool) -> Act:
    return stage.acts.set_suspension(stage.address(who), suspended)


def publish_key_card(stage: Stage, by: Person) -> Act:
    return stage.acts.publish_key_card(stage.random())


def set_preferences(stage: Stage, by: Person) -> Act:
    return stage.acts.set_preferences(emergency=ORDINARY, barred_authors=Category.MENTAL_HEALTH)


def link(stage: Stage, by: Person, *, who: str = "patient") -> Act:
    return stage.acts.link(stage.random(), stage.address(who))


def open_team(stage: Stage, by: Person) -> Act:
    return stage.acts.open_team(int.from_bytes(stage.random()[:12], "big"))


def set_membership(stage: Stage, by: Person, *, team: str, who: str, joined: bool = True) -> Act:
    return stage.acts.set_membership(stage.address(team), stage.address(who), joined)


# --- consents


def grant(stage: Stage, by: Person, *, to: str, may_write: bool = False, number: int = 0) -> Act:
    return stage.acts.grant(stage.address(to), scope_number(number), terms(stage, may_write=may_write), stage.random())


def signed_grant(stage: Stage, patient: Person, to: str) -> SignedGrant:
    """A consent as its patient signs it."""
    document, granted, deadline = stage.random(), terms(stage, may_write=False), stage.epoch + 90 * DAY + DEADLINE
    grantee, scope = stage.address(to), scope_number(0)
    data = grant_data(
        stage.domain,
        grantee=grantee,
        scope=scope,
        terms=granted,
        document=document,
        deadline=deadline,
    )
    return SignedGrant(patient.address, grantee, scope, granted, document, deadline, *sign(data, patient.key))


def grant_signed(stage: Stage, by: Person, *, to: str, patient: str = "patient") -> Act:
    return stage.acts.grant_signed(signed_grant(stage, stage.who(patient), to))


def grant_many_signed(stage: Stage, by: Person, *, patients: tuple[str, ...], to: str) -> Act:
    return stage.acts.grant_many_signed([signed_grant(stage, stage.who(name), to) for name in patients])


def withdraw(stage: Stage, by: Person, *, to: str, number: int = 0) -> Act:
    return stage.acts.withdraw(stage.address(to), scope_number(number))


def withdraw_signed(stage: Stage, by: Person, *, to: str, patient: str = "patient") -> Act:
    who, grantee, scope = stage.who(patient), stage.address(to), scope_number(0)
    deadline = stage.epoch + 90 * DAY + DEADLINE
    data = withdrawal_data(stage.domain, patient=who.address, grantee=grantee, scope=scope, deadline=deadline)
    return stage.acts.withdraw_signed(who.address, grantee, scope, deadline, *sign(data, who.key))


def set_denial(stage: Stage, by: Person, *, to: str, denied: bool = True) -> Act:
    return stage.acts.set_denial(stage.address(to), denied)


def set_denial_signed(
    stage: Stage, by: Person, *, to: str, denied: bool = True, changes: int = 0, patient: str = "patient"
) -> Act:
    who, grantee = stage.who(patient), stage.address(to)
    deadline = stage.epoch + 90 * DAY + DEADLINE
    data = denial_data(
        stage.domain, patient=who.address, grantee=grantee, denied=denied, changes=changes, deadline=deadline
    )
    return stage.acts.set_denial_signed(who.address, grantee, denied, deadline, *sign(data, who.key))


def anchor_consents(stage: Stage, by: Person, *, count: int = 1_400) -> Act:
    return stage.acts.anchor_consents(stage.random(), count, stage.random())


# --- records


def anchor(stage: Stage, by: Person, *, patient: str = "patient", via_organization: bool = False) -> Act:
    stage.things["record"] = stage.random()
    about = subject(stage, patient, via_organization=via_organization)
    return stage.acts.anchor(stage.things["record"], about)


def anchor_as_member(stage: Stage, by: Person, *, team: str, patient: str = "patient") -> Act:
    stage.things["record"] = stage.random()
    return stage.acts.anchor_as_member(stage.things["record"], subject(stage, patient), stage.address(team))


def propose(stage: Stage, by: Person, *, patient: str = "patient") -> Act:
    stage.things["record"] = stage.random()
    return stage.acts.propose(stage.things["record"], subject(stage, patient))


def answer(stage: Stage, by: Person, *, author: str, accepted: bool = True) -> Act:
    return stage.acts.answer(stage.things["record"], subject(stage, "patient"), stage.address(author), accepted)


def supersede(stage: Stage, by: Person, *, patient: str = "patient") -> Act:
    old, stage.things["record"] = stage.things["record"], stage.random()
    return stage.acts.supersede(old, stage.things["record"], subject(stage, patient))


def retract(stage: Stage, by: Person, *, patient: str = "patient") -> Act:
    return stage.acts.retract(stage.things["record"], subject(stage, patient))


def anchor_batch(stage: Stage, by: Person, *, count: int = 1_000, proposed: bool = False) -> Act:
    """A batch of which the stage knows one record, number 7, with its path: as deep as a tree over `count` is."""
    digest, about = stage.random(), replace(subject(stage, "patient"), proposed=proposed)
    node, path = record_leaf(7, digest, about), []
    for _ in range(max(1, count - 1).bit_length()):
        path.append(random_bytes(stage.seed, node.hex()))
        node = keccak(min(node, path[-1]) + max(node, path[-1]))
    stage.things |= {"root": node, "digest": digest, "about": about, "path": tuple(path)}
    return stage.acts.anchor_batch(node, count, stage.random())


def retract_in_batch(stage: Stage, by: Person, *, index: int = 7) -> Act:
    return stage.acts.retract_in_batch(stage.things["root"], index)


def supersede_in_batch(stage: Stage, by: Person) -> Act:
    things = stage.things
    things["record"] = stage.random()
    return stage.acts.supersede_in_batch(
        things["root"], 7, things["digest"], things["record"], things["about"], things["path"]
    )


def accept_in_batch(stage: Stage, by: Person) -> Act:
    things = stage.things
    return stage.acts.accept_in_batch(things["root"], 7, things["digest"], things["about"], things["path"])


def anchor_checkpoint(stage: Stage, by: Person, *, size: int = 1_000) -> Act:
    return stage.acts.anchor_checkpoint(size, stage.random())


VERBS: dict[str, Verb] = {
    "admit": admit,
    "register": register,
    "registerWithKeyCard": register_with_key_card,
    "setRoles": set_roles,
    "setSuspension": set_suspension,
    "publishKeyCard": publish_key_card,
    "setPreferences": set_preferences,
    "link": link,
    "openTeam": open_team,
    "setMembership": set_membership,
    "grant": grant,
    "grantSigned": grant_signed,
    "grantManySigned": grant_many_signed,
    "withdraw": withdraw,
    "withdrawSigned": withdraw_signed,
    "setDenial": set_denial,
    "setDenialSigned": set_denial_signed,
    "anchorConsents": anchor_consents,
    "anchor": anchor,
    "anchorAsMember": anchor_as_member,
    "propose": propose,
    "answer": answer,
    "supersede": supersede,
    "retract": retract,
    "anchorBatch": anchor_batch,
    "retractInBatch": retract_in_batch,
    "supersedeInBatch": supersede_in_batch,
    "acceptInBatch": accept_in_batch,
    "anchorCheckpoint": anchor_checkpoint,
    **verbs_reading.VERBS,
    **verbs_prescriptions.VERBS,
    **verbs_care.VERBS,
}
"""Every act by the name that steps use: the contract's function."""
