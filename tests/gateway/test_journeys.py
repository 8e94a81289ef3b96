"""What people do in a day, through HTTP: the patient, her doctor, the laboratory."""

from tests.gateway.conftest import Cast
from tests.gateway.served import correlation, fresh_key

RESULT = b'{"resourceType": "DiagnosticReport", "conclusion": "Potassium 4.1 mmol/l"}'


def test_a_laboratory_posts_while_she_sleeps_and_she_reads_it_in_the_morning(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.laboratory.address, "laboratory", may_write=True)
    assert ana.delete("/v1/session").status_code == 204

    posted = cast.laboratory.deposit(ana.address, RESULT, "laboratory", headers={"Record-Title": "Potassium"})

    assert posted["proposed"] is False
    assert posted["act"]["state"] in ("mined", "final")
    ana = cast.served.sign_in(ana.address)
    listed = ana.get("/v1/records").json()["items"]
    assert [item["digest"] for item in listed] == [posted["digest"]]
    assert listed[0]["categories"] == ["laboratory"]
    assert listed[0]["author_name"] == "Central Laboratory"
    opened = ana.open(posted["digest"], "PATRQT")
    assert opened.status_code == 200, opened.text
    assert opened.content == RESULT
    assert opened.headers["content-type"] == "text/plain; charset=utf-8"
    assert opened.headers["record-title"] == "Potassium"


def test_a_granted_doctor_reads_what_there_was_and_what_comes(cast: Cast) -> None:
    ana = cast.new_patient()
    before = ana.deposit(ana.address, b"before", "laboratory")["digest"]
    assert cast.doctor.open(before).json()["reason"] == "no_basis"

    ana.grant(cast.doctor.address, "laboratory", "medication")
    after = ana.deposit(ana.address, b"after", "medication")["digest"]

    assert cast.doctor.open(before).content == b"before"
    assert cast.doctor.open(after).content == b"after"
    assert cast.stranger.open(after).status_code == 403
    assert cast.doctor.open(after, "HRESCH").json()["reason"] == "purpose_not_covered"


def test_a_withdrawn_consent_denies_the_very_next_request_through_every_path(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"mine", "laboratory")["digest"]
    consent = ana.grant(cast.doctor.address, "laboratory")
    assert cast.doctor.open(digest).status_code == 200
    assert cast.doctor.get("/v1/records", params={"patient": ana.address}).json()["items"]

    assert ana.delete(f"/v1/consents/{consent}").status_code == 200

    refused = cast.doctor.open(digest)
    assert refused.status_code == 403
    assert refused.json()["reason"] == "no_basis" or refused.json()["reason"] == "consent_withdrawn"
    assert cast.doctor.post(f"/v1/records/{digest}/envelope", json={"purpose": "TREAT"}).status_code == 403
    assert cast.doctor.get(f"/v1/records/{digest}").status_code == 404
    assert cast.doctor.get("/v1/records", params={"patient": ana.address}).json()["items"] == []
    readers = cast.served.gateway.store.list_slips(bytes.fromhex(digest))
    assert bytes.fromhex(cast.doctor.address[2:]) not in readers
    assert ana.open(digest, "PATRQT").content == b"mine"


def test_a_consent_for_the_hospital_serves_its_doctors_and_nobody_elses(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"for the ward", "care-plan")["digest"]
    ana.grant(cast.hospital.address, "care-plan")

    assert cast.doctor.open(digest).content == b"for the ward"
    assert cast.colleague.open(digest).content == b"for the ward"
    assert cast.stranger.open(digest).status_code == 403


def test_another_patient_of_the_hospital_does_not_read_on_its_consents(cast: Cast) -> None:
    ana, other = cast.new_patient(), cast.new_patient()
    digest = ana.deposit(ana.address, b"for the ward", "care-plan")["digest"]
    ana.grant(cast.hospital.address, "care-plan")

    assert other.open(digest).status_code == 403


def test_a_team_member_reads_from_joining_until_leaving(cast: Cast) -> None:
    ana = cast.new_patient()
    team = cast.hospital.post("/v1/teams", json={"name": "Palliative team"}).json()["team"]
    ana.grant(team, "vital-signs")
    digest = ana.deposit(ana.address, b"pain 4 of 10", "vital-signs")["digest"]
    assert cast.stranger.open(digest).status_code == 403

    assert cast.hospital.put(f"/v1/teams/{team}/members/{cast.stranger.address}").status_code == 200
    assert cast.stranger.open(digest).content == b"pain 4 of 10"

    assert cast.hospital.delete(f"/v1/teams/{team}/members/{cast.stranger.address}").status_code == 200
    assert cast.stranger.open(digest).status_code == 403


def test_an_uninvited_author_proposes_and_she_accepts_or_turns_down(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.colleague.address, "encounter")
    first = cast.doctor.deposit(ana.address, b"seen today", "encounter")
    second = cast.doctor.deposit(ana.address, b"seen twice", "encounter")
    assert first["proposed"] is True
    assert cast.colleague.open(first["digest"]).json()["reason"] == "not_yet_accepted"

    assert ana.post(f"/v1/records/{first['digest']}/answer", json={"accepted": True}).status_code == 200
    assert ana.post(f"/v1/records/{second['digest']}/answer", json={"accepted": False}).status_code == 200

    states = {item["digest"]: item["state"] for item in ana.get("/v1/records").json()["items"]}
    assert states == {first["digest"]: "anchored", second["digest"]: "turned_down"}
    assert cast.colleague.open(first["digest"]).content == b"seen today"
    told = [item["kind"] for item in cast.doctor.get("/v1/notifications").json()["items"][:2]]
    assert told == ["record-turned-down", "record-accepted"]


def test_a_correction_supersedes_and_both_stay_visible(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "medication", may_write=True)
    wrong = cast.doctor.deposit(ana.address, b"500 mg", "medication")["digest"]
    right = cast.doctor.deposit(ana.address, b"50 mg", "medication", supersedes=wrong)["digest"]

    items = {item["digest"]: item for item in ana.get("/v1/records").json()["items"]}

    assert items[wrong]["state"] == "superseded"
    assert items[wrong]["superseded_by"] == right
    opened = ana.open(wrong, "PATRQT")
    assert opened.content == b"500 mg"
    assert opened.headers["record-state"] == "superseded"


def test_she_reads_who_looked_and_who_was_refused(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    activity = correlation()
    cast.doctor.post(f"/v1/records/{digest}/open", json={"purpose": "TREAT"}, headers={"X-Correlation-Id": activity})
    ana.grant(cast.doctor.address, "laboratory")
    cast.doctor.open(digest)

    lines = ana.get("/v1/access-log").json()["items"]

    assert [line["permitted"] for line in lines] == [True, False]
    assert lines[1]["correlation"] == activity
    assert lines[0]["sentence"].startswith("Dr Ruiz opened your record for treatment on ")
    assert lines[1]["sentence"].startswith("Dr Ruiz was refused your record for treatment on ")
    assert lines[1]["sentence"].endswith(": there was no consent.")
    others = cast.stranger.get("/v1/access-log").json()["items"]
    assert ana.address not in {line["patient"] for line in others}


def test_a_denial_wins_over_every_consent_until_it_is_lifted(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    ana.grant(cast.doctor.address, "laboratory")
    assert ana.put(f"/v1/denials/{cast.hospital.address}").status_code == 200
    assert cast.doctor.open(digest).json()["reason"] == "denied_by_patient"
    assert [item["grantee"] for item in ana.get("/v1/denials").json()] == [cast.hospital.address]

    assert ana.delete(f"/v1/denials/{cast.hospital.address}").status_code == 200

    assert cast.doctor.open(digest).content == b"x"


def test_a_multipart_deposit_carries_its_title_sealed(cast: Cast) -> None:
    ana = cast.new_patient()
    metadata = f'{{"patient": "{ana.address}", "categories": ["imaging"], "title": "Röntgen, Hand"}}'
    response = ana.post(
        "/v1/records",
        files={
            "metadata": (None, metadata, "application/json"),
            "content": ("x.dcm", b"\x00DICM" * 1000, "application/dicom"),
        },
    )
    assert response.status_code == 201, response.text

    opened = ana.open(response.json()["digest"], "PATRQT")

    assert opened.content == b"\x00DICM" * 1000
    assert opened.headers["content-type"] == "application/dicom"
    assert opened.headers["record-title"] == "R%C3%B6ntgen%2C%20Hand"


def test_a_record_of_many_chunks_streams_in_and_out(cast: Cast) -> None:
    ana = cast.new_patient()
    content = bytes(range(256)) * (9 << 12)
    digest = ana.deposit(ana.address, content, "imaging")["digest"]

    opened = ana.open(digest, "PATRQT")

    assert opened.headers["content-length"] == str(len(content))
    assert opened.content == content


def test_the_same_request_under_one_key_is_done_once(cast: Cast) -> None:
    ana = cast.new_patient()
    key = {"Idempotency-Key": fresh_key()}

    first = ana.deposit(ana.address, b"once", "journal", headers=key)
    again = ana.deposit(ana.address, b"once", "journal", headers=key)
    other = ana.try_deposit(ana.address, b"twice", "journal", headers=key)

    assert again == first
    assert other.status_code == 422
    assert other.json()["type"].endswith("idempotency-conflict")
    assert len(ana.get("/v1/records").json()["items"]) == 1


def test_a_consent_under_one_key_is_given_once(cast: Cast) -> None:
    ana = cast.new_patient()
    body = {
        "grantee": cast.doctor.address,
        "categories": ["journal"],
        "purposes": ["TREAT"],
        "forever": True,
    }
    key = {"Idempotency-Key": fresh_key()}

    first = ana.post("/v1/consents", json=body, headers=key)
    again = ana.post("/v1/consents", json=body, headers=key)
    other = ana.post("/v1/consents", json={**body, "may_write": True}, headers=key)

    assert first.status_code == 201, first.text
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422
    listed = ana.get("/v1/consents").json()["items"]
    assert len(listed) == 1
    assert listed[0]["expiry"] is None
    assert listed[0]["state"] == "live"


def test_lists_come_in_pages_that_miss_nothing(cast: Cast) -> None:
    ana = cast.new_patient()
    digests = [ana.deposit(ana.address, bytes([i]), "journal")["digest"] for i in range(5)]

    seen: list[str] = []
    cursor = None
    while True:
        page = ana.get("/v1/records", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["digest"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == digests[::-1]


def slips_of(cast: Cast, digest: str) -> set[str]:
    """Who has a key slip for a record."""
    found = {"0x" + reader.hex() for reader in cast.served.gateway.store.list_slips(bytes.fromhex(digest))}
    return found - {cast.served.gateway.escrow.address.lower()}


def test_a_consent_withdrawn_from_the_hospital_leaves_no_slip_with_its_people(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"for the ward", "care-plan")["digest"]
    consent = ana.grant(cast.hospital.address, "care-plan")
    assert cast.doctor.open(digest).status_code == 200

    assert ana.delete(f"/v1/consents/{consent}").status_code == 200

    assert slips_of(cast, digest) == {ana.address.lower()}


def test_a_consent_for_one_record_opens_that_one_and_gives_no_slip_for_the_next(cast: Cast) -> None:
    ana = cast.new_patient()
    shared, kept = (ana.deposit(ana.address, content, "imaging")["digest"] for content in (b"this", b"not this"))
    ana.grant(cast.doctor.address, "imaging", record=shared)
    later = ana.deposit(ana.address, b"nor this", "imaging")["digest"]

    assert cast.doctor.open(shared).content == b"this"
    for digest in (kept, later):
        assert cast.doctor.open(digest).status_code == 403
        assert slips_of(cast, digest) == {ana.address.lower()}


def test_a_consent_for_one_record_that_does_not_name_its_kind_makes_and_keeps_no_slip(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"a scan", "imaging")["digest"]
    ana.grant(cast.doctor.address, "laboratory", record=digest)
    assert cast.doctor.open(digest).status_code == 403
    assert slips_of(cast, digest) == {ana.address.lower()}
    wider = ana.grant(cast.doctor.address, "imaging")
    assert slips_of(cast, digest) == {ana.address.lower(), cast.doctor.address.lower()}

    assert ana.delete(f"/v1/consents/{wider}").status_code == 200

    assert slips_of(cast, digest) == {ana.address.lower()}


def test_granting_to_somebody_whom_she_denies_makes_no_slip_before_she_lifts_it(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"a scan", "imaging")["digest"]
    for denied in (cast.doctor.address, cast.hospital.address):
        assert ana.put(f"/v1/denials/{denied}").status_code == 200
        ana.grant(cast.doctor.address, "imaging")
        assert slips_of(cast, digest) == {ana.address.lower()}
        assert cast.doctor.open(digest).status_code == 403
        assert ana.delete(f"/v1/denials/{denied}").status_code == 200
        assert slips_of(cast, digest) == {ana.address.lower(), cast.doctor.address.lower()}


def test_a_person_registered_twice_under_one_key_is_registered_once(cast: Cast) -> None:
    body = {"name": "Once", "roles": ["patient"], "passphrase": "long enough"}
    key = {"Idempotency-Key": fresh_key()}
    count = len(cast.served.gateway.keystore.addresses())

    first, again = (cast.hospital.post("/v1/participants", json=body, headers=key) for _ in range(2))

    assert first.status_code == 201
    assert again.json() == first.json()
    assert len(cast.served.gateway.keystore.addresses()) == count + 1
