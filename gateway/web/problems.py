"""Every exception that may reach HTTP, and the answer it becomes: one table, problem+json (RFC 9457)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gateway import errors
from ledger import errors as ledger_errors
from ledger.errors import ContractRejected
from offchain_store import errors as store_errors


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    status: int
    slug: str
    """Last part of the problem's type URI."""
    title: str


PROBLEMS: dict[type[Exception], Kind] = {
    errors.NotSignedIn: Kind(401, "not-signed-in", "Sign in first"),
    errors.TooManyAttempts: Kind(429, "too-many-attempts", "Too many attempts"),
    errors.NotPermitted: Kind(403, "not-permitted", "Not permitted"),
    errors.KeyNotHeld: Kind(409, "key-not-held", "Your key is not unlocked here"),
    errors.InvalidInput: Kind(422, "invalid-input", "A value is not what it should be"),
    errors.NotFound: Kind(404, "not-found", "Not found"),
    errors.BodyTooLarge: Kind(413, "body-too-large", "The body is too large"),
    errors.RequestConflict: Kind(422, "idempotency-conflict", "The idempotency key was used for another request"),
    errors.NotReady: Kind(503, "not-ready", "Not ready yet"),
    errors.LineNotAnchored: Kind(409, "line-not-anchored", "No checkpoint on the ledger covers the line yet"),
    errors.LogBroken: Kind(500, "log-broken", "The access log is not the one that was there before"),
    errors.KeystoreUnknown: Kind(404, "keystore-unknown", "No keystore here"),
    errors.KeystoreExists: Kind(409, "keystore-exists", "There is a keystore already"),
    errors.PassphraseWrong: Kind(401, "passphrase-wrong", "The passphrase is another one"),
    errors.PassphraseTooWeak: Kind(422, "passphrase-too-weak", "The passphrase is too weak"),
    errors.KeyCardMissing: Kind(409, "key-card-missing", "A participant has no key card"),
    errors.KeyCardInvalid: Kind(502, "key-card-invalid", "A key card is not what its owner signed"),
    errors.RecordAltered: Kind(502, "record-altered", "The stored bytes are not those that were anchored"),
    errors.RecordMissing: Kind(502, "record-missing", "Anchored, but the store does not have it"),
    errors.RecordNeverAnchored: Kind(404, "record-never-anchored", "No such record was ever anchored"),
    errors.RecordErased: Kind(410, "record-erased", "Erased: nobody can open it here any more"),
    errors.RecordRetained: Kind(409, "record-retained", "It cannot be erased yet"),
    errors.SlipMissing: Kind(409, "slip-missing", "Permitted, but no key slip has been made for you yet"),
    errors.GatewayError: Kind(500, "gateway", "The gateway failed"),
    ledger_errors.AccessDenied: Kind(403, "access-denied", "Access denied"),
    ledger_errors.SignatureMalformed: Kind(422, "signature-malformed", "That is no signature"),
    ledger_errors.IdempotencyConflict: Kind(422, "idempotency-conflict", "The idempotency key was used before"),
    ledger_errors.EntryUnknown: Kind(404, "not-found", "No such act"),
    ledger_errors.NodeWentBack: Kind(503, "node-went-back", "The chain went back; catching up"),
    ledger_errors.NodeError: Kind(503, "node-unavailable", "The Ethereum node does not answer"),
    ContractRejected: Kind(409, "rejected", "The ledger refuses"),
    ledger_errors.LedgerError: Kind(502, "ledger", "The ledger could not be asked"),
    store_errors.StoreError: Kind(502, "store", "The store could not be asked"),
    OverflowError: Kind(422, "invalid-input", "A number is out of range"),
}
"""From the most telling class to the least: an exception becomes the entry of its nearest ancestor."""

_REJECTED_STATUS = {
    **dict.fromkeys(
        (
            "RoleMissing",
            "SuspendedParticipant",
            "SuspendedOrganization",
            "RolesNotConferrable",
            "NotInCharge",
            "WriteNotPermitted",
            "NotThePatient",
            "NotTheBatchAuthor",
            "NotThePrescriber",
            "NeitherPrescriberNorPatient",
            "DispenseNotPermitted",
            "SignatureInvalid",
            "FillKeyInvalid",
            "BreakGlassInvalid",
            "ReviewerInvolved",
            "DelegationMissing",
            "DelegationExceeded",
            "ActsOnHimself",
            "AskingDenied",
            "NotTheAsker",
            "OwnSignature",
        ),
        403,
    ),
    **dict.fromkeys(("NotRegistered", "RecordNotAnchored", "PrescriptionUnknown", "ConsentUnknown"), 404),
    **dict.fromkeys(
        (
            "ConsentTermsInvalid",
            "ConsentPeriodEmpty",
            "GranteeInvalid",
            "SubjectInvalid",
            "PrescriptionTermsInvalid",
            "UnitsOutOfRange",
            "IndexOutOfRange",
            "ProofInvalid",
            "TooMany",
            "TooManyBases",
            "DeadlinePassed",
            "EmergencyReasonInvalid",
            "HoursOutOfRange",
            "ReviewOutcomeInvalid",
            "DelegateInvalid",
            "DelegationInvalid",
            "DelegationOutlived",
            "PowerWithoutAct",
            "AnswerWider",
        ),
        422,
    ),
}
"""The contract's errors by the answer they become; those not named here are conflicts (409)."""


def kind_of(failure: Exception) -> Kind | None:
    """The table's entry for an exception; None: not foreseen."""
    if isinstance(failure, ContractRejected):
        status = _REJECTED_STATUS.get(failure.name, 409)
        return Kind(status, f"rejected/{_kebab(failure.name)}", "The ledger refuses")
    if isinstance(failure, errors.RequestConflict) and failure.at_work:
        return Kind(409, "request-at-work", "The same request is still at work")
    for ancestor in type(failure).__mro__:
        if ancestor in PROBLEMS:
            return PROBLEMS[ancestor]
    return None


def problem(
    request: Request, kind: Kind, detail: str, headers: dict[str, str] | None = None, **extra: Any
) -> JSONResponse:
    """A problem+json answer; `instance` is the request's id, by which it is found in the logs."""
    content = {
        "type": f"urn:consent-ledger:problem:{kind.slug.replace('/', ':')}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": f"urn:uuid:{getattr(request.state, 'request_id', '')}",
        **extra,
    }
    return JSONResponse(content, kind.status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Let the app answer with problems."""
    for failure in PROBLEMS:
        app.add_exception_handler(failure, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_known(request: Request, failure: Exception) -> JSONResponse:
    kind = kind_of(failure)
    assert kind is not None, "handlers are installed for the table's classes alone"
    extra: dict[str, Any] = {}
    headers: dict[str, str] = {}
    match failure:
        case errors.TooManyAttempts():
            headers["Retry-After"] = str(failure.retry_after)
        case errors.NotReady() | ledger_errors.NodeError():
            headers["Retry-After"] = "1"
        case errors.NotSignedIn():
            headers["WWW-Authenticate"] = "Bearer"
        case errors.InvalidInput():
            extra["errors"] = [{"field": failure.field, "problem": failure.problem}]
        case errors.RecordError():
            extra["digest"] = failure.digest.hex()
            if isinstance(failure, errors.RecordRetained):
                extra |= {"reason": failure.reason, "until": failure.until}
        case ledger_errors.AccessDenied():
            extra["reason"] = failure.reason.name.lower()
        case ContractRejected():
            extra["error"] = failure.name
            extra["values"] = {name: _plain(value) for name, value in failure.values.items()}
    return problem(request, kind, str(failure), headers, **extra)


async def _on_invalid(request: Request, failure: Exception) -> JSONResponse:
    assert isinstance(failure, RequestValidationError)
    found = refused_fields(failure.errors())
    kind = Kind(422, "invalid-input", "A value is not what it should be")
    return problem(request, kind, f"{len(found)} value(s) refused; see `errors`", errors=found[:20])


def refused_fields(found: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Where and what, but never what was sent: it may be a name, a passphrase or a finding."""
    return [
        {
            "field": ".".join(str(part) for part in error["loc"][: -1 if error["type"] == "extra_forbidden" else None]),
            "problem": "a field that is not known here" if error["type"] == "extra_forbidden" else error["msg"],
        }
        for error in found
    ]


async def _on_http(request: Request, failure: Exception) -> JSONResponse:
    assert isinstance(failure, HTTPException)
    kind = Kind(failure.status_code, f"http-{failure.status_code}", str(failure.detail))
    if failure.status_code == 413:
        kind = PROBLEMS[errors.BodyTooLarge]
    return problem(request, kind, str(failure.detail), dict(failure.headers or {}))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if isinstance(value, int) and value >= 2**53 else value


def _kebab(name: str) -> str:
    return "".join(("-" if letter.isupper() and i else "") + letter.lower() for i, letter in enumerate(name))
