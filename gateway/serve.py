"""The whole gateway as it is served: its app, what it does in the background and, on a local devnet, its demo people.

>>> with whole_gateway(Settings()) as (gateway, app):
...     uvicorn.run(app)
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from gateway.api import acting as acting_api
from gateway.api import batches as batches_api
from gateway.api import dispensing as dispensing_api
from gateway.api import gas as gas_api
from gateway.api import prescriptions as prescriptions_api
from gateway.app import create_app
from gateway.batches import posting as batches
from gateway.batches.records import find_in_batch
from gateway.batches.settling import settle_batches
from gateway.consents import announcing, collected, consenting, delegating, teaming
from gateway.demo import populate
from gateway.demo_life import furnish
from gateway.emergencies.escrow_keeping import keep_escrow
from gateway.erasure import erasing as erasure
from gateway.erasure import retention
from gateway.log.checkpoints import anchor_checkpoints
from gateway.prescriptions.bodies import find_prescription
from gateway.services import Gateway, open_gateway
from gateway.settings import Settings
from gateway.slips.sweeping import sweep
from gateway.waiting import sweep_waiting


@contextmanager
def whole_gateway(settings: Settings, *, clock: Callable[[], float] = time.time) -> Iterator[tuple[Gateway, FastAPI]]:
    """A running gateway with everything it can do, and its app.

    Args:
        clock: seconds since 1970.

    Raises:
        LedgerError, StoreError, KeystoreError: it cannot start; see `open_gateway`.
    """
    finders = (find_in_batch, find_prescription)
    chores = (
        batches.resume,
        batches.follow_batches,
        settle_batches,
        collected.follow_lists,
        consenting.finish_handing_over,
        sweep,
        teaming.follow_rosters,
        delegating.follow_delegations,
        announcing.announce_endings,
        keep_escrow,
        erasure.finish_erasures,
        retention.dispose_due,
        anchor_checkpoints,
        sweep_waiting,
    )
    with open_gateway(settings, finders=finders, chores=chores, clock=clock) as gateway:
        erasure.replay(gateway)
        if settings.node_url is None:
            populate(gateway)
        app = create_app(
            gateway,
            routers=(
                # Fixed paths before those with a name in them.
                dispensing_api.reading,
                dispensing_api.router,
                prescriptions_api.router,
                prescriptions_api.bearer,
                acting_api.bearer,
                batches_api.router,
                batches_api.records,
                gas_api.router,
            ),
        )
        prescriptions_api.install(app)
        yield gateway, app


def serve(settings: Settings, ready: Callable[[], None]) -> None:
    """Serve until interrupted; `ready` is called as soon as it answers."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with whole_gateway(settings) as (gateway, app):
        if settings.node_url is None:
            furnish(gateway)
        # No access log of uvicorn's: it writes paths and query strings.
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=2,
        )
        _Server(config, ready).run()


class _Server(uvicorn.Server):
    """Says when it answers, and lets go of the pages that are open when it is told to stop: they listen as long."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.config.app.state.portal.closing.set()  # type: ignore[union-attr]
        super().handle_exit(sig, frame)
