"""Tables whose rows are numbered from 0 without a gap and that the database itself refuses to change.

>>> append_only(table, "the list of disposals")
"""

from sqlalchemy import Table, event
from sqlalchemy.schema import DDL


def append_only(table: Table, what: str) -> Table:
    """Have a table with a primary key `seq` refuse every change but the next row, on SQLite and PostgreSQL.

    Args:
        what: for the refusal's text.
    """
    name, refused = table.name, f"{what} is append-only"
    for act in ("UPDATE", "DELETE"):
        _after_create(
            table,
            "sqlite",
            f"CREATE TRIGGER {name}_no_{act.lower()} BEFORE {act} ON {name}"
            f" BEGIN SELECT RAISE(ABORT, '{refused}'); END",
        )
    # REPLACE would delete without asking the trigger above; and no row is put where there is one, or behind a gap.
    following = f"COALESCE((SELECT MAX(seq) + 1 FROM {name}), 0)"  # noqa: S608  (the names are ours)
    _after_create(
        table,
        "sqlite",
        f"CREATE TRIGGER {name}_in_order BEFORE INSERT ON {name} WHEN NEW.seq <> {following}"
        f" BEGIN SELECT RAISE(ABORT, '{refused}'); END",
    )
    _after_create(
        table,
        "postgresql",
        f"CREATE OR REPLACE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{refused}'; END $$;"
        f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {name}_refuse()",
    )
    return table


def _after_create(table: Table, dialect: str, statement: str) -> None:
    event.listen(table, "after_create", DDL(statement).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]
