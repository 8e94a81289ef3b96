"""Every failure as a sentence that says what is wrong and what to do; nothing of what was sent is repeated."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway import errors
from gateway.notices.told import Told
from gateway.portal.language import mark
from gateway.portal.wording import REASONS
from gateway.prescriptions.refusals import ClaimRefused
from gateway.web.problems import kind_of
from ledger.errors import AccessDenied, ContractRejected

if TYPE_CHECKING:
    from gateway.portal.view import View

SENTENCES: Mapping[str, str] = {
    "not-signed-in": mark("Please sign in: the address or the passphrase is another one, or your session has ended."),
    "too-many-attempts": mark("There were too many attempts. Wait a minute, then try again."),
    "not-permitted": mark("This page is not for you. If you think it should be, ask your organization."),
    "key-not-held": mark("Your key is not unlocked here. Sign in with your passphrase to do this."),
    "invalid-input": mark("Something that was filled in is not what it should be. Look at it again."),
    "not-found": mark("There is no such thing here, or it is not for you to know of."),
    "body-too-large": mark("That is more than this gateway takes at once. Send less, or a smaller file."),
    "idempotency-conflict": mark("This form was sent before with other answers. Look at it again, then send it."),
    "request-at-work": mark("Your first click is still being worked on. Wait a moment, then look at the page again."),
    "not-ready": mark("The gateway is still catching up with the ledger. Try again in a few seconds."),
    "passphrase-wrong": mark("The passphrase is another one."),
    "passphrase-too-weak": mark("This passphrase is too short to protect anything. Take a longer one."),
    "key-card-missing": mark("Somebody concerned has not signed in yet, so nothing can be sealed for them."),
    "key-card-invalid": mark("The key of somebody concerned cannot be trusted. Ask your organization."),
    "record-altered": mark("What is stored is not what was put on the ledger: it was altered. It is not shown."),
    "record-missing": mark("The record is on the ledger, but the store does not have it. Ask whoever wrote it."),
    "record-never-anchored": mark("No such record was ever put on the ledger."),
    "slip-missing": mark("You may read it, but the patient’s key has not sealed it for you yet. Try again later."),
    "record-erased": mark("This record was erased on the patient’s wish. Nothing of it is left here."),
    "record-retained": mark("This record must be kept for some time yet, so it was not erased."),
    "line-not-anchored": mark("No checkpoint on the ledger counts this line yet. Look again a little later."),
    "log-broken": mark("The access log is not as it was signed. Nothing more is signed until somebody has looked."),
    "keystore-exists": mark("There is a keystore for this person already."),
    "keystore-unknown": mark("There is no keystore for this person here."),
    "signature-malformed": mark("That is no signature."),
    "node-went-back": mark("The ledger went back a step and is catching up. Try again in a few seconds."),
    "node-unavailable": mark(
        "The ledger does not answer. Nothing is lost: what you sent before is kept, and what you typed is still here."
        " Try again in a minute."
    ),
    "store": mark("The store of records does not answer. Try again in a minute."),
    "ledger": mark("The ledger could not be asked. Try again in a minute."),
    "gateway": mark("The gateway could not do this. Try again; if it stays so, ask your organization."),
    "unforeseen": mark("Something went wrong that nobody foresaw. It was noted. Try again in a minute."),
    "foreign-origin": mark("This was sent from another site. Nothing was done."),
    "bad-request": mark("The browser sent something that cannot be understood. Go back and try again."),
    "http-404": mark("There is no such page."),
    "http-405": mark("This page cannot be called like that. Go back and use its buttons."),
}
"""A problem's slug (`gateway.web.problems`) to what people are told."""

_NOT_DELEGATED = mark("You may not do this for them: they have not delegated it to you, or not any more.")
REJECTIONS: Mapping[str, str] = {
    "GranteeInvalid": mark("This person, team or organization cannot be given access."),
    "ConsentPeriodEmpty": mark("It would end before it begins. Choose a later day."),
    "ConsentTermsInvalid": mark("Choose at least one kind of record and one purpose."),
    "ConsentScopeUsed": mark("You have given this consent before."),
    "ConsentUnknown": mark("There is no such consent any more."),
    "ConsentAlreadyWithdrawn": mark("This consent was withdrawn before."),
    "DenialUnchanged": mark("That is so already; nothing was changed."),
    "WriteNotPermitted": mark("The patient has not let you write this kind of record."),
    "RoleMissing": mark("Your role does not allow this."),
    "SuspendedParticipant": mark("One of the people concerned is suspended."),
    "SuspendedOrganization": mark("One of the organizations concerned is suspended."),
    "DelegationMissing": _NOT_DELEGATED,
    "DelegationExceeded": mark(
        "This goes beyond the kinds of records that were delegated to you. Choose fewer kinds, or ask for more leave."
    ),
    "DelegationOutlived": mark("This would last longer than you may act for them. Choose an earlier end."),
    "ActsOnHimself": mark(
        "Who acts for somebody gives nothing to himself, nor to his own organization or team, and takes nothing back"
        " from them."
    ),
    "NotRegistered": mark("One of the people concerned is not registered on this ledger."),
}
"""The contract's errors that people meet."""


def explain(view: "View", failure: Exception) -> str:
    """A failure as a sentence in the reader's language."""
    match failure:
        case AccessDenied():
            return view.say("You may not read this: {reason}.", reason=view.say(REASONS[failure.reason]))
        case ClaimRefused():
            return view.language.told(failure.told)
        case errors.NotDelegated():
            return view.say(_NOT_DELEGATED)
        case errors.InvalidInput(told=Told() as told):
            return sentence_of(view.language.told(told))
        case ContractRejected():
            known = REJECTIONS.get(failure.name)
            return view.say(known) if known else view.say("The ledger refuses this ({rule}).", rule=failure.name)
    kind = kind_of(failure)
    slug = kind.slug if kind else "unforeseen"
    return view.say(SENTENCES.get(slug, SENTENCES["gateway"]))


def explain_kind(view: "View", slug: str) -> str:
    """The sentence of a kind of problem."""
    return view.say(SENTENCES.get(slug, SENTENCES["gateway"]))


def sentence_of(phrase: str) -> str:
    """What is wrong, which programs are told as a phrase, as a sentence for people."""
    said = phrase[:1].upper() + phrase[1:]
    return said if said.endswith((".", "?", "!")) else f"{said}."


def fields_of(failure: Exception) -> str:
    """The field that a failure is about; empty: the whole form."""
    return failure.field if isinstance(failure, errors.InvalidInput) else ""
