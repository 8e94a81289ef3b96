"""Whatever is sent to whichever operation of the OpenAPI description: never a failure of the gateway's own."""

from typing import Any

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error

from gateway.app import ROUTERS
from tests.gateway.conftest import Cast
from tests.gateway.served import Person

EXAMPLES = 15
OPERATIONS = sorted(
    {
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
        if not route.path.startswith("/v1/session") or method != "DELETE"  # would only sign the others out
    }
)


@pytest.fixture(scope="module")
def api(cast: Cast) -> Any:
    """The description as the gateway serves it."""
    return schemathesis.openapi.from_url(f"{cast.served.url}/openapi.json")


@pytest.fixture(scope="module")
def people(cast: Cast) -> list[Person | None]:
    """Who sends it: nobody, a patient, a doctor, an organization, the consortium."""
    return [None, cast.new_patient(), cast.doctor, cast.laboratory, cast.served.operator()]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_input_makes_the_gateway_fail(api: Any, people: list[Person | None], method: str, path: str) -> None:
    sent = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api[path][method].as_strategy())
    def send(case: Any) -> None:
        nonlocal sent
        for person in people:
            headers = {"Prefer": "respond-async"}
            if person:
                headers["Authorization"] = person.client.headers["authorization"]
            case.call_and_validate(headers=headers, checks=[not_a_server_error], timeout=30)
            sent += 1

    send()

    assert sent >= len(people)
