"""People who keep their keys: prepare, sign elsewhere, submit; and what a thief of messages tries."""

import base64
import copy
from secrets import token_bytes
from time import sleep, time
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from gateway.batches import posting as batches
from gateway.batches.seal import NewItem, record_key
from gateway.identity.cards import card_of
from gateway.identity.keystore import Identity, identity
from ledger.codes import Category
from offchain_store.envelope import open_envelope
from offchain_store.keys import unwrap_key
from tests.gateway.conftest import Cast
from tests.gateway.served import Person, Served


@pytest.fixture(scope="module")
def keys() -> Identity:
    """What only the holder has."""
    return identity(token_bytes(32), "Holder")


@pytest.fixture(scope="module")
def holder(served: Served, cast: Cast, keys: Identity) -> Person:
    """A patient with a wallet, signed in with it."""
    card = base64.b64encode(card_of(keys).encode()).decode()
    body = {"name": "Holder", "roles": ["patient"], "address": keys.address, "key_card": card}
    response = cast.hospital.post("/v1/participants", json=body)
    assert response.status_code == 201, response.text
    message = served.client().post("/v1/session/challenge", json={"address": keys.address}).json()["message"]
    signature = keys.account.sign_message(encode_defunct(text=message)).signature.to_0x_hex()
    token = served.client().post("/v1/session/wallet", json={"message": message, "signature": signature})
    return Person(keys.address, served.client(token.json()["token"]))


def prepared(holder: Person, act: dict[str, Any], form: str = "signature") -> Any:
    response = holder.post("/v1/acts/prepare", json={"act": act, "form": form})
    assert response.status_code == 200, response.text
    return response.json()["typed_data" if form == "signature" else "transaction"]


def signed(keys: Identity, data: dict[str, Any]) -> dict[str, Any]:
    signature = keys.account.sign_message(encode_typed_data(full_message=data)).signature.to_0x_hex()
    return {"typed_data": data, "signature": signature}


def grant_act(cast: Cast, *categories: str, **more: Any) -> dict[str, Any]:
    return {
        "act": "grant",
        "grantee": cast.doctor.address,
        "categories": list(categories),
        "purposes": ["TREAT"],
        "expiry": int(time()) + 86_400,
        **more,
    }


def test_a_grant_signed_in_a_wallet_works_once(cast: Cast, holder: Person, keys: Identity) -> None:
    body = signed(keys, prepared(holder, grant_act(cast, "journal")))

    first, second = (holder.post("/v1/acts/submit", json=body) for _ in range(2))

    assert first.status_code == 200, first.text
    assert first.json()["state"] in ("mined", "final")
    assert second.status_code == 409
    assert second.json()["error"] == "ConsentScopeUsed"
    assert holder.get(f"/v1/acts/{first.json()['id']}").json()["kind"] == "grantSigned"
    assert cast.stranger.get(f"/v1/acts/{first.json()['id']}").status_code == 404


def test_a_withdrawal_and_a_denial_signed_in_a_wallet_deny(cast: Cast, holder: Person, keys: Identity) -> None:
    submitted = holder.post("/v1/acts/submit", json=signed(keys, prepared(holder, grant_act(cast, "imaging"))))
    assert submitted.status_code == 200, submitted.text
    consent = holder.get("/v1/consents").json()["items"][0]
    assert consent["state"] == "live"

    withdrawal = prepared(holder, {"act": "withdraw", "consent": consent["id"]})
    assert holder.post("/v1/acts/submit", json=signed(keys, withdrawal)).status_code == 200
    assert holder.get(f"/v1/consents/{consent['id']}").json()["state"] == "withdrawn"

    denial = prepared(holder, {"act": "deny", "grantee": cast.stranger.address, "denied": True})
    assert holder.post("/v1/acts/submit", json=signed(keys, denial)).status_code == 200
    replayed = holder.post("/v1/acts/submit", json=signed(keys, denial))
    assert replayed.status_code == 403
    assert replayed.json()["error"] == "SignatureInvalid"
    assert [one["grantee"] for one in holder.get("/v1/denials").json()] == [cast.stranger.address]


def test_after_the_deadline_a_signature_is_void(cast: Cast, holder: Person, keys: Identity) -> None:
    data = prepared(holder, grant_act(cast, "journal", deadline=int(time()) - 10))

    refused = holder.post("/v1/acts/submit", json=signed(keys, data))

    assert refused.status_code == 422
    assert refused.json()["error"] == "DeadlinePassed"


@pytest.mark.parametrize(
    ("where", "field", "value"),
    [
        ("domain", "chainId", 1),
        ("domain", "verifyingContract", "0x" + "11" * 20),
        ("domain", "name", "OtherLedger"),
        ("message", "deadline", 2**40),
        ("message", "categories", 2**16),
        ("message", "categories", -1),
        ("message", "mayWrite", 1),
        ("message", "scope", "0x00"),
        ("message", "grantee", "nobody"),
    ],
)
def test_a_message_for_elsewhere_or_out_of_range_is_refused_by_name(
    cast: Cast, holder: Person, keys: Identity, where: str, field: str, value: Any
) -> None:
    data = copy.deepcopy(prepared(holder, grant_act(cast, "journal")))
    data[where][field] = value
    body = {"typed_data": data, "signature": "0x" + "11" * 64 + "1b"}

    refused = holder.post("/v1/acts/submit", json=body)

    assert refused.status_code == 422
    assert refused.json()["type"].endswith(":invalid-input")


def test_what_was_changed_after_signing_is_refused(cast: Cast, holder: Person, keys: Identity) -> None:
    body = signed(keys, prepared(holder, grant_act(cast, "journal")))
    body["typed_data"]["message"]["categories"] = 0xFFFF

    assert holder.post("/v1/acts/submit", json=body).status_code == 403


def test_somebody_elses_message_is_refused(cast: Cast, holder: Person, keys: Identity) -> None:
    body = signed(keys, prepared(holder, grant_act(cast, "journal")))

    assert cast.patient.post("/v1/acts/submit", json=body).status_code == 403


def test_a_whole_transaction_signed_elsewhere_is_passed_on(cast: Cast, holder: Person, keys: Identity) -> None:
    unsigned = prepared(holder, {"act": "set_preferences", "emergency": ["medication"]}, "transaction")
    raw = keys.account.sign_transaction(unsigned).raw_transaction.to_0x_hex()

    sent = holder.post("/v1/acts/submit", json={"transaction": raw})

    assert sent.status_code == 200, sent.text
    assert sent.json()["kind"] == "setPreferences"
    state = holder.get(f"/v1/acts/{sent.json()['id']}").json()
    assert state["state"] == "mined"
    assert holder.post("/v1/acts/submit", json={"transaction": raw}).status_code == 200
    participant = cast.served.gateway.ledger.participant(keys.address)
    assert participant is not None
    assert participant.emergency.labels() == ["medication"]


@pytest.mark.parametrize("change", [{"chainId": 1}, {"to": "0x" + "11" * 20}, {"value": 1}, {"data": "0x12345678"}])
def test_a_transaction_to_elsewhere_is_refused(holder: Person, keys: Identity, change: dict[str, Any]) -> None:
    unsigned = prepared(holder, {"act": "set_preferences"}, "transaction")
    raw = keys.account.sign_transaction({**unsigned, **change}).raw_transaction.to_0x_hex()

    assert holder.post("/v1/acts/submit", json={"transaction": raw}).status_code == 422


def test_somebody_elses_transaction_and_noise_are_refused(holder: Person, keys: Identity) -> None:
    unsigned = prepared(holder, {"act": "set_preferences"}, "transaction")
    raw = Account.create().sign_transaction(unsigned).raw_transaction.to_0x_hex()

    assert holder.post("/v1/acts/submit", json={"transaction": raw}).status_code == 403
    for noise in ("0x00", "0xc0", "0x02c0", "0x02" + "ff" * 50, "0xf8"):
        assert holder.post("/v1/acts/submit", json={"transaction": noise}).status_code == 422


def test_a_reader_with_keys_of_her_own_opens_the_envelope_herself(cast: Cast, holder: Person, keys: Identity) -> None:
    content = bytes(range(256)) * 9000
    digest = cast.doctor.deposit(keys.address, content, "encounter")["digest"]

    got = holder.post(f"/v1/records/{digest}/envelope", json={"purpose": "PATRQT"})

    assert got.status_code == 200, got.text
    blocks = {digest: base64.b64decode(got.json()["root"])}

    class Source:
        def get(self, name: Any) -> bytes:
            if name.digest.hex() in blocks:
                return blocks[name.digest.hex()]
            response = holder.get(f"/v1/blocks/{name}")
            assert response.status_code == 200
            return response.content

    reader = bytes.fromhex(keys.address[2:])
    slip = base64.b64decode(got.json()["slip"])
    record_key = unwrap_key(slip, record=bytes.fromhex(digest), reader=reader, key=keys.sealing)
    assert b"".join(open_envelope(Source(), bytes.fromhex(digest), record_key).chunks) == content
    line = holder.get("/v1/access-log").json()["items"][0]
    assert (line["digest"], line["permitted"]) == (digest, True)
    assert holder.open(digest).json()["type"].endswith(":key-not-held")


def test_a_withdrawal_by_a_transaction_of_her_own_takes_the_slips_too(
    cast: Cast, holder: Person, keys: Identity
) -> None:
    digest = cast.doctor.deposit(keys.address, b"x", "problems")["digest"]
    assert holder.post(f"/v1/records/{digest}/answer", json={"accepted": True}).status_code == 409
    accept = prepared(holder, {"act": "answer", "digest": digest, "accepted": True}, "transaction")
    assert send(holder, keys, accept).json()["state"] in ("sent", "mined")
    grant = prepared(holder, grant_act(cast, "problems", grantee=cast.colleague.address))
    assert holder.post("/v1/acts/submit", json=signed(keys, grant)).status_code == 200
    store, reader = cast.served.gateway.store, bytes.fromhex(cast.colleague.address[2:])
    store.put_slip(bytes.fromhex(digest), reader, b"a slip that she made herself")
    consent = holder.get("/v1/consents").json()["items"][0]["id"]

    withdrawal = prepared(holder, {"act": "withdraw", "consent": consent}, "transaction")
    assert send(holder, keys, withdrawal).status_code == 200

    end = time() + 15
    while reader in store.list_slips(bytes.fromhex(digest)) and time() < end:
        sleep(0.1)
    assert reader not in store.list_slips(bytes.fromhex(digest))
    assert cast.colleague.open(digest).status_code == 403


def send(holder: Person, keys: Identity, unsigned: dict[str, Any]) -> Any:
    """Sign a whole transaction and submit it."""
    raw = keys.account.sign_transaction(unsigned).raw_transaction.to_0x_hex()
    return holder.post("/v1/acts/submit", json={"transaction": raw})


@pytest.fixture(scope="module")
def doctor_keys() -> Identity:
    """What only a doctor with a wallet has."""
    return identity(token_bytes(32), "Dr Wallet")


@pytest.fixture(scope="module")
def wallet_doctor(served: Served, cast: Cast, doctor_keys: Identity) -> Person:
    """A doctor of the hospital who keeps her keys."""
    card = base64.b64encode(card_of(doctor_keys).encode()).decode()
    body = {"name": "Dr Wallet", "roles": ["practitioner"], "address": doctor_keys.address, "key_card": card}
    response = cast.hospital.post("/v1/participants", json=body)
    assert response.status_code == 201, response.text
    return Person(doctor_keys.address, served.client(served.gateway.sessions.open(doctor_keys.address, None)))


def prepare_record(author: Person, patient: str, content: bytes, *categories: str, **query: Any) -> Any:
    return author.post(
        "/v1/records/prepare",
        params={"patient": patient, "categories": ",".join(categories), **query},
        content=content,
        headers={"Content-Type": "text/plain"},
    )


def test_an_author_with_a_wallet_anchors_what_was_sealed_for_her(
    cast: Cast, wallet_doctor: Person, doctor_keys: Identity
) -> None:
    patient = cast.new_patient()
    patient.grant(wallet_doctor.address, "encounter", may_write=True)
    ready = prepare_record(wallet_doctor, patient.address, b"seen today", "encounter")
    assert ready.status_code == 200, ready.text
    digest = ready.json()["digest"]
    assert ready.json()["proposed"] is False
    assert patient.open(digest, "PATRQT").status_code == 404  # nobody's record yet

    sent = send(wallet_doctor, doctor_keys, ready.json()["transaction"])

    assert sent.status_code == 200, sent.text
    assert sent.json()["kind"] == "anchor"
    assert opened_soon(patient, digest) == b"seen today"
    got = wallet_doctor.post(f"/v1/records/{digest}/envelope", json={"purpose": "TREAT"}).json()
    assert content_of(got, doctor_keys) == b"seen today"
    (record,) = patient.get("/v1/records").json()["items"]
    assert (record["author"], record["state"]) == (doctor_keys.address, "anchored")


def test_an_author_whom_the_patient_has_not_let_write_proposes_by_her_wallet(
    cast: Cast, wallet_doctor: Person, doctor_keys: Identity
) -> None:
    patient = cast.new_patient()
    ready = prepare_record(wallet_doctor, patient.address, b"may I", "encounter").json()
    assert ready["proposed"] is True
    assert send(wallet_doctor, doctor_keys, ready["transaction"]).json()["kind"] == "propose"
    assert opened_soon(patient, ready["digest"]) == b"may I"
    answer = patient.post(f"/v1/records/{ready['digest']}/answer", json={"accepted": True})
    assert answer.status_code == 200, answer.text


def test_a_prepared_record_is_anchored_by_its_author_alone(
    cast: Cast, wallet_doctor: Person, doctor_keys: Identity, holder: Person, keys: Identity
) -> None:
    patient = cast.new_patient()
    patient.grant(wallet_doctor.address, "encounter", may_write=True)
    ready = prepare_record(wallet_doctor, patient.address, b"hers", "encounter").json()
    nonce = int(cast.served.gateway.node.request("eth_getTransactionCount", keys.address, "pending"), 16)
    stolen = {**ready["transaction"], "nonce": nonce}
    assert send(holder, keys, stolen).status_code in (403, 409)
    raw = doctor_keys.account.sign_transaction(ready["transaction"]).raw_transaction.to_0x_hex()
    assert holder.post("/v1/acts/submit", json={"transaction": raw}).status_code == 403
    assert patient.open(ready["digest"], "PATRQT").status_code == 404
    assert patient.get("/v1/records").json()["items"] == []


def test_what_the_ledger_would_refuse_is_not_sealed_for_a_wallet_either(cast: Cast, holder: Person) -> None:
    before = set(cast.served.gateway.store.list())
    patient = cast.new_patient().address
    known = set(cast.served.gateway.store.list())
    assert prepare_record(holder, patient, b"x", "encounter").status_code == 403
    assert prepare_record(holder, "0x" + "11" * 20, b"x", "encounter").status_code in (403, 409, 422)
    assert prepare_record(holder, holder.address, b"x").status_code == 422
    assert set(cast.served.gateway.store.list()) == known
    assert before <= known


def test_readers_with_keys_of_their_own_open_a_record_of_a_batch(
    cast: Cast, holder: Person, keys: Identity, wallet_doctor: Person, doctor_keys: Identity
) -> None:
    gateway, laboratory = cast.served.gateway, cast.laboratory
    for grantee, act in (
        (laboratory.address, grant_act(cast, "laboratory", grantee=laboratory.address, may_write=True)),
        (wallet_doctor.address, grant_act(cast, "laboratory", grantee=wallet_doctor.address)),
    ):
        granted = holder.post("/v1/acts/submit", json=signed(keys, prepared(holder, act)))
        assert granted.status_code == 200, (grantee, granted.text)
    batch = batches.open_batch(gateway, laboratory.address, "for a wallet")
    items = [
        NewItem(str(number), keys.address, Category.LABORATORY, "text/plain", f"result {number}".encode())
        for number in range(3)
    ]
    batches.add(gateway, laboratory.address, batch.job, items)
    assert batches.post(gateway, laboratory.address, batch.job, wait=20.0).state == "anchored"
    digest = ""
    for number in range(3):
        found = batches.item_of(gateway, laboratory.address, batch.job, str(number))
        assert found is not None
        digest = found[1].hex()
        for reader, own, purpose in ((holder, keys, "PATRQT"), (wallet_doctor, doctor_keys, "TREAT")):
            got = reader.post(f"/v1/records/{digest}/envelope", json={"purpose": purpose})
            assert got.status_code == 200, got.text
            assert got.json()["place"] == number
            assert content_of(got.json(), own) == f"result {number}".encode()
        assert cast.stranger.post(f"/v1/records/{digest}/envelope", json={"purpose": "TREAT"}).status_code == 403
    # Whom she lets read later: her keys are elsewhere, but the laboratory's, in custody here, open what it has posted.
    act = grant_act(cast, "laboratory", grantee=cast.colleague.address)
    assert holder.post("/v1/acts/submit", json=signed(keys, prepared(holder, act))).status_code == 200
    assert cast.colleague.open(digest).content == b"result 2"


def content_of(envelope: dict[str, Any], keys: Identity) -> bytes:
    """What a small envelope holds, opened as a reader with keys of her own does."""
    digest, name = bytes.fromhex(envelope["digest"]), bytes.fromhex(envelope["slip_name"])
    slip = base64.b64decode(envelope["slip"])
    key = unwrap_key(slip, record=name, reader=bytes.fromhex(keys.address[2:]), key=keys.sealing)
    if envelope["place"] is not None:
        key = record_key(key, envelope["place"])

    class Source:
        def get(self, name: Any) -> bytes:
            return base64.b64decode(envelope["root"])

    return b"".join(open_envelope(Source(), digest, key).chunks)


def opened_soon(person: Person, digest: str) -> bytes:
    """The record, once the index has its anchor."""
    end = time() + 20
    while (answer := person.open(digest, "PATRQT")).status_code != 200 and time() < end:
        sleep(0.1)
    assert answer.status_code == 200, answer.text
    return answer.content
