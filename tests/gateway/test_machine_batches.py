"""Batches over the whole gateway, on a real chain and beside the model: whatever is done and whatever is killed or cut
off meanwhile, a batch is posted once, and each record of it is read, answered, corrected, retracted, granted and proven
as one that came by itself.

The gateway, its line and its node fail as in `tests.gateway.test_machine`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.codes import Purpose
from offchain_store.local import LocalStore
from tests.gateway import machine_batch_checks as checks
from tests.gateway.machine_batch_model import PATIENTS, build_laboratory, model_of_laboratory
from tests.gateway.machine_batch_reading import READERS
from tests.gateway.machine_batches import BatchActs
from tests.gateway.machine_checks import acts_by, check_index, check_log, check_nothing_in_the_clear
from tests.gateway.machine_faults import Act, run
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_world import CANARY, House
from tests.gateway.served import correlation
from tests.waiting import until

STEPS = [
    "gateway.batches.store/BatchStore.commit:before",
    "gateway.batches.store/BatchStore.commit:after",
    "gateway.batches.store/BatchStore.close:after",
    "gateway.batches.posting/put_manifest:after",
    "ledger.outbox/Outbox.enqueue:after",
    "gateway.batches.store/BatchStore.posted:before",
    "gateway.batches.store/BatchStore.posted:after",
    "gateway.batches.index/BatchIndex.add:before",
    "gateway.batches.index/BatchIndex.add:after",
    "gateway.batches.store/BatchStore.settled:before",
    "gateway.batches.store/BatchStore.settled:after",
    "gateway.web.requests/Requests.remember_answer:before",
    "gateway.web.requests/Requests.remember_answer:after",
]
"""Where the gateway kills itself while a batch is posted."""
ELSEWHERE = [
    "ledger.outbox/Outbox.enqueue:after",
    "gateway.web.requests/Requests.remember_answer:before",
    "gateway.web.requests/Requests.remember_answer:after",
    "gateway.log.accesslog/AccessLog.append:after",
]
"""The same while something else is done."""


class Laboratory(BatchActs):
    """A laboratory, its patients and their doctors at a gateway, and all that may fail around it."""

    def furnish(self) -> None:
        self.model = self.world.model = model_of_laboratory(self.world)
        self.before = acts_by(self.world)
        self.post_batch()
        for patient in PATIENTS:
            self.grant(patient)
        for patient in PATIENTS[:2]:
            self.let_read(patient, "doctor")
        self.change_meanwhile()

    def settle(self) -> None:
        checks.settle(self.world, self.model)
        patient = self.chance.choice(PATIENTS)
        self.see_lists(patient, self.chance.choice([patient, *READERS]))

    def see_lists(self, patient: str, viewer: str) -> None:
        """See what the viewer's lists about a patient say; one look is enough unless the gateway has to catch up."""
        checks.await_no(lambda: checks.lists_differ(self.world, self.model, patient, viewer))

    def carry_out(self, act: Act, failing: Callable[[Act], None]) -> None:
        """And two acts more while nothing fails: they cost little."""
        failing(act)
        for _ in range(2):
            self.settle()
            (act,) = self.chance.choices(*zip(*self.acts(), strict=True))
            act()

    def check_all(self) -> None:
        for patient in PATIENTS:
            for viewer in (patient, "doctor", "technician"):
                self.see_lists(patient, viewer)
        self.check_while_patients_sleep()
        self.world.wake()
        evidence = {}
        for digest in self.model.results:
            patient = self.model.records[digest].patient
            self.read(digest, patient, Purpose.PATRQT)
            evidence[digest] = self.world.ask(patient, "GET", f"/v1/records/{digest.hex()}/evidence").json()
        for again in self.done:
            self.repeat(again)
        checks.await_no(lambda: checks.slips_differ(self.world, self.model))
        checks.settle(self.world, self.model)
        self.world.gateway.kill()
        store = LocalStore(self.folder / "store")
        for digest, found in evidence.items():
            checks.check_proof(self.world, self.model, digest, found, store)
        check_log(self.world, self.opened, self.cut_off)
        check_index(self.world)
        checks.check_nothing_twice(self.world, self.model, self.before + self.expected)
        check_nothing_in_the_clear(self.folder, [CANARY.encode(), *self.contents.values()])

    def check_while_patients_sleep(self) -> None:
        """Whoever one consent lets read a whole record has got her key slip: no patient has to be here when she
        reads."""
        until(lambda: checks.is_handed_over(self.world, self.model), PATIENCE)
        self.world.kill_gateway(wake=False)
        for reader, digest in self.model.slips_of({"doctor", "locum", "nurse", "technician"}):
            if self.permits(reader, digest, Purpose.TREAT):
                name, path = correlation(), f"/v1/records/{digest.hex()}/open"
                answer = self.world.ask_now(reader, path, {"purpose": "TREAT"}, correlation=name)
                self.opened[name] = True
                assert answer.status_code == 200, f"{reader} while its patient sleeps: {answer.text}"
                assert answer.content == self.contents[digest]

    def failures(self) -> list[tuple[Callable[[Act], None], float]]:
        return [
            (self.as_it_should, 4),
            (self.on_a_bad_line, 5),
            (self.while_a_batch_is_posted, 3),
            (self.dying_at_a_step, 2),
            (self.while_the_node_is_killed, 1),
        ]

    # --- what goes wrong

    def while_a_batch_is_posted(self, _: Act) -> None:
        self.dying_at(STEPS, self.post_batch)

    def dying_at_a_step(self, act: Act) -> None:
        self.dying_at(ELSEWHERE, act)

    def while_the_node_is_killed(self, _: Act) -> None:
        """A batch is posted meanwhile: it needs nothing that the node may have forgotten."""
        self.let_the_node_dump()
        self.killing_the_node(self.post_batch)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """What every run begins with."""
    return build_laboratory(tmp_path_factory.mktemp("house") / "gateway")


@pytest.mark.timeout(3_600)
def test_whatever_fails_a_record_of_a_batch_is_as_readable_retractable_and_provable_as_a_single_one(
    house: House, tmp_path: Path
) -> None:
    run(Laboratory, house, tmp_path / "run", examples=2, steps=12)
