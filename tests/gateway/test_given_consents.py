"""What a patient signed and an organization collected is a consent like hers: listed, relied on, announced, ended."""

from dataclasses import replace
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.consents.announcing import announce_endings, announcements
from gateway.consents.collected import consents, follow_collected, lists
from gateway.consents.collecting import anchor_collected
from gateway.consents.given import given_by
from gateway.consents.signed import SignedConsent, signed_grantees_of
from gateway.identity.keystore import Identity
from gateway.sending import Errand
from ledger.acts import SignedGrant
from ledger.codes import Category, Purpose
from ledger.types import ConsentTerms, consent_id
from tests.gateway.conftest import Cast
from tests.gateway.served import PASSPHRASE, Person
from tests.gateway.test_announcing import in_days
from tests.gateway.test_collected_consents import DAY, TREAT, signed_by
from tests.waiting import until


def keys_of(cast: Cast, person: Person) -> Identity:
    key = cast.served.gateway.sessions.unlocked(person.address)
    assert key is not None
    return key


def signs(cast: Cast, patient: Person, grantee: Person | None = None, **changes: Any) -> SignedGrant:
    """What the patient signs for the doctor, if nobody else is named; `changes` stand in it too."""
    gateway = cast.served.gateway
    who = (grantee or cast.doctor).address
    return signed_by(gateway.ledger.domain, keys_of(cast, patient), who, int(gateway.clock()), **changes)


def collects(cast: Cast, *signed: SignedGrant) -> None:
    """The hospital anchors a list of signed consents; the gateway has read it."""
    gateway = cast.served.gateway
    entry = anchor_collected(gateway, cast.hospital.address, list(signed), Errand.new(15))
    assert entry.block_number is not None
    gateway.wait_indexed(entry.block_number, 15)
    follow_collected(gateway)


def listed(person: Person, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get("/v1/consents", params=query).json()["items"]
    return found


def id_of(signed: SignedGrant) -> str:
    return "0x" + consent_id(signed.patient, signed.grantee, signed.scope).hex()


def test_a_signed_consent_stands_in_the_lists_of_both_sides_and_in_nobody_elses(cast: Cast) -> None:
    ana, ben = cast.new_patient(), cast.new_patient()
    granted = ana.grant(cast.colleague.address, "imaging")
    signed = signs(cast, ana)
    collects(cast, signed, signs(cast, ben))
    newest, older = listed(ana)
    assert (older["id"], older["given"], older["collected_by"]) == (granted, "granted", None)
    told = {name: newest[name] for name in ("id", "grantee", "categories", "purposes", "expiry", "state", "given")}
    assert told == {
        "id": id_of(signed),
        "grantee": cast.doctor.address,
        "categories": ["laboratory"],
        "purposes": ["TREAT"],
        "expiry": signed.terms.expiry,
        "state": "live",
        "given": "signed",
    }
    assert (newest["collected_by"], newest["collected_by_name"]) == (cast.hospital.address, "St. Anne's Hospital")
    assert id_of(signed) in {one["id"] for one in listed(cast.doctor, received=True)}
    path = f"/v1/consents/{id_of(signed)[2:]}"
    assert ana.get(path).json() == cast.doctor.get(path).json() | {"patient_name": newest["patient_name"]}
    for other in (ben, cast.stranger, cast.colleague):
        assert other.get(path).status_code == 404
        assert id_of(signed) not in {one["id"] for one in [*listed(other), *listed(other, received=True)]}


def test_what_counts_for_nothing_stands_in_no_list(cast: Cast) -> None:
    ana, now = cast.new_patient(), int(cast.served.gateway.clock())
    too_late = signs(cast, ana, deadline=now - DAY)
    forged = replace(signs(cast, ana, number=1), terms=ConsentTerms(Category.GENETICS, TREAT, now - 5, now + DAY))
    ungrantable = signs(cast, ana, number=2, terms=ConsentTerms(Category.LABORATORY, Purpose.BTG.bit, 0, now + DAY))
    of_a_doctor = signs(cast, cast.colleague)
    collects(cast, too_late, forged, ungrantable, of_a_doctor)
    assert listed(ana) == []
    assert listed(cast.colleague) == []
    assert {id_of(one) for one in (too_late, forged, of_a_doctor)}.isdisjoint(
        one["id"] for one in listed(cast.doctor, received=True, limit=200)
    )


def test_lists_are_paged_through_both_kinds_without_a_gap(cast: Cast) -> None:
    ana = cast.new_patient()
    meant = [ana.grant(cast.doctor.address, "imaging")]
    for start in (1, 4):
        signed = [signs(cast, ana, number=number) for number in range(start, start + 3)]
        collects(cast, *signed)
        meant += [id_of(one) for one in signed]
        meant.append(ana.grant(cast.colleague.address, "imaging"))
    for limit in (1, 2, 3, 50):
        seen, cursor = [], None
        while True:
            page = ana.get("/v1/consents", params={"limit": limit, "cursor": cursor} if cursor else {"limit": limit})
            seen += [one["id"] for one in page.json()["items"]]
            cursor = page.json()["next"]
            if cursor is None:
                break
        assert seen == meant[::-1]


def test_a_consent_that_is_collected_twice_is_listed_once(cast: Cast) -> None:
    ana, ben = cast.new_patient(), cast.new_patient()
    signed = signs(cast, ana)
    collects(cast, signed)
    collects(cast, signed, signs(cast, ben))
    assert [one["id"] for one in listed(ana)] == [id_of(signed)]


def test_two_signed_under_one_number_are_both_told_and_end_together(cast: Cast) -> None:
    ana, now = cast.new_patient(), int(cast.served.gateway.clock())
    wider = ConsentTerms(Category.LABORATORY | Category.IMAGING, TREAT, now - 5, now + 90 * DAY)
    collects(cast, signs(cast, ana))
    collects(cast, signs(cast, ana, terms=wider))
    assert [one["categories"] for one in listed(ana)] == [["laboratory", "imaging"], ["laboratory"]]
    assert ana.delete(f"/v1/consents/{listed(ana)[0]['id'][2:]}").status_code == 200
    assert [one["state"] for one in listed(ana)] == ["withdrawn", "withdrawn"]


def test_it_opens_what_it_covers_until_she_withdraws_it_from_the_list(cast: Cast) -> None:
    ana = cast.new_patient()
    before = ana.deposit(ana.address, b"potassium 4.1", "laboratory")["digest"]
    other = ana.deposit(ana.address, b"slept well", "journal")["digest"]
    assert cast.doctor.open(before).status_code == 403
    signed = signs(cast, ana)
    collects(cast, signed)
    after = ana.deposit(ana.address, b"potassium 4.3", "laboratory")["digest"]
    slips = cast.served.gateway.store.list_slips
    reader = bytes.fromhex(cast.doctor.address[2:])
    assert reader in slips(bytes.fromhex(after)), "sealed for whoever may read it now"
    until(lambda: reader in slips(bytes.fromhex(before)), 30)
    for digest, content in ((before, b"potassium 4.1"), (after, b"potassium 4.3")):
        assert cast.doctor.open(digest).content == content
    line = ana.get("/v1/access-log").json()["items"][0]
    assert (line["permitted"], line["basis"]) == (True, "signed_consent")
    assert cast.doctor.open(other).json()["reason"] == "category_not_covered"
    path = f"/v1/consents/{id_of(signed)[2:]}"
    assert cast.doctor.delete(path).status_code == 403
    assert cast.stranger.delete(path).status_code == 404
    assert ana.delete(path).status_code == 200
    assert [one["state"] for one in listed(ana)] == ["withdrawn"]
    assert reader not in {*slips(bytes.fromhex(before)), *slips(bytes.fromhex(after))}
    assert cast.doctor.open(before).json()["reason"] == "consent_withdrawn"
    assert ana.delete(path).status_code == 409


def test_one_that_covers_is_found_behind_newer_ones_that_do_not(cast: Cast) -> None:
    ana, now = cast.new_patient(), int(cast.served.gateway.clock())
    digest = ana.deposit(ana.address, b"BRCA1", "laboratory", "genetics")["digest"]
    both = ConsentTerms(Category.LABORATORY | Category.GENETICS, TREAT, now - 5, now + 90 * DAY)
    collects(cast, signs(cast, ana, terms=both))
    newer = [signs(cast, ana, number=number) for number in range(1, 7)]
    collects(cast, *newer)
    assert cast.doctor.open(digest).content == b"BRCA1"
    for one in newer:
        assert ana.delete(f"/v1/consents/{id_of(one)[2:]}").status_code == 200
    assert cast.doctor.open(digest).content == b"BRCA1"


def test_it_lets_nobody_write_and_is_not_said_to(cast: Cast) -> None:
    ana, now = cast.new_patient(), int(cast.served.gateway.clock())
    terms = ConsentTerms(Category.LABORATORY, TREAT, now - 5, now + 90 * DAY, may_write=True)
    collects(cast, signs(cast, ana, terms=terms))
    assert [one["may_write"] for one in listed(ana)] == [False]
    assert cast.doctor.deposit(ana.address, b"potassium 4.1", "laboratory")["proposed"]


def test_a_grant_here_takes_no_number_that_she_has_signed_for(cast: Cast) -> None:
    ana = cast.new_patient()
    signed = signs(cast, ana)
    collects(cast, signed)
    granted = ana.grant(cast.doctor.address, "imaging")
    assert granted != id_of(signed)
    assert [one["state"] for one in listed(ana)] == ["live", "live"]
    prepared = ana.post("/v1/acts/prepare", json={"kind": "grant", **grant_body(cast)}).json()
    assert prepared, "see `test_self_custody` for what becomes of it"


def grant_body(cast: Cast) -> dict[str, Any]:
    return {"grantee": cast.doctor.address, "categories": ["imaging"], "purposes": ["TREAT"], "forever": True}


def test_new_records_find_their_readers_for_many_patients_at_once(cast: Cast) -> None:
    gateway = cast.served.gateway
    ana, ben = cast.new_patient(), cast.new_patient()
    collects(cast, signs(cast, ana), signs(cast, ben, cast.stranger))
    lab, both = Category.LABORATORY, Category.LABORATORY | Category.GENETICS
    asked_for = [(ana.address, lab), (ana.address, both), (ben.address, lab)]
    found = signed_grantees_of(gateway, asked_for, int(gateway.clock()))
    assert found == {(ana.address, lab): [cast.doctor.address], (ben.address, lab): [cast.stranger.address]}
    assert signed_grantees_of(gateway, asked_for, int(gateway.clock()) + 400 * DAY) == {}


def test_its_end_is_announced_beforehand_once_unless_it_was_withdrawn(cast: Cast) -> None:
    ana, gateway = cast.new_patient(), cast.served.gateway
    kept, gone = signs(cast, ana), signs(cast, ana, number=1)
    collects(cast, kept, gone)
    assert ana.delete(f"/v1/consents/{id_of(gone)[2:]}").status_code == 200
    for day in (360, 361):
        announce_endings(in_days(gateway, day))
    told = [one.ending.about.hex() for one in announcements(gateway, ana.address, 10)]
    assert told == [id_of(kept)[2:]]


@pytest.mark.parametrize("column", ["root", "block_number"])
def test_a_list_that_is_not_where_it_was_read_is_forgotten_and_read_again(cast: Cast, column: str) -> None:
    ana, gateway = cast.new_patient(), cast.served.gateway
    collects(cast, signs(cast, ana))
    (meant,) = given_by(gateway, ana.address, 10)
    assert isinstance(meant, SignedConsent)
    elsewhere = {"root": token_bytes(32), "block_number": meant.position[0] + 1}[column]
    with gateway.database.begin() as connection:
        for table in (lists, consents):
            connection.execute(table.update().where(table.c.root == meant.root).values({column: elsewhere}))
    follow_collected(gateway)
    assert given_by(gateway, ana.address, 10) == [meant]
    with gateway.database.connect() as connection:
        assert connection.execute(lists.select().where(lists.c[column] == elsewhere)).all() == []


def test_the_command_line_lists_and_withdraws_it(cast: Cast, tmp_path: Path) -> None:
    ana = cast.new_patient()
    signed = signs(cast, ana)
    collects(cast, signed)
    environment = {
        "CONSENT_LEDGER_DATA_DIR": str(tmp_path),
        "CONSENT_LEDGER_HOME": str(tmp_path / "home"),
        "CONSENT_LEDGER_GATEWAY": cast.served.url,
        "CONSENT_LEDGER_PASSPHRASE": PASSPHRASE,
        "COLUMNS": "250",
    }

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, list(words), env=environment)
        assert result.exit_code == 0, result.output
        return result.output

    run("sign-in", ana.address)
    (line,) = [line for line in run("consents", "list").splitlines() if id_of(signed) in line]
    assert [word in line for word in ("Dr Ruiz", "laboratory", "TREAT", "signed", "live")] == [True] * 5
    run("consents", "withdraw", id_of(signed))
    assert "withdrawn" in run("consents", "list")
