"""Whatever is appended, signed, started again or tried against the log, in whatever order: its size and root only move
forward, every checkpoint begins with every earlier one, and every line is proven in every checkpoint that counts it."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from gateway.database import metadata, open_database, writing
from gateway.identity.keystore import identity
from gateway.log.accesslog import AccessLog
from gateway.log.audit import audit_database
from gateway.log.checkpoints import Checkpoints, Signed
from gateway.log.tree import checkpoints, lines, nodes
from ledger.checkpoint import Checkpoint, open_note
from ledger.translog import consistency_proof, inclusion_proof, leaf_hash, verify_consistency, verify_inclusion
from tests.gateway.test_accesslog import attempt

MEMORY = Path("/dev/shm")
"""Where there is no disk to wait for, if the system has such a place."""
OPERATOR = identity(b"\x01" * 32, "operator")
SEED = token_bytes(32)
TRIED = (
    "UPDATE access_log SET at = 0",
    "DELETE FROM access_log WHERE seq = (SELECT MAX(seq) FROM access_log)",
    "REPLACE INTO access_log SELECT * FROM access_log WHERE seq = 0",
    "INSERT INTO access_log SELECT seq + 2, at, reader, patient, digest, permitted, leaf, leaf_hash FROM access_log",
    "UPDATE access_log_nodes SET hash = x'00'",
    "DELETE FROM access_log_nodes",
    "INSERT INTO access_log_checkpoints SELECT size - 1, root, 0 FROM access_log_checkpoints",
    "REPLACE INTO access_log_checkpoints SELECT size, x'00', 0 FROM access_log_checkpoints",
)


class Log(RuleBasedStateMachine):
    """One log, and what was ever seen of it."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self._engine = open_database(f"sqlite:///{self._folder / 'log.db'}")
        metadata.create_all(self._engine, [lines, nodes, checkpoints])
        self.signed: list[Signed] = []
        self.leaves: list[bytes] = []
        self.time = 1_700_000_000
        self.start_again()

    def teardown(self) -> None:
        self._engine.dispose()
        shutil.rmtree(self._folder)

    @rule()
    def start_again(self) -> None:
        """A process that knows what the database says."""
        self.log = AccessLog(self._engine)
        self.checkpoints = Checkpoints(self._engine, self.log, origin="log/1", seed=SEED, operator=OPERATOR)

    @rule(count=st.integers(1, 9), back=st.sampled_from([0, 0, 0, 50]))
    def append(self, count: int, back: int) -> None:
        for _ in range(count):
            self.time += 1
            line = self.log.append(replace(attempt(), at=self.time - back))
            assert line.seq == len(self.leaves)
            self.leaves.append(leaf_hash(line.leaf))

    @rule()
    def sign(self) -> None:
        before = self.signed[-1].checkpoint.size if self.signed else 0
        signed = self.checkpoints.sign(self.time)
        assert (signed is None) == (before == len(self.leaves))
        if signed is not None:
            self.signed.append(signed)

    @rule()
    def go_through(self) -> None:
        audit = audit_database(self._engine, [])
        assert (audit.faults, audit.lines) == ([], len(self.leaves))

    @rule(statement=st.sampled_from(TRIED))
    def tamper(self, statement: str) -> None:
        """The database refuses, unless there is nothing that it could be done to."""
        table = statement.split()[2 if statement.split()[1] in ("FROM", "INTO") else 1]
        with self._engine.connect() as connection:
            is_empty = connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar() == 0
        if not is_empty:
            with pytest.raises(IntegrityError, match="append-only"), writing(self._engine) as connection:
                connection.execute(text(statement))

    @invariant()
    def the_log_is_what_was_written(self) -> None:
        assert self.log.leaf_hashes() == self.leaves

    @invariant()
    def checkpoints_only_move_forward_and_begin_with_one_another(self) -> None:
        sizes = [one.checkpoint.size for one in self.signed]
        assert sizes == sorted(set(sizes))
        for earlier in self.signed:
            again = Checkpoint.parse(open_note(earlier.note, self.checkpoints.key))
            assert again == earlier.checkpoint
            assert verify_consistency(
                first=earlier.checkpoint.size,
                second=sizes[-1],
                proof=consistency_proof(self.log.tree, earlier.checkpoint.size, sizes[-1]),
                first_root=earlier.checkpoint.root,
                second_root=self.signed[-1].checkpoint.root,
            )

    @invariant()
    def every_line_is_proven_in_the_last_checkpoint(self) -> None:
        for one in self.signed[-1:]:
            size, root = one.checkpoint.size, one.checkpoint.root
            for index in {0, size // 2, size - 1}:
                proof = inclusion_proof(self.log.tree, index, size)
                assert verify_inclusion(self.leaves[index], index=index, size=size, proof=proof, root=root)


Log.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
test_a_log_only_moves_forward = Log.TestCase
