"""Signing in: EIP-4361 by the independent vectors and against replay; passphrases; sessions that end."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from gateway.errors import NotSignedIn, TooManyAttempts
from gateway.identity.auth import RateLimit, parse_message, verify_message
from gateway.identity.sessions import Sessions
from tests.gateway.conftest import Cast
from tests.gateway.served import PASSPHRASE, Person, Served


def vectors(shared_data: Path, name: str) -> dict[str, Any]:
    """Independent vectors, by their names."""
    found: dict[str, Any] = json.loads((shared_data / "vectors" / "siwe" / "test" / name).read_text())
    assert found
    return found


def test_every_good_message_of_the_vectors_is_read(shared_data: Path) -> None:
    for name, vector in vectors(shared_data, "parsing_positive.json").items():
        parsed = parse_message(vector["message"])
        for field, value in vector["fields"].items():
            snake = "".join("_" + letter.lower() if letter.isupper() else letter for letter in field)
            found = getattr(parsed, snake)
            assert (found if value is None or isinstance(value, list) else type(value)(found)) == value, (name, field)


def test_every_bad_message_of_the_vectors_is_refused(shared_data: Path) -> None:
    for message in vectors(shared_data, "parsing_negative.json").values():
        with pytest.raises(NotSignedIn):
            parse_message(message)


def test_every_signature_of_the_vectors_comes_out_right(shared_data: Path) -> None:
    for vector in vectors(shared_data, "verification_positive.json").values():
        check(vector)
    for vector in vectors(shared_data, "verification_negative.json").values():
        with pytest.raises(NotSignedIn):
            check(vector)


def check(vector: dict[str, Any]) -> None:
    """Verify a vector as our sign-in would, from the text on."""
    text = message_text(vector)
    at = datetime.fromisoformat(vector["time"]) if "time" in vector else datetime.now(UTC)
    verify_message(
        parse_message(text),
        vector["signature"],
        domain=vector.get("domainBinding", vector["domain"]),
        at=at,
        nonce=vector.get("matchNonce"),
    )


def message_text(vector: dict[str, Any]) -> str:
    """The message of a vector's fields."""
    lines = [f"{vector['domain']} wants you to sign in with your Ethereum account:", vector["address"], ""]
    lines += [vector["statement"], ""] if vector.get("statement") else [""]
    lines += [f"URI: {vector['uri']}", f"Version: {vector['version']}", f"Chain ID: {vector.get('chainId', 1)}"]
    lines += [f"Nonce: {vector['nonce']}", f"Issued At: {vector['issuedAt']}"]
    for field, title in (
        ("expirationTime", "Expiration Time"),
        ("notBefore", "Not Before"),
        ("requestId", "Request ID"),
    ):
        lines += [f"{title}: {vector[field]}"] if vector.get(field) else []
    lines += ["Resources:", *(f"- {one}" for one in vector["resources"])] if vector.get("resources") else []
    return "\n".join(lines)


@pytest.fixture(scope="module")
def wallet(cast: Cast) -> LocalAccount:
    """A patient who keeps her key herself."""
    account: LocalAccount = Account.create()
    body = {"name": "Wallet Holder", "roles": ["patient"], "address": account.address}
    assert cast.hospital.post("/v1/participants", json=body).status_code == 201
    return account


def challenge(served: Served, account: LocalAccount) -> str:
    response = served.client().post("/v1/session/challenge", json={"address": account.address})
    assert response.status_code == 200, response.text
    return str(response.json()["message"])


def answer(served: Served, account: LocalAccount, message: str) -> Any:
    signature = account.sign_message(encode_defunct(text=message)).signature.to_0x_hex()
    return served.client().post("/v1/session/wallet", json={"message": message, "signature": signature})


def test_a_wallet_signs_in_once_with_one_message(served: Served, wallet: LocalAccount) -> None:
    message = challenge(served, wallet)

    first, second = answer(served, wallet, message), answer(served, wallet, message)

    assert first.status_code == 201, first.text
    assert second.status_code == 401
    me = served.client(first.json()["token"]).get("/v1/session").json()
    assert (me["address"], me["key_held"], me["roles"]) == (wallet.address, False, ["patient"])


@pytest.mark.parametrize(
    ("old", "new"),
    [("localhost", "evil.example"), ("Chain ID: 43771", "Chain ID: 1"), ("URI: http", "URI: https")],
    ids=["domain", "chain", "uri"],
)
def test_a_message_for_elsewhere_is_refused(served: Served, wallet: LocalAccount, old: str, new: str) -> None:
    message = challenge(served, wallet)
    assert old in message

    assert answer(served, wallet, message.replace(old, new, 1)).status_code == 401


def test_a_message_that_was_never_asked_for_is_refused(served: Served, wallet: LocalAccount) -> None:
    message = challenge(served, wallet)
    nonce = next(line for line in message.splitlines() if line.startswith("Nonce: "))

    assert answer(served, wallet, message.replace(nonce, "Nonce: " + "a" * 32)).status_code == 401


def test_another_wallets_signature_is_refused(served: Served, wallet: LocalAccount) -> None:
    message = challenge(served, wallet)

    assert answer(served, Account.create(), message).status_code == 401


def test_somebody_unregistered_is_not_let_in(served: Served) -> None:
    stranger = Account.create()

    assert answer(served, stranger, challenge(served, stranger)).status_code == 403


def test_a_wrong_passphrase_and_an_unknown_person_are_refused_alike(served: Served, cast: Cast) -> None:
    known = {"address": cast.doctor.address, "passphrase": PASSPHRASE + "?"}
    unknown = {"address": Account.create().address, "passphrase": PASSPHRASE}

    first, second = (served.client().post("/v1/session/passphrase", json=body) for body in (known, unknown))

    assert (first.status_code, second.status_code) == (401, 401)
    assert first.json()["detail"] == second.json()["detail"]


def test_signing_out_ends_the_session_at_once(served: Served, cast: Cast) -> None:
    doctor = served.sign_in(cast.colleague.address)
    assert doctor.get("/v1/session").status_code == 200

    assert doctor.delete("/v1/session").status_code == 204

    assert doctor.get("/v1/session").status_code == 401


def test_signing_out_everywhere_ends_every_session(served: Served, cast: Cast) -> None:
    ana = cast.new_patient()
    other = served.sign_in(ana.address)

    assert other.delete("/v1/session/all").status_code == 204

    assert ana.get("/v1/session").status_code == 401


def test_the_cookie_is_for_this_site_and_for_no_script(served: Served, cast: Cast) -> None:
    body = {"address": cast.patient.address, "passphrase": PASSPHRASE}
    response = served.client().post("/v1/session/passphrase", json=body)

    cookie = response.headers["set-cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie


def test_a_write_from_another_site_with_her_cookie_is_refused(served: Served, cast: Cast) -> None:
    body = {"address": cast.patient.address, "passphrase": PASSPHRASE}
    client = served.client()
    assert client.post("/v1/session/passphrase", json=body).status_code == 201
    deny = f"/v1/denials/{cast.stranger.address}"

    assert client.put(deny, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.put(deny, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.put(deny, headers={"Origin": served.url, "Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_a_suspended_person_is_refused_from_the_next_request_on(served: Served, cast: Cast) -> None:
    doctor = served.person(cast.hospital, "practitioner")
    digest = cast.patient.deposit(cast.patient.address, b"x", "journal")["digest"]
    cast.patient.grant(doctor.address, "journal")
    assert doctor.open(digest).status_code == 200

    assert suspend(cast.hospital, doctor, True).status_code == 200
    assert doctor.open(digest).json()["reason"] == "reader_suspended"
    for path in ("/v1/session", "/v1/records", "/v1/consents", "/v1/access-log", "/v1/notifications", "/v1/acts"):
        assert doctor.get(path).status_code == 403, path

    assert suspend(cast.hospital, doctor, False).status_code == 200
    assert doctor.open(digest).status_code == 200


def suspend(organization: Person, person: Person, suspended: bool) -> Any:
    return organization.put(f"/v1/participants/{person.address}/suspension", json={"suspended": suspended})


def test_a_changed_passphrase_is_the_only_one_that_unlocks(served: Served, cast: Cast) -> None:
    ana = cast.new_patient()
    body = {"old": PASSPHRASE, "new": PASSPHRASE + "!"}
    assert ana.put("/v1/session/passphrase", json=body).status_code == 204
    assert ana.put("/v1/session/passphrase", json=body).status_code == 403

    sign_in = {"address": ana.address, "passphrase": PASSPHRASE}
    assert served.client().post("/v1/session/passphrase", json=sign_in).status_code == 401
    sign_in["passphrase"] += "!"
    assert served.client().post("/v1/session/passphrase", json=sign_in).status_code == 201


def test_an_idle_session_ends_and_so_does_an_old_one(served: Served) -> None:
    now = 1_000_000.0
    sessions = Sessions(served.gateway.database, idle=900, absolute=28_800, clock=lambda: now)
    operator = served.gateway.operator
    token = sessions.open(operator.address, operator)

    for _ in range(31):
        now += 899
        assert sessions.find(token).identity is operator
    now += 899 + 899
    with pytest.raises(NotSignedIn):
        sessions.find(token)
    assert sessions.unlocked(operator.address) is None

    token = sessions.open(operator.address, operator)
    now += 900
    with pytest.raises(NotSignedIn):
        sessions.find(token)


def test_the_eleventh_attempt_in_a_minute_waits() -> None:
    now = 0.0
    limit = RateLimit(10, 60, clock=lambda: now)
    for _ in range(10):
        limit.take("a")
    with pytest.raises(TooManyAttempts) as refused:
        limit.take("a")
    assert refused.value.retry_after == 61
    limit.take("b")
    now = 60.5
    limit.take("a")
