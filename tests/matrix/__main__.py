"""Write the matrix down for people: `python -m tests.matrix` makes tests/matrix/README.md."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.matrix.table import KINDS, PURPOSES, RELATIONS, ROLES, STATES, TIMES, Row, Setting, rows, settings

PAGE = Path(__file__).with_name("README.md")

INTRODUCTION = """\
# Who may open what

One table for everything that decides: the reader's role, what binds her to the patient, the kind of record, the state
of all who are concerned, the time, and the purpose that she states. It has {rows:,} rows. `reference.py` says what
each must come out as, in {lines} lines that share no code with the ledger; `table.py` lists the rows;
`test_contract.py` asks the contract every one of them and `test_gateway.py` asks a running gateway a part of them. A
row that differs fails the tests.

Below are the cuts that a person wants to read. A cell says **yes**, or the reason why not as the ledger gives it.
What is not varied in a cut is at its best: the record covered by what was granted, everything as granted, in its
time, for the purpose that fits (TREAT; FAMRQT for a delegate; BTG for a broken glass), and the reader a practitioner
(an emergency clinician for a broken glass, a patient for her own record).

This page is made by `python -m tests.matrix`; the tests fail if it is out of date.
"""


def best(relation: str) -> Row:
    """The row of a relation in which nothing stands in the way."""
    role = {"herself": "patient", "break-glass": "emergency"}.get(relation, "practitioner")
    purpose = {"break-glass": "BTG"}.get(relation, "FAMRQT" if relation.startswith("delegate") else "TREAT")
    return Row(Setting(role, relation, "covered", "as granted"), purpose, TIMES[1])


def varied(row: Row, **changes: str) -> str:
    """The verdict of a row with something else in it, for a cell; empty where that cannot be."""
    old = row.setting
    setting = Setting(
        changes.get("role", old.role), old.relation, changes.get("kind", old.kind), changes.get("state", old.state)
    )
    time = changes.get("time", row.time)
    if not setting.is_possible or (time != TIMES[1] and not setting.is_timed):
        return ""
    verdict = Row(setting, changes.get("purpose", row.purpose), time).verdict()
    return "**yes**" if verdict == "permitted" else verdict.replace("_", " ")


def cut(title: str, across: Sequence[str], cell: Callable[[str, str], str]) -> str:
    """One table: relations down, something else across."""
    lines = [f"## {title}\n", f"| | {' | '.join(across)} |", f"|---|{'---|' * len(across)}"]
    lines += [f"| {relation} | {' | '.join(cell(relation, each) for each in across)} |" for relation in RELATIONS]
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    count = sum(len(list(rows(setting))) for setting in settings())
    lines = len(Path(__file__).with_name("reference.py").read_text().splitlines())
    tables = [
        cut("Who asks", list(ROLES), lambda relation, role: varied(best(relation), role=role)),
        cut("For what kind of record", list(KINDS), lambda relation, kind: varied(best(relation), kind=kind)),
        cut("For which purpose", PURPOSES, lambda relation, purpose: varied(best(relation), purpose=purpose)),
        cut("When", TIMES, lambda relation, time: varied(best(relation), time=time)),
        cut("How things stand: the people", STATES[:9], lambda relation, state: varied(best(relation), state=state)),
        cut("How things stand: the record", STATES[9:], lambda relation, state: varied(best(relation), state=state)),
    ]
    return "\n\n".join([INTRODUCTION.format(rows=count, lines=lines).rstrip(), *tables]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
