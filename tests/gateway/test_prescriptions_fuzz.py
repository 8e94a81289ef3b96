"""Whatever is sent to the operations of prescriptions and batches: never a failure of the gateway's own."""

from typing import Any

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error

from gateway.api import batches as batches_api
from gateway.api import dispensing as dispensing_api
from gateway.api import prescriptions as prescriptions_api
from gateway.app import create_app
from tests.gateway.people import World, populate, running

EXAMPLES = 12
ROUTERS = (
    dispensing_api.reading,
    dispensing_api.router,
    prescriptions_api.router,
    prescriptions_api.bearer,
    batches_api.router,
    batches_api.records,
)
OPERATIONS = sorted(
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running(tmp_path_factory.mktemp("gateway")) as gateway:
        yield populate(gateway)


@pytest.fixture(scope="module")
def api(world: World) -> Any:
    """The description of an app with these routers."""
    app = create_app(world.gateway, routers=ROUTERS)
    prescriptions_api.install(app)
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_input_makes_the_gateway_fail(api: Any, world: World, method: str, path: str) -> None:
    people = (None, world.patient, world.doctor, world.technician, world.pharmacist)
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
                headers["Authorization"] = f"Bearer {world.gateway.sessions.open(person.address, person)}"
            case.call_and_validate(headers=headers, checks=[not_a_server_error])
            sent += 1

    send()

    assert sent >= len(people)
