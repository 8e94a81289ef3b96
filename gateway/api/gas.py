"""What each operation and workflow has cost so far on this network: for researchers, and for whoever pays."""

from fastapi import APIRouter
from pydantic import Field

from gateway.api.models import Out
from gateway.web.deps import CallerDep, GatewayDep

router = APIRouter(prefix="/v1", tags=["gas"])


class OperationGas(Out):
    """One function of the contract, over all its transactions."""

    operation: str
    transactions: int
    min: int
    median: int
    max: int
    gas: int = Field(description="In all.")


class WorkflowGas(Out):
    """One kind of thing that acts are about, each followed from its first act to its latest."""

    workflow: str
    title: str
    count: int = Field(description="How many there are.")
    min: int = Field(description="Gas of one so far.")
    median: int
    max: int
    gas: int = Field(description="Of all together.")


class PayerGas(Out):
    """Everybody with the same roles."""

    roles: list[str] = Field(description="Empty: somebody who is not registered, such as a relay.")
    transactions: int
    gas: int


class GasOut(Out):
    """What the ledger has cost so far. No figure is about a person."""

    block: int = Field(description="The newest block that is counted.")
    transactions: int
    gas: int
    paid_wei: str = Field(description="What was paid for it; 0 where gas is free.")
    unknown: int = Field(description="Transactions whose receipts are still to be asked for: in no figure.")
    operations: list[OperationGas]
    workflows: list[WorkflowGas]
    payers: list[PayerGas]


@router.get("/gas", summary="What the ledger has cost so far")
def gas(caller: CallerDep, gateway: GatewayDep) -> GasOut:
    """From the receipts in the index: every transaction once by its function, and once in its workflow."""
    found = gateway.costs.so_far()
    return GasOut(
        block=found.block,
        transactions=found.transactions,
        gas=found.gas,
        paid_wei=str(found.paid),
        unknown=found.unknown,
        operations=[
            OperationGas(
                operation=one.operation,
                transactions=one.count,
                min=one.least,
                median=one.median,
                max=one.most,
                gas=one.gas,
            )
            for one in found.operations
        ],
        workflows=[
            WorkflowGas(
                workflow=one.workflow,
                title=one.title,
                count=one.count,
                min=one.least,
                median=one.median,
                max=one.most,
                gas=one.gas,
            )
            for one in found.workflows
        ],
        payers=[PayerGas(roles=one.roles.labels(), transactions=one.count, gas=one.gas) for one in found.payers],
    )
