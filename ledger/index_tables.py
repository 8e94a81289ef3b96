"""The index's own tables, beside those of the events (`ledger.events`): how far it has come, and what it has cost."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()

cursors = Table(
    "index_cursor",
    metadata,
    Column("address", String(42), primary_key=True),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary(32)),
)
"""How far the index has come: the newest block all of whose events are in it. No hash: nothing was read yet."""

blocks = Table(
    "index_blocks",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("block_hash", LargeBinary(32), nullable=False),
    Column("time", BigInteger, nullable=False),
)
"""Blocks with events; `time` in seconds since 1970."""

transactions = Table(
    "transactions",
    metadata,
    Column("transaction_hash", LargeBinary(32), primary_key=True),
    Column("block_number", BigInteger, nullable=False, index=True),
    Column("sender", LargeBinary(20)),
    Column("recipient", LargeBinary(20)),
    Column("selector", LargeBinary(4), index=True),
    Column("zero_bytes", Integer),
    Column("nonzero_bytes", Integer),
    Column("gas_used", BigInteger, index=True),
    Column("effective_gas_price", BigInteger),
)
"""Transactions with events: who called what, with how much calldata, and what it cost. Empty columns: not asked yet."""
