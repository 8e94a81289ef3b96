"""What the gateway tells of cost: from its index, to whoever is signed in, about nobody."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.api import gas
from gateway.app import create_app
from gateway.services import Gateway
from ledger.codes import Category
from tests.gateway.people import World, populate, running


def ask(gateway: Gateway, token: str | None = None) -> httpx.Response:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(gateway, routers=(gas.router,)))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/v1/gas", headers=headers)

    return asyncio.run(get())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("gas-api")
    with running(folder, block_time=None) as gateway:
        world: World = populate(gateway)
        world.let(world.patient, world.laboratory.address, Category.LABORATORY, write=True)
        gateway.indexer.sync()
        token = gateway.sessions.open(world.doctor.address, world.doctor)
        stranger = ask(gateway)
        known = ask(gateway, token)
        node = gateway.node
        newest = int(node.request("eth_blockNumber"), 16)
        # What was made before the ledger, the code that it hands on to, is not part of its history.
        others = [{"contractAddress": None}, {"contractAddress": gateway.ledger.address.lower()}]
        spent = sum(
            int(receipt["gasUsed"], 16)
            for block in range(newest + 1)
            for receipt in node.request("eth_getBlockReceipts", hex(block))
            if {"contractAddress": receipt["contractAddress"]} in others
        )
        yield stranger, known, spent, world


def test_a_stranger_is_told_nothing(told: Any) -> None:
    assert told[0].status_code == 401


def test_all_gas_spent_is_accounted_for(told: Any) -> None:
    _, known, spent, _ = told
    assert known.status_code == 200, known.text
    answer = known.json()
    assert answer["unknown"] == 0
    assert answer["gas"] == spent == sum(one["gas"] for one in answer["operations"])
    assert sum(one["gas"] for one in answer["payers"]) == spent
    (consent,) = [one for one in answer["workflows"] if one["workflow"] == "consent"]
    assert (consent["count"], consent["gas"]) == (1, consent["median"])


def test_no_person_is_named(told: Any) -> None:
    _, known, _, world = told
    for somebody in (world.patient, world.doctor, world.hospital, world.laboratory):
        assert somebody.address[2:].lower() not in known.text.lower()
