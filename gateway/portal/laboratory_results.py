"""Files that a laboratory drops: read into results, matched to patients, handed in to a batch; what is wrong, by line.

    >>> report = hand_in(gateway, laboratory, job, "night.ndjson", content)
    >>> report.accepted, [str(one) for one in report.unread]
    (998, ['line 17: its patient’s number leads to nobody', 'line 400: not JSON'])

A file is NDJSON (a FHIR resource a line), or JSON: one resource, or a Bundle of them. A folder is its files. What
cannot be posted is said by file and line, and keeps nothing else from being posted. The same file again changes
nothing, so whoever was interrupted drops it again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.batches.posting import MOST_AT_ONCE, MOST_CONTENT, ItemConflict, add
from gateway.batches.seal import NewItem
from gateway.errors import KeyCardError
from gateway.identity.directory import keyed_identifier
from gateway.portal.language import mark
from ledger.codes import Category
from ledger.types import Address

if TYPE_CHECKING:
    from gateway.services import Gateway

_TITLE = 120
"""Letters of a result's title."""


@dataclass(frozen=True, slots=True)
class Result:
    """One result on its way into a batch."""

    name: str
    """File and line: what the item is called. The same name and content again is the same item."""
    content: bytes = field(repr=False)
    system: str = field(repr=False)
    value: str = field(repr=False)
    """The patient's number, from the resource's subject."""
    title: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that cannot be posted, and why."""

    name: str
    """File and line, as its sender knows them."""
    why: str
    """A sentence, in English; said in the reader's language."""

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file."""

    accepted: int = 0
    unchanged: int = 0
    """Handed in before with the same content."""
    unread: tuple[Unread, ...] = ()

    def __add__(self, other: "Report") -> "Report":
        return Report(self.accepted + other.accepted, self.unchanged + other.unchanged, (*self.unread, *other.unread))


def results_in(file: str, content: bytes, *, first_line: int = 1) -> Iterator[Result | Unread]:
    """The results of one file.

    Args:
        first_line: the number of the content's first line, where it is a piece of a file of lines.
    """
    if not content.strip():
        yield Unread(file, mark("is empty"))
        return
    if not is_of_lines(file, content):
        yield from _in_json(file, content)
        return
    for number, line in enumerate(content.split(b"\n"), first_line):
        if line.strip():
            yield _result(f"{file}, line {number}", line.strip())


def is_of_lines(file: str, content: bytes) -> bool:
    """Whether each line is a resource of its own."""
    ending = file.lower().rpartition(".")[2]
    if ending in ("ndjson", "jsonl"):
        return True
    if ending == "json":
        return False
    first, _, rest = content.strip().partition(b"\n")
    return bool(rest) and _parsed(first) is not None


def match(gateway: "Gateway", results: Iterable[Result]) -> dict[tuple[str, str], Address]:
    """Whom the patients' numbers lead to; a number that leads to nobody is left out."""
    found: dict[tuple[str, str], Address] = {}
    asked: set[tuple[str, str]] = set()
    for result in results:
        number = (result.system, result.value)
        if number in asked:
            continue
        asked.add(number)
        patient = gateway.ledger.participant_by(keyed_identifier(gateway.consortium_key, *number))
        if patient is not None:
            found[number] = patient
    return found


def hand_in(
    gateway: "Gateway",
    author: Address,
    job: bytes,
    file: str,
    content: bytes,
    *,
    categories: Category = Category.LABORATORY,
    first_line: int = 1,
) -> Report:
    """Read a file, match its results to patients, and hand in all that can be.

    Raises:
        NotFound: no such batch of this author.
        RequestConflict: the batch takes no more results.
    """
    report = Report()
    waiting: list[Result] = []
    for one in results_in(file, content, first_line=first_line):
        if isinstance(one, Unread):
            report += Report(unread=(one,))
            continue
        waiting.append(one)
        if len(waiting) == MOST_AT_ONCE:
            report += _hand_in(gateway, author, job, waiting, categories)
            waiting = []
    return report + _hand_in(gateway, author, job, waiting, categories)


def _hand_in(
    gateway: "Gateway", author: Address, job: bytes, results: Sequence[Result], categories: Category
) -> Report:
    patients = match(gateway, results)
    known = [one for one in results if (one.system, one.value) in patients]
    lost = [
        Unread(one.name, mark("its patient’s number leads to nobody"))
        for one in results
        if (one.system, one.value) not in patients
    ]
    items = {
        one.name: NewItem(
            one.name, patients[one.system, one.value], categories, "application/fhir+json", one.content, one.title
        )
        for one in known
    }
    report = Report(unread=tuple(lost))
    while items:
        try:
            added = add(gateway, author, job, list(items.values()))
            return report + Report(added.accepted, added.unchanged)
        except ItemConflict as failure:
            # Another result under the same name keeps the others from nothing.
            del items[failure.item]
            report += Report(unread=(Unread(failure.item, mark("was handed in before with other content")),))
        except KeyCardError as failure:
            gone = [name for name, item in items.items() if item.patient == failure.address]
            if not gone:
                raise
            for name in gone:
                del items[name]
            sealed = mark("its patient has no key yet, so nothing can be sealed for her")
            report += Report(unread=tuple(Unread(name, sealed) for name in gone))
    return report


def _in_json(file: str, content: bytes) -> Iterator[Result | Unread]:
    resource = _parsed(content)
    if resource is None:
        yield Unread(file, mark("not JSON"))
    elif resource.get("resourceType") == "Bundle":
        entries = resource.get("entry")
        found = entries if isinstance(entries, list) else []
        if not found:
            yield Unread(file, mark("is a Bundle with nothing in it"))
        for number, entry in enumerate(found, 1):
            inner = entry.get("resource") if isinstance(entry, dict) else None
            name = f"{file}, entry {number}"
            if not isinstance(inner, dict):
                yield Unread(name, mark("has no resource"))
            else:
                yield _result(name, json.dumps(inner, ensure_ascii=False, separators=(",", ":")).encode())
    else:
        yield _result(file, content)


def _result(name: str, content: bytes) -> Result | Unread:
    if len(content) > MOST_CONTENT:
        return Unread(name, mark("is larger than 1 MB: send it as a record by itself"))
    resource = _parsed(content)
    if resource is None:
        return Unread(name, mark("not JSON"))
    if resource.get("resourceType") not in ("Observation", "DiagnosticReport"):
        return Unread(name, mark("is neither an Observation nor a DiagnosticReport"))
    if not isinstance(resource.get("code"), dict):
        return Unread(name, mark("has no code: it does not say what was measured"))
    identifier = _at(resource, "subject", "identifier")
    system, value = identifier.get("system"), identifier.get("value")
    if not isinstance(system, str) or not isinstance(value, str) or not system.strip() or not value.strip():
        return Unread(name, mark("its subject has no identifier with system and value"))
    return Result(name, content, system, value, title_of(resource))


def title_of(resource: Mapping[str, Any]) -> str:
    """What was measured, in a line."""
    code = _at(resource, "code")
    codings = code.get("coding")
    shown = [one.get("display") for one in codings if isinstance(one, dict)] if isinstance(codings, list) else []
    text = next((one for one in (code.get("text"), *shown) if isinstance(one, str) and one.strip()), "")
    line = " ".join(text.split())[:_TITLE]
    return line if line.isprintable() else ""


def _at(resource: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    found: Any = resource
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _parsed(content: bytes) -> dict[str, Any] | None:
    try:
        resource = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return resource if isinstance(resource, dict) else None
