"""How long the stateful property tests run: seconds by default, minutes with CONSENT_LEDGER_FUZZ=long.

With CONSENT_LEDGER_FUZZ=first the first failure ends a test: nothing is tried to make it shorter.
"""

import os

from hypothesis import HealthCheck, Phase, settings


def fuzz_settings(*, examples: int, steps: int = 50) -> settings:
    """The same examples in every run, unless a long one is asked for: that one looks for new ones."""
    wanted = os.environ.get("CONSENT_LEDGER_FUZZ")
    long = wanted == "long"
    return settings(
        max_examples=examples * 50 if long else examples,
        stateful_step_count=steps * 2 if long else steps,
        derandomize=not long,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate] if wanted == "first" else list(Phase),
        report_multiple_bugs=wanted != "first",
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
