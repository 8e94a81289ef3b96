"""Workflows are data; their costs are sums of receipts."""

import pytest

from ledger.codes import Role
from ledger.gas.catalogue import OPERATIONS
from ledger.gas.network import GasRunFailed, Network
from ledger.gas.play import play
from ledger.gas.stage import step
from ledger.gas.theatre import Theatre
from ledger.gas.workflows import WORKFLOWS, Workflow, WorkflowCost, measure_workflows, workflow


@pytest.fixture(scope="module")
def costs(theatre: Theatre) -> dict[str, WorkflowCost]:
    return {cost.name: cost for cost in measure_workflows(theatre, runs=3)}


def test_names_are_unique() -> None:
    names = [one.name for one in WORKFLOWS]
    assert len(set(names)) == len(names)


def test_every_step_is_an_operation_of_the_catalogue_or_a_read() -> None:
    known = {one.name for one in OPERATIONS} | {"read", "wait"}
    assert {step.name for one in WORKFLOWS for step in one.steps} <= known


def test_a_workflow_costs_what_its_receipts_add_up_to(network: Network, costs: dict[str, WorkflowCost]) -> None:
    for cost in costs.values():
        told = [
            int(network.node.request("eth_getTransactionReceipt", step.receipt.transaction)["gasUsed"], 16)
            for step in cost.steps
            if step.receipt
        ]
        assert cost.first == sum(told) == sum(cost.by_payer.values())
        assert cost.each <= cost.first
        assert cost.least <= cost.first <= cost.most


def test_refills_cost_a_dispense_each(costs: dict[str, WorkflowCost]) -> None:
    once, thrice = costs["prescription"], costs["prescription-refills"]
    dispenses = [step.gas for step in thrice.steps if step.operation == "dispensePresented"]
    assert len(dispenses) == 3
    assert thrice.each - once.each == pytest.approx(sum(dispenses[1:]), abs=2_000)


def test_who_pays_is_who_acts(costs: dict[str, WorkflowCost]) -> None:
    assert set(costs["prescription"].by_payer) == {"patient", "practice", "pharmacy"}
    assert set(costs["relayed-consent"].by_payer) == {"hospital"}


def test_reading_is_free_and_decided_by_the_ledger(theatre: Theatre, costs: dict[str, WorkflowCost]) -> None:
    reads = [step for step in costs["grant-read-withdraw"].steps if step.operation == "read"]
    assert [(step.gas, step.receipt) for step in reads] == [(0, None)]
    (stage,) = theatre.stages("reading without a consent", 1)
    script = (step("register", "hospital"), step("anchor", "patient"), step("read", "doctor", author="patient"))
    with pytest.raises(GasRunFailed, match="not to permit"):
        play(theatre.network, [stage], script)


def test_a_new_workflow_is_a_few_lines(theatre: Theatre) -> None:
    new = Workflow("denial", "Somebody is denied, and then not", (
        step("setDenial", "patient", to="doctor"),
        step("setDenial", "patient", to="doctor", denied=False, operation="setDenial/lift"),
    ))  # fmt: skip
    (cost,) = measure_workflows(theatre, runs=2, workflows=[new])
    assert [one.operation for one in cost.steps] == ["setDenial", "setDenial/lift"]


def test_a_step_that_fails_says_which_rule_it_broke(theatre: Theatre) -> None:
    (stage,) = theatre.stages("a stranger anchors", 1)
    with pytest.raises(GasRunFailed, match=r"anchor: WriteNotPermitted\("):
        play(theatre.network, [stage], (step("register", "hospital"), step("anchor", "laboratory")))


def test_an_unknown_workflow_is_a_key_error() -> None:
    assert workflow("prescription").steps
    with pytest.raises(KeyError):
        workflow("surgery of tomorrow")


def test_the_workflows_of_care_are_paid_by_those_who_act(costs: dict[str, WorkflowCost]) -> None:
    assert set(costs["emergency"].by_payer) == {"patient", "hospital", "consortium", "medic", "authority"}
    assert set(costs["delegation"].by_payer) == {"patient", "hospital", "carer"}
    assert set(costs["second-opinion"].by_payer) == {"patient", "hospital", "second"}
    assert set(costs["co-signed-session"].by_payer) == {"patient", "doctor", "hospital"}
    assert set(costs["asked-access"].by_payer) == {"patient", "doctor"}


def test_a_delegate_and_a_glass_open_nothing_by_themselves(theatre: Theatre) -> None:
    """The free reads of these workflows are decisions: without the act before them they do not permit."""
    own = (step("register", "hospital"), step("anchor", "patient"))
    for verb, who, roles in (("readForHer", "carer", Role.PATIENT), ("readThroughGlass", "medic", Role.EMERGENCY)):
        (stage,) = theatre.stages(f"{verb} without leave", 1)
        script = (*own, step("register", "hospital", who=who, roles=roles), step(verb, who, author="patient"))
        with pytest.raises(GasRunFailed, match="not to permit"):
            play(theatre.network, [stage], script)
