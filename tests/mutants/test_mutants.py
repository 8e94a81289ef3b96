"""The property tests find every bug that is put into the contracts on purpose.

A mutant that lives shows a rule that nothing holds.
"""

import pytest

from tests.mutants.conftest import Trial
from tests.mutants.mutants import MUTANTS, Mutant

MINUTES = 15


@pytest.mark.timeout(MINUTES * 60)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.breaks)
def test_the_property_tests_find_the_bug(mutant: Mutant, trial: Trial) -> None:
    code, said = trial.result()
    assert code == pytest.ExitCode.TESTS_FAILED, f"the mutant lives: {mutant.breaks}\n{said[-2000:]}"
    assert "1 failed" in said, said[-2000:]
