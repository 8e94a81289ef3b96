"""A contract's log entries, as a node tells them, as events.

>>> read = Reader(Abi.shipped())
>>> [event.name for event in read(node.request("eth_getLogs", {...}))]
['ConsentGranted', 'RecordAnchored']
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.abi import Abi
from ledger.rpc import quantity, unhex
from ledger.types import Subject, prescription_id


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event and where it stands."""

    name: str
    params: Mapping[str, Any]
    block_number: int
    block_hash: bytes
    log_index: int
    transaction_hash: bytes
    time: int | None
    """Seconds since 1970; None from nodes that do not say it in the log."""


class Reader:
    """Reads log entries as the events of one contract; entries that are none of them are left out."""

    def __init__(self, abi: Abi) -> None:
        self._events = abi.events_by_topic

    def __call__(self, entries: Sequence[Mapping[str, Any]]) -> Iterator[LoggedEvent]:
        """The events, in the order of the entries."""
        for entry in entries:
            topics = [unhex(topic) for topic in entry["topics"]]
            event = self._events.get(topics[0]) if topics else None
            if event is None:
                continue
            time = entry.get("blockTimestamp")
            yield LoggedEvent(
                name=event.name,
                params=event.decode(topics, unhex(entry["data"])),
                block_number=quantity(entry["blockNumber"]),
                block_hash=unhex(entry["blockHash"]),
                log_index=quantity(entry["logIndex"]),
                transaction_hash=unhex(entry["transactionHash"]),
                time=None if time is None else quantity(time),
            )


def issued_id(params: Mapping[str, Any]) -> bytes:
    """The prescription that a `PrescriptionIssued` is about: its id follows from what the event says."""
    return prescription_id(params["prescriber"], Subject.unpack(params["subject"]), params["termsHash"])
