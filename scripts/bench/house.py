"""A gateway in a town: a folder of its own, the town's node, and people whose keys are at hand.

>>> with open_house(town, folder) as house:
...     laboratory = house.resident("laboratory")
...     house.publish_cards([laboratory, *house.residents("patient", 20)])
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.identity.keystore import Identity, identity
from gateway.services import Gateway, open_gateway
from gateway.settings import Settings
from ledger.transactions import KeySigner
from scripts.bench.town import Call, Town, secret


@dataclass(frozen=True, slots=True)
class House:
    """A gateway, and the town that it is in."""

    town: Town
    gateway: Gateway

    def resident(self, role: str, number: int = 0) -> Identity:
        """Somebody of the town with all her keys."""
        return identity(secret(self.town.name, role, number), f"{role} {number}")

    def residents(self, role: str, count: int) -> list[Identity]:
        """The first of those with this role."""
        return [self.resident(role, number) for number in range(count)]

    def publish_cards(self, people: Sequence[Identity]) -> None:
        """Have everybody's key card in the store and on the ledger."""
        acts = self.town.ledger.acts
        cards = [self.gateway.cards.put(person) for person in people]
        self.town.do(
            [
                Call(KeySigner(person.secret), acts.publish_key_card(card))
                for person, card in zip(people, cards, strict=True)
            ]
        )

    def catch_up(self) -> None:
        """Wait until the index has seen all that the node has, and what it cost."""
        while self.gateway.indexer.sync():
            pass


@contextmanager
def open_house(town: Town, folder: Path) -> Iterator[House]:
    """Open a gateway on the town's node and deployment.

    Raises:
        LedgerError, StoreError: it does not start.
    """
    deployment = folder / "deployment.json"
    town.deployment.save(deployment)
    settings = Settings(data_dir=folder, node_url=town.node.url, deployment=deployment, gas_price=0)
    with open_gateway(settings) as gateway:
        yield House(town, gateway)
