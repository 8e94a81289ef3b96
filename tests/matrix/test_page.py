"""The page that people read says what the table says, and the reference stays small enough to be read."""

from pathlib import Path

from tests.matrix.__main__ import PAGE, page


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text() == page(), "run `python -m tests.matrix`"


def test_the_reference_shares_no_code_with_the_ledger_and_is_short() -> None:
    text = Path(__file__).with_name("reference.py").read_text()
    assert len(text.splitlines()) <= 150
    imports = [line for line in text.splitlines() if line.startswith(("import", "from"))]
    assert imports == ["from dataclasses import dataclass, field"]
