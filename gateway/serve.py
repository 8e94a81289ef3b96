"""The whole gateway as it is served: its app, what it does in the background and, on a local devnet, its demo people.

>>> with whole_gateway(Settings()) as (gateway, app):
...     uvicorn.run(app)
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from gateway import batches, consenting
from gateway.api import batches as batches_api
from gateway.api import dispensing as dispensing_api
from gateway.api import gas as gas_api
from gateway.api import prescriptions as prescriptions_api
from gateway.app import create_app
from gateway.batch_records import find_in_batch
from gateway.demo import populate
from gateway.prescription_bodies import find_prescription
from gateway.services import Gateway, open_gateway
from gateway.settings import Settings
from gateway.sweeping import sweep


@contextmanager
def whole_gateway(settings: Settings) -> Iterator[tuple[Gateway, FastAPI]]:
    """A running gateway with everything it can do, and its app.

    Raises:
        LedgerError, StoreError, KeystoreError: it cannot start; see `open_gateway`.
    """
    finders = (find_in_batch, find_prescription)
    chores = (batches.resume, batches.follow_batches, consenting.finish_handing_over, sweep)
    with open_gateway(settings, finders=finders, chores=chores) as gateway:
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
                batches_api.router,
                batches_api.records,
                gas_api.router,
            ),
        )
        prescriptions_api.install(app)
        yield gateway, app


def serve(settings: Settings) -> None:
    """Serve until interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with whole_gateway(settings) as (_, app):
        # No access log of uvicorn's: it writes paths and query strings.
        config = uvicorn.Config(app, host=settings.host, port=settings.port, access_log=False, log_config=None)
        uvicorn.Server(config).run()
