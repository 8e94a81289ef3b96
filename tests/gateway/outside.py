"""What is left when a gateway is gone, its database with it: a node, a store, and evidence that people have kept."""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gateway import flow
from gateway.batches import records as batch_records
from gateway.consents import consenting
from gateway.consents.collected import find_collected
from gateway.consents.collecting import anchor_collected
from gateway.identity.keystore import identity
from gateway.identity.secrets_at_rest import key_file
from gateway.log.evidence import (
    checkpoint_evidence,
    consent_evidence,
    line_evidence,
    prescription_evidence,
    record_evidence,
    signed_consent_evidence,
)
from gateway.prescriptions import dispensing
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions.access import open_slip
from gateway.prescriptions.claims import Counter
from gateway.prescriptions.issuing import Order
from gateway.slips.slips import unwrap
from gateway.verify.commands import app
from gateway.verify.evidence import Evidence, encode_evidence
from ledger.codes import Category, Purpose, purposes_mask
from ledger.deployment import deploy
from ledger.devnet import Devnet
from ledger.rpc import Node
from ledger.types import ConsentTerms, PrescriptionTerms, Subject, consent_id
from tests.gateway.logs import anchor, be_refused, deposit, look
from tests.gateway.people import World, populate, running
from tests.gateway.test_batches import digest_of, posted, results
from tests.gateway.test_collected_consents import signed_by

CONTENT = b"CANARY: sleeps badly"
DAY = 86_400


@dataclass(slots=True)
class Outside:
    """All that is left: a node, its deployment file, a store, evidence, and a record key."""

    node: str
    deployment: Path
    store: Path
    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    json: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)

    def put(self, name: str, evidence: Evidence) -> None:
        """Keep a piece of evidence."""
        self.files[name] = self.folder / f"{name}.json"
        self.files[name].write_bytes(encode_evidence(evidence))
        self.json[name] = evidence.as_json()

    def verify(self, name: str, *more: str, trusted: bool = True, **changes: Any) -> tuple[int, dict[str, Any]]:
        """Verify a piece of evidence, perhaps bent; exit status and answer."""
        file = self.files[name]
        if changes:
            file = self.folder / "bent.json"
            file.write_text(json.dumps({**self.json[name], **changes}))
        words = [self.json[name]["kind"].removeprefix("signed-"), str(file), "--node", self.node, "--json", *more]
        if trusted:
            words += ["--deployment", str(self.deployment)]
        if self.json[name]["kind"] in ("record", "consent", "signed-consent", "prescription") and "--store" not in more:
            words += ["--store", str(self.store)]
        return run(*words)


def run(*words: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, list(words), env={"CONSENT_LEDGER_NODE_URL": "", "CONSENT_LEDGER_DEPLOYMENT": ""})
    assert result.exit_code in (0, 1, 2), result.output
    assert "Traceback" not in result.output
    answer: dict[str, Any] = json.loads(result.stdout) if result.stdout.startswith("{") else {}
    return result.exit_code, answer


@contextmanager
def left_behind(folder: Path) -> Iterator[Outside]:
    """A gateway's life, and what is left when it is gone."""
    data = folder / "gateway"
    with Devnet.start(folder / "chain", chain_id=43_771, block_time=None) as devnet:
        operator = identity(key_file(data / "keys" / "operator.key"), "operator")
        with Node(devnet.url) as node:
            deploy(node, operator.account, consortium=operator.address).save(data / "deployment.json")
        left = Outside(devnet.url, folder / "deployment.json", folder / "store", folder)
        with running(data, node_url=devnet.url, gas_price=0) as gateway:
            _live(populate(gateway), left)
        shutil.copy(data / "deployment.json", left.deployment)
        shutil.copytree(data / "store", left.store)
        shutil.rmtree(data)
        yield left


def _live(world: World, left: Outside) -> None:
    gateway = world.gateway
    digest = deposit(world, CONTENT)
    left.put("record", record_evidence(gateway, digest))
    for name, signers in (("one-signature", 0), ("two-signatures", 1)):
        _agreed(world, left, name, signers)
    key = unwrap(gateway, world.patient.address, world.patient.sealing, digest)
    assert key is not None
    left.secrets["record"] = key

    world.let(world.patient, world.laboratory.address, Category.LABORATORY, write=True)
    batch = posted(world, "night", results(world.patient, 3))
    left.put("in-batch", record_evidence(gateway, digest_of(world, batch, "r-1")))
    wrong = digest_of(world, batch, "r-2")
    batch_records.retract(gateway, world.technician.address, wrong, world.errand())
    left.put("retracted", record_evidence(gateway, wrong))

    treatment = purposes_mask(Purpose.TREAT)
    granted = ConsentTerms(Category.MEDICATION, treatment, 0, world.now() + 400 * DAY, may_write=True)
    scope = consenting.grant(gateway, world.patient, world.doctor.address, granted, errand=world.errand()).scope
    consent = next(
        one
        for one in gateway.index.consents_of(world.patient.address, 9)
        if (one.grantee, one.scope) == (world.doctor.address, scope)
    )
    left.put("consent", consent_evidence(gateway, consent))
    other = world.let(world.patient, world.hospital.address, Category.LABORATORY)
    world.act(gateway.ledger.acts.withdraw(world.hospital.address, other), world.patient)
    gone = next(one for one in gateway.index.consents_of(world.patient.address, 9) if one.withdrawn)
    left.put("withdrawn", consent_evidence(gateway, gone))

    signed = signed_by(gateway.ledger.domain, world.patient, world.pharmacist.address, world.now())
    gateway.sessions.open(world.hospital.address, world.hospital)
    anchor_collected(gateway, world.hospital.address, [signed], world.errand())
    collected = find_collected(gateway, consent_id(signed.patient, signed.grantee, signed.scope))
    assert collected is not None
    left.put("signed-consent", signed_consent_evidence(gateway, collected))

    terms = PrescriptionTerms(2, 30, 60, 0, world.now() - 10, world.now() + 90 * DAY)
    order = Order(world.patient.address, Category.MEDICATION, terms, world.header(Category.MEDICATION))
    issued = prescriptions.issue(gateway, world.doctor, order, io.BytesIO(CONTENT), world.errand())
    counter = Counter(prescriptions.present(gateway, world.patient, issued.prescription))
    dispensing.dispense(gateway, world.pharmacist, counter, 30, world.errand())
    opening = open_slip(gateway, world.patient, issued.prescription).opening
    left.put("prescription", prescription_evidence(gateway, opening))
    left.put("body", record_evidence(gateway, opening.digest))

    (line,) = look(world, digest)
    anchor(gateway)
    refused = be_refused(world, digest)
    look(world, digest, times=3)
    anchor(gateway)
    left.put("line", line_evidence(gateway, line))
    left.put("refused", line_evidence(gateway, refused))
    left.put("checkpoint", checkpoint_evidence(gateway, earlier=line.seq + 1))
    left.secrets["operator"] = gateway.operator.secret


def _agreed(world: World, left: Outside, name: str, signers: int) -> None:
    """What a doctor writes and asks the patient to sign too."""
    acts = world.gateway.ledger.acts
    draft = flow.Draft(world.patient.address, Category.CARE_PLAN, world.header(Category.CARE_PLAN, "text/plain"))
    world.let(world.patient, world.doctor.address, Category.CARE_PLAN, write=True)
    agreed = flow.deposit(world.gateway, world.doctor, draft, io.BytesIO(CONTENT), world.errand()).digest
    subject = Subject(world.patient.address, Category.CARE_PLAN)
    world.act(acts.await_cosignature(agreed, subject), world.doctor)
    for _ in range(signers):
        world.act(acts.cosign(agreed, subject, world.doctor.address), world.patient)
    left.put(name, record_evidence(world.gateway, agreed))
