"""What a patient says while somebody is reading, over and over, counts from the next decision on: denials of a person
and of an organization, and the withdrawal of a consent to a person. Teams, delegates and expiry are in `test_teams` and
`test_delegates`."""

from collections.abc import Callable

import httpx
import pytest

from tests.gateway.conftest import Cast
from tests.gateway.served import Person
from tests.gateway.test_teams import ends_while_reading

ENDINGS: dict[str, Callable[[Cast, Person, str], httpx.Response]] = {
    "she denies the reader": lambda cast, ana, _: ana.put(f"/v1/denials/{cast.doctor.address}"),
    "she denies the reader's hospital": lambda cast, ana, _: ana.put(f"/v1/denials/{cast.hospital.address}"),
    "she withdraws": lambda _, ana, consent: ana.delete(f"/v1/consents/{consent}"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_open_that_began_after_her_word_was_acknowledged_is_permitted(cast: Cast, ending: str) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    consent = ana.grant(cast.doctor.address, "vital-signs")

    ends_while_reading(cast, cast.doctor, digest, lambda: ENDINGS[ending](cast, ana, consent))
