"""How long the stateful property tests run: seconds by default, minutes with CONSENT_LEDGER_FUZZ=long."""

import os

from hypothesis import HealthCheck, settings


def fuzz_settings(*, examples: int, steps: int = 50) -> settings:
    """The same examples in every run, unless a long one is asked for: that one looks for new ones."""
    long = os.environ.get("CONSENT_LEDGER_FUZZ") == "long"
    return settings(
        max_examples=examples * 50 if long else examples,
        stateful_step_count=steps * 2 if long else steps,
        derandomize=not long,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
