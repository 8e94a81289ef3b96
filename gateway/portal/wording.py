"""The ledger's codes in plain words: categories, purposes, reasons, and what has happened, marked for translation."""

from collections.abc import Mapping

from gateway.log.accesslog import Attempt
from gateway.notices.notify import Notice
from gateway.portal.language import Language, mark
from ledger.codes import Category, Purpose, Reason, RecordState, Role, purposes_in
from ledger.types import Address

CATEGORIES: Mapping[Category, str] = {
    Category.MEDICATION: mark("medication"),
    Category.LABORATORY: mark("laboratory results"),
    Category.IMAGING: mark("X-rays and other pictures"),
    Category.VITAL_SIGNS: mark("measurements and symptoms"),
    Category.ENCOUNTER: mark("notes of visits"),
    Category.CARE_PLAN: mark("care plans"),
    Category.PROBLEMS: mark("allergies and illnesses"),
    Category.MENTAL_HEALTH: mark("mental health records"),
    Category.SEXUAL_HEALTH: mark("sexual health records"),
    Category.GENETICS: mark("genetic test results"),
    Category.JOURNAL: mark("journal"),
    Category.ADVANCE_DIRECTIVE: mark("advance directives"),
    Category.COVERAGE: mark("insurance papers"),
    Category.CONSENT_DOCUMENT: mark("consent documents"),
    Category.RESEARCH: mark("research records"),
    Category.OTHER: mark("other records"),
}
PURPOSES: Mapping[Purpose, str] = {
    Purpose.TREAT: mark("to treat"),
    Purpose.ETREAT: mark("to treat in an emergency"),
    Purpose.CAREMGT: mark("to organize care"),
    Purpose.HPAYMT: mark("to settle payment"),
    Purpose.COVERAGE: mark("to check insurance cover"),
    Purpose.HOPERAT: mark("to run the organization"),
    Purpose.HRESCH: mark("for research"),
    Purpose.CLINTRCH: mark("for a clinical trial"),
    Purpose.PUBHLTH: mark("for public health"),
    Purpose.PATRQT: mark("at the patient’s request"),
    Purpose.FAMRQT: mark("at the family’s request"),
    Purpose.PWATRNY: mark("under a power of attorney"),
    Purpose.BTG: mark("by breaking the glass"),
}
PURPOSES_TO_HER: Mapping[Purpose, str] = {
    Purpose.TREAT: mark("to treat you"),
    Purpose.ETREAT: mark("to treat you in an emergency"),
    Purpose.CAREMGT: mark("to organize your care"),
    Purpose.HPAYMT: mark("to settle payment"),
    Purpose.COVERAGE: mark("to check your insurance"),
    Purpose.HOPERAT: mark("to run their organization"),
    Purpose.HRESCH: mark("for research"),
    Purpose.CLINTRCH: mark("for a clinical trial"),
    Purpose.PUBHLTH: mark("for public health"),
    Purpose.PATRQT: mark("because you ask them to"),
    Purpose.FAMRQT: mark("because your family asks them to"),
    Purpose.PWATRNY: mark("under a power of attorney"),
    Purpose.BTG: mark("by breaking the glass"),
}
"""A purpose as it is said to the patient."""
REASONS: Mapping[Reason, str] = {
    Reason.NO_BASIS: mark("there is no consent"),
    Reason.PURPOSE_NOT_COVERED: mark("the consent is for another purpose"),
    Reason.CATEGORY_NOT_COVERED: mark("the consent does not cover this kind of record"),
    Reason.CONSENT_NOT_YET_LIVE: mark("the consent has not begun"),
    Reason.CONSENT_EXPIRED: mark("the consent has ended"),
    Reason.CONSENT_WITHDRAWN: mark("the consent was withdrawn"),
    Reason.PRESENTATION_INVALID: mark("the code shown is not valid"),
    Reason.DELEGATION_OVER: mark("what was delegated has ended"),
    Reason.BREAK_GLASS_OVER: mark("the emergency access has ended"),
    Reason.NOT_YET_ACCEPTED: mark("the patient has not accepted this record yet"),
    Reason.PURPOSE_UNKNOWN: mark("the purpose is not known"),
    Reason.DENIED_BY_PATIENT: mark("the patient does not allow it"),
    Reason.RECORD_NOT_ANCHORED: mark("there is no such record"),
    Reason.AUDITORS_READ_NO_RECORDS: mark("auditors read no records"),
    Reason.ORGANIZATION_SUSPENDED: mark("the organization is suspended"),
    Reason.READER_SUSPENDED: mark("the reader is suspended"),
    Reason.READER_NOT_REGISTERED: mark("the reader is not registered"),
    Reason.PERMITTED: mark("permitted"),
}
STATES: Mapping[RecordState, str] = {
    RecordState.NONE: mark("not on the ledger any more"),
    RecordState.PROPOSED: mark("waiting for your answer"),
    RecordState.ANCHORED: mark("current"),
    RecordState.SUPERSEDED: mark("corrected since"),
    RecordState.RETRACTED: mark("entered in error"),
    RecordState.TURNED_DOWN: mark("turned down"),
    RecordState.TAKEN_BACK: mark("taken back by its author"),
}
ROLES: Mapping[Role, str] = {
    Role.PATIENT: mark("patient"),
    Role.PRACTITIONER: mark("practitioner"),
    Role.PRESCRIBER: mark("prescriber"),
    Role.LABORATORY: mark("laboratory"),
    Role.PHARMACIST: mark("pharmacist"),
    Role.EMERGENCY: mark("emergency staff"),
    Role.RESEARCHER: mark("researcher"),
    Role.PAYER: mark("insurer"),
    Role.AUDITOR: mark("auditor"),
    Role.CUSTODIAN: mark("custodian"),
    Role.TEAM: mark("team"),
    Role.ORGANIZATION: mark("organization"),
    Role.CONSORTIUM: mark("consortium"),
}
_YOU_OPENED_YOURS = mark("You opened your record, {when}.")
_YOU_OPENED = mark("You opened a record {purpose}, {when}.")
NOTICES: Mapping[str, str] = {
    "record-anchored": mark("{who} wrote a record about you."),
    "record-proposed": mark("{who} proposes a record for you: accept it, or turn it down."),
    "record-accepted": mark("{who} accepted a record that you proposed."),
    "record-turned-down": mark("{who} turned down a record that you proposed."),
    "record-superseded": mark("{who} corrected a record about you."),
    "record-retracted": mark("{who} declared a record about you entered in error."),
    "batch-anchored": mark("{who} sent you new results."),
    "consent-granted": mark("{who} lets you read."),
    "consent-withdrawn": mark("{who} has withdrawn a consent."),
    "question-asked": mark("{who} asks to read your records: answer if you like."),
    "question-granted": mark("{who} has granted what you asked for, or a part of it."),
    "question-declined": mark("{who} said no to what you asked."),
    "question-taken-back": mark("{who} no longer asks you for access."),
    "signature-awaited": mark("{who} asks for your signature under a record."),
    "record-cosigned": mark("{who} has signed a record of yours: it has two signatures."),
    "delegate-named": mark("{who} lets you act in their name."),
    "consent-ending": mark("Your consent to {who} ends soon, unless you give it again."),
    "delegation-ending": mark("{who} may soon act for you no more, unless you say so again."),
    "prescription-issued": mark("{who} has written you a prescription."),
    "prescription-claimed": mark("{who} has reserved a prescription."),
    "prescription-dispensed": mark("{who} has dispensed a prescription."),
    "prescription-released": mark("{who} has given a reserved prescription back."),
    "prescription-undone": mark("{who} has undone a dispense."),
    "prescription-changed": mark("{who} has changed a prescription."),
}
"""What a notice says. It says nothing of what a record holds: a screen may be seen by others."""


def categories(language: Language, mask: Category) -> str:
    """The kinds of a mask in one phrase."""
    return language.listed([language.say(CATEGORIES[one]) for one in mask])


def purposes(language: Language, mask: int) -> str:
    """The purposes of a mask in one phrase."""
    return language.listed([language.say(PURPOSES[one]) for one in purposes_in(mask)])


def roles(language: Language, mask: Role) -> str:
    """The roles of a mask in one phrase."""
    return language.listed([language.say(ROLES[one]) for one in mask])


def notice(language: Language, one: Notice, names: Mapping[Address, str]) -> str:
    """A notice as a sentence; a kind that `NOTICES` does not have in its own words, which the catalogues have.

    Args:
        names: of all its people.
    """
    known = NOTICES.get(one.kind)
    if known:
        return language.say(known, who=names[one.who])
    people = {"who": names[one.who], "other": names[one.other] if one.other else ""}
    if one.told:
        return " ".join(language.told(told, **people) for told in one.told)
    return language.say(one.text, **people)


def attempt(language: Language, one: Attempt, *, viewer: Address, who: str) -> str:
    """A line of the access log as a sentence."""
    words = PURPOSES_TO_HER if one.patient == viewer else PURPOSES
    said = {
        "who": who,
        "purpose": language.say(words[one.purpose]),
        "when": language.moment(one.at),
        "reason": language.say(REASONS[one.reason]),
    }
    hers, own = one.patient == viewer, one.reader == viewer
    if one.permitted and own:
        return language.say(_YOU_OPENED_YOURS if hers else _YOU_OPENED, **said)
    if one.permitted:
        return language.say("{who} opened your record {purpose}, {when}.", **said)
    if own:
        return language.say("You were refused a record {purpose}, {when}: {reason}.", **said)
    return language.say("{who} was refused your record {purpose}, {when}: {reason}.", **said)
