"""Delegations and second signatures by people who keep their keys; and what a thief of messages tries."""

import copy
from time import time
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from gateway.identity.keystore import Identity
from tests.gateway.conftest import Cast
from tests.gateway.served import Person
from tests.gateway.test_delegates import DAY, refused
from tests.gateway.test_questions import asked
from tests.gateway.test_self_custody import holder, keys, prepared, signed  # noqa: F401 - fixtures


def naming(delegate: Person, **more: Any) -> dict[str, Any]:
    return {
        "act": "name_delegate",
        "delegate": delegate.address,
        "powers": ["read", "grant"],
        "categories": ["laboratory"],
        "until": int(time()) + 30 * DAY,
        **more,
    }


@pytest.fixture
def son(cast: Cast) -> Person:
    return cast.served.person(cast.hospital, "patient", name="Jon")


def submit(holder: Person, keys: Identity, act: dict[str, Any]) -> Any:  # noqa: F811
    return holder.post("/v1/acts/submit", json=signed(keys, prepared(holder, act)))


def test_a_delegation_signed_in_a_wallet_is_named_and_ended(
    cast: Cast,
    holder: Person,  # noqa: F811
    keys: Identity,  # noqa: F811
    son: Person,
) -> None:
    named = submit(holder, keys, naming(son))
    assert named.status_code == 200, named.text
    assert named.json()["kind"] == "setDelegationSigned"
    assert [item["patient"] for item in son.get("/v1/delegations?received=true").json()] == [holder.address]
    granted = son.post(
        f"/v1/for/{holder.address}/consents",
        json={
            "grantee": cast.doctor.address,
            "categories": ["laboratory"],
            "purposes": ["TREAT"],
            "expiry": int(time()) + DAY,
        },
    )
    assert granted.status_code == 201, granted.text

    ended = submit(holder, keys, {"act": "end_delegation", "delegate": son.address})

    assert ended.status_code == 200, ended.text
    assert son.get("/v1/delegations?received=true").json() == []


def test_a_signed_delegation_works_once_and_not_after_its_end(
    cast: Cast,
    holder: Person,  # noqa: F811
    keys: Identity,  # noqa: F811
    son: Person,
) -> None:
    body = signed(keys, prepared(holder, naming(son)))
    assert holder.post("/v1/acts/submit", json=body).status_code == 200
    assert submit(holder, keys, {"act": "end_delegation", "delegate": son.address}).status_code == 200

    again = holder.post("/v1/acts/submit", json=body)

    assert refused(again) == (403, "SignatureInvalid"), "it names how often the delegation had changed"
    assert son.get("/v1/delegations?received=true").json() == []


def test_a_delegate_cannot_submit_or_widen_what_she_signed(
    cast: Cast,
    holder: Person,  # noqa: F811
    keys: Identity,  # noqa: F811
    son: Person,
) -> None:
    body = signed(keys, prepared(holder, naming(son)))
    assert refused(son.post("/v1/acts/submit", json=body)) == (403, "not-permitted")
    wider = copy.deepcopy(body)
    wider["typed_data"]["message"]["powers"] = 63
    assert refused(holder.post("/v1/acts/submit", json=wider)) == (403, "not-permitted")
    for field, value in (("powers", 64), ("categories", 1 << 16), ("until", -1), ("changes", True), ("delegate", 5)):
        odd = copy.deepcopy(body)
        odd["typed_data"]["message"][field] = value
        assert refused(holder.post("/v1/acts/submit", json=odd)) == (422, "invalid-input"), field
    elsewhere = copy.deepcopy(body)
    elsewhere["typed_data"]["domain"]["chainId"] = 1
    assert refused(holder.post("/v1/acts/submit", json=elsewhere)) == (422, "invalid-input")
    forged = {**body, "signature": Account.create().sign_message(_encoded(body)).signature.to_0x_hex()}
    assert refused(holder.post("/v1/acts/submit", json=forged)) == (403, "not-permitted")
    assert son.get("/v1/delegations?received=true").json() == []


def _encoded(body: dict[str, Any]) -> Any:
    return encode_typed_data(full_message=body["typed_data"])


def test_a_second_signature_from_a_wallet(
    cast: Cast,
    holder: Person,  # noqa: F811
    keys: Identity,  # noqa: F811
) -> None:
    digest = cast.doctor.deposit(holder.address, b"agreed", "encounter", needs_cosignature="true")["digest"]
    accepted = prepared(holder, {"act": "answer", "digest": digest, "accepted": True}, form="transaction")
    raw = keys.account.sign_transaction(accepted).raw_transaction.to_0x_hex()
    assert holder.post("/v1/acts/submit", json={"transaction": raw}).status_code == 200
    cast.served.gateway.indexer.sync()

    done = submit(holder, keys, {"act": "cosign", "digest": digest})

    assert done.status_code == 200, done.text
    found = holder.get(f"/v1/records/{digest}/signatures").json()
    assert (found["count"], found["cosigner"]) == (2, holder.address)
    again = submit(holder, keys, {"act": "cosign", "digest": digest})
    assert refused(again) == (409, "RecordAlreadyCosigned")
    assert refused(cast.patient.post("/v1/acts/prepare", json={"act": {"act": "cosign", "digest": digest}}))[0] == 404


def test_a_question_is_answered_from_a_wallet(
    cast: Cast,
    holder: Person,  # noqa: F811
    keys: Identity,  # noqa: F811
) -> None:
    first, second = asked(cast.doctor, holder, "imaging", "laboratory"), asked(cast.colleague, holder, "imaging")
    narrower = {"act": "grant_as_asked", "question": first, "categories": ["imaging"]}
    for act in (narrower, {"act": "decline", "question": second}):
        transaction = prepared(holder, act, form="transaction")
        raw = keys.account.sign_transaction(transaction).raw_transaction.to_0x_hex()
        sent = holder.post("/v1/acts/submit", json={"transaction": raw})
        assert sent.status_code == 200, sent.text
    cast.served.gateway.indexer.sync()

    assert holder.get("/v1/questions").json()["items"] == []
    assert holder.get(f"/v1/questions/{first}").json()["state"] == "granted"
    assert holder.get(f"/v1/questions/{second}").json()["state"] == "declined"
    assert holder.get("/v1/consents").json()["items"][0]["categories"] == ["imaging"]
    response = holder.post("/v1/acts/prepare", json={"act": {"act": "decline", "question": second}})
    assert refused(response) == (422, "invalid-input"), "no message, but a transaction"
