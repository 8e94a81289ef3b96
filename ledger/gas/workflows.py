"""The workflows: what people do from beginning to end, as a declared sequence of acts with who pays for which.

>>> [step.verb for step in workflow("laboratory-result").steps]
['grant', 'anchor']

Adding one is a few lines: a name, a title, the steps. A step marked `once` is done for good (a standing consent), so a
workflow has a cost the first time and a smaller one every time after. Reading is a decision, asked by a call: free.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.codes import Role
from ledger.gas.network import Receipt
from ledger.gas.play import play
from ledger.gas.stage import Step, step
from ledger.gas.theatre import Theatre


@dataclass(frozen=True, slots=True)
class Workflow:
    """A sequence of acts that belong together."""

    name: str
    title: str
    steps: tuple[Step, ...]
    per: int = 1
    """How many records or consents one run is for."""
    unit: str = "records"
    """What `per` counts."""
    registers: bool = False
    """The steps register the patient themselves."""


_LABORATORY_MAY_WRITE = step("grant", "patient", to="laboratory", may_write=True, once=True)
_PRESCRIBER_MAY_WRITE = step("grant", "patient", to="practice", may_write=True, once=True)

WORKFLOWS: tuple[Workflow, ...] = (
    Workflow(
        "admission",
        "A patient is registered with her key card, identified, and states her preferences",
        (
            step("registerWithKeyCard", "hospital"),
            step("link", "hospital", who="patient"),
            step("setPreferences", "patient"),
        ),
        registers=True,
    ),
    Workflow(
        "grant-read-withdraw",
        "A consent is granted, a record is read on it, the consent is withdrawn",
        (
            step("anchor", "patient", operation="anchor/own", once=True),
            step("grant", "patient", to="doctor"),
            step("read", "doctor", author="patient"),
            step("withdraw", "patient", to="doctor"),
        ),
    ),
    Workflow(
        "relayed-consent",
        "The same by signature: the hospital relays, the patient needs no gas",
        (
            step("grantSigned", "hospital", to="doctor"),
            step("withdrawSigned", "hospital", to="doctor"),
        ),
    ),
    Workflow(
        "prescription",
        "A prescription, issued and dispensed on the key that the patient presents",
        (_PRESCRIBER_MAY_WRITE, step("issue", "practice"), step("dispensePresented", "pharmacy")),
    ),
    Workflow(
        "prescription-refills",
        "A prescription with two refills, each presented",
        (
            _PRESCRIBER_MAY_WRITE,
            step("issue", "practice", fills=3),
            step("dispensePresented", "pharmacy"),
            step("dispensePresented", "pharmacy"),
            step("dispensePresented", "pharmacy"),
        ),
    ),
    Workflow(
        "prescription-granted",
        "A prescription, dispensed by the pharmacy that prescriber and patient let claim it",
        (
            _PRESCRIBER_MAY_WRITE,
            step("grant", "patient", to="pharmacy", once=True),
            step("issue", "practice", grantable=True),
            step("dispenseGranted", "pharmacy"),
        ),
    ),
    Workflow(
        "prescription-reserved",
        "A prescription, reserved while stock is fetched, then dispensed",
        (
            _PRESCRIBER_MAY_WRITE,
            step("issue", "practice"),
            step("reservePresented", "pharmacy"),
            step("dispenseReserved", "pharmacy"),
        ),
    ),
    Workflow(
        "laboratory-result",
        "One laboratory result",
        (_LABORATORY_MAY_WRITE, step("anchor", "laboratory")),
    ),
    Workflow(
        "proposed-result",
        "One result from a laboratory that the patient does not know, which she accepts",
        (step("propose", "laboratory"), step("answer", "patient", author="laboratory")),
    ),
    Workflow(
        "corrected-result",
        "One laboratory result, corrected",
        (_LABORATORY_MAY_WRITE, step("anchor", "laboratory"), step("supersede", "laboratory")),
    ),
    Workflow(
        "night-batch",
        "A night's batch of 1,000 laboratory results",
        (step("anchorBatch", "laboratory", count=1_000),),
        per=1_000,
    ),
    Workflow(
        "campaign",
        "1,400 signed consents of a campaign",
        (step("anchorConsents", "hospital", count=1_400),),
        per=1_400,
        unit="consents",
    ),
    Workflow(
        "campaign-withdrawal",
        "One consent of a campaign is withdrawn",
        (step("withdraw", "patient", to="hospital", operation="withdraw/anchored"),),
    ),
    Workflow(
        "asked-access",
        "A doctor asks for access, the patient grants it, the doctor reads",
        (
            step("anchor", "patient", operation="anchor/own", once=True),
            step("ask", "doctor"),
            step("grantAsAsked", "patient"),
            step("read", "doctor", author="patient"),
        ),
    ),
    Workflow(
        "delegation",
        "A delegate is named, reads and grants for the patient, withdraws again, and is dismissed",
        (
            step("anchor", "patient", operation="anchor/own", once=True),
            step("register", "hospital", who="carer", once=True),
            step("setDelegation", "patient"),
            step("readForHer", "carer", operation="read", author="patient"),
            step("grantFor", "carer", to="doctor"),
            step("read", "doctor", author="patient"),
            step("withdrawFor", "carer", to="doctor"),
            step("endDelegation", "patient", operation="setDelegation/end"),
        ),
    ),
    Workflow(
        "second-opinion",
        "A second doctor reads, writes an opinion, which the first doctor is let read, and is let go",
        (
            step("anchor", "patient", operation="anchor/own", once=True),
            step("register", "hospital", who="second", roles=Role.PRACTITIONER, once=True),
            step("grant", "patient", to="second", may_write=True),
            step("read", "second", author="patient"),
            step("anchor", "second", operation="anchor/member"),
            step("grant", "patient", to="doctor"),
            step("read", "doctor", author="second"),
            step("withdraw", "patient", to="second"),
        ),
    ),
    Workflow(
        "co-signed-session",
        "A session's summary, signed by the clinician and, relayed by the hospital, by the patient",
        (
            step("grant", "patient", to="doctor", may_write=True, once=True),
            step("anchor", "doctor", operation="anchor/member"),
            step("awaitCosignature", "doctor"),
            step("cosignSigned", "hospital", author="doctor"),
        ),
    ),
    Workflow(
        "team-care",
        "A team may write and one of its members does",
        (
            step("grant", "patient", to="team", may_write=True, once=True),
            step("anchorAsMember", "doctor", team="team"),
        ),
    ),
    # Last, since an hour passes before the review.
    Workflow(
        "emergency",
        "The glass is broken, a record is read, the opening is reviewed",
        (
            step("anchor", "patient", operation="anchor/own", once=True),
            step("register", "hospital", who="medic", roles=Role.EMERGENCY, once=True),
            step("admit", "consortium", who="authority", roles=Role.AUDITOR, once=True),
            step("breakGlass", "medic"),
            step("readThroughGlass", "medic", operation="read", author="patient"),
            step("wait", "", seconds=3_600),
            step("reviewBreakGlass", "authority", of="medic"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class StepCost:
    """What one step of a workflow cost."""

    operation: str
    payer: str
    once: bool
    receipt: Receipt | None
    """None: nothing was sent, the step is free."""

    @property
    def gas(self) -> int:
        return self.receipt.gas if self.receipt else 0


@dataclass(frozen=True, slots=True)
class WorkflowCost:
    """What a workflow cost, step by step."""

    name: str
    title: str
    steps: tuple[StepCost, ...]
    """Of the run in the middle."""
    per: int
    unit: str
    runs: int
    least: int
    """Gas of the cheapest run, with all that is done once."""
    most: int
    """Gas of the dearest."""

    @property
    def first(self) -> int:
        """Gas of the first time, with all that is done once."""
        return sum(step.gas for step in self.steps)

    @property
    def each(self) -> int:
        """Gas of every further time."""
        return sum(step.gas for step in self.steps if not step.once)

    @property
    def by_payer(self) -> dict[str, int]:
        """Gas of the first time by who pays."""
        payers: dict[str, int] = {}
        for one in self.steps:
            if one.receipt:
                payers[one.payer] = payers.get(one.payer, 0) + one.gas
        return payers


def workflow(name: str) -> Workflow:
    """The workflow of that name.

    Raises:
        KeyError: there is none.
    """
    return {one.name: one for one in WORKFLOWS}[name]


def measure_workflows(
    theatre: Theatre,
    *,
    runs: int,
    workflows: Sequence[Workflow] = WORKFLOWS,
    progress: Callable[[str], None] | None = None,
) -> list[WorkflowCost]:
    """Play each workflow `runs` times, every time with a patient of its own.

    Args:
        progress: told the name of each workflow as it begins.

    Raises:
        GasRunFailed: a run failed.
        NodeError: the node does not answer.
    """
    costs = []
    for one in workflows:
        if progress:
            progress(one.name)
        stages = theatre.stages(f"workflow {one.name}", runs)
        if not one.registers:
            play(theatre.network, stages, (step("register", "hospital"),))
        played = play(theatre.network, stages, one.steps)
        totals = [sum(sent.gas for sent in run if sent) for run in zip(*played, strict=True)]
        middle = sorted(range(runs), key=totals.__getitem__)[(runs - 1) // 2]
        steps = tuple(
            StepCost(each.name, each.by, each.once, receipts[middle])
            for each, receipts in zip(one.steps, played, strict=True)
        )
        costs.append(WorkflowCost(one.name, one.title, steps, one.per, one.unit, runs, min(totals), max(totals)))
    return costs
