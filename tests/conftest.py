"""What every test may ask for."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real records and independent vectors; a test that asks for it is skipped where it is absent.

    It is named by CONSENT_LEDGER_SHARED, or else lies in `shared` beside the checkout.
    """
    folder = Path(os.environ.get("CONSENT_LEDGER_SHARED", REPOSITORY.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("the folder of shared data is not here (CONSENT_LEDGER_SHARED)")
    return folder
