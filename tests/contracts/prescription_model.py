"""What a prescription may do, after the table that was model-checked, written without a look at the contract.

Every method is one act: it says whether the act is allowed, and if so carries it out.
"""

from dataclasses import dataclass, field, replace

from ledger.types import PrescriptionTerms

LEASE = 24 * 3_600
UNDO_WINDOW = 30 * 60


@dataclass(frozen=True, slots=True)
class State:
    """All that a prescription remembers."""

    status: str = "ACTIVE"
    fills: int = 0
    units: int = 0
    owing: int = 0
    dispensed_at: int = 0
    lease_until: int = 0
    """Means something only while claimed, or while a cancellation is pending."""
    fence: int = 0
    holder: str = ""
    turn: int = 0
    """Counts the changes: two moments are never the same state."""


@dataclass(slots=True)
class HandedOut:
    """One dispense in the history."""

    fill: int
    units: int
    at: int
    undone: bool = False


@dataclass(slots=True)
class Model:
    """One prescription; `now` is moved by whoever drives it."""

    terms: PrescriptionTerms
    now: int
    state: State = field(default_factory=State)
    history: list[HandedOut] = field(default_factory=list)
    last: tuple[str, State] | None = None
    """Who dispensed last, and the state before it, while nothing else has happened since."""

    def is_open_fill(self) -> bool:
        return self.state.owing > 0

    def fill_to_claim(self) -> int:
        """Which fill's key a claim needs now, from 0."""
        return self.state.fills - 1 if self.is_open_fill() else self.state.fills

    def next_fill_at(self) -> int:
        return self.state.dispensed_at + self.terms.min_interval if self.state.fills else 0

    def may_claim(self, who: str) -> bool:
        terms, state = self.terms, self.state
        lapsed = self.now >= state.lease_until
        free = state.status == "ACTIVE" or (state.status == "CLAIMED" and (lapsed or state.holder == who))
        waited = self.is_open_fill() or self.now >= self.next_fill_at()
        return free and terms.not_before <= self.now < terms.expiry and waited

    def most(self) -> int:
        """Units that a dispense may have now."""
        if self.is_open_fill():
            return self.state.owing
        if self.state.fills >= self.terms.fills:
            return 0
        return min(self.terms.per_fill, self.terms.quantity - self.state.units)

    def counter(self, who: str, units: int, owed: bool) -> bool:
        """Claim and dispense in one step."""
        if not self.may_claim(who) or not self._units_fit(units, owed):
            return False
        before = self.state
        claimed = replace(before, fence=before.fence + 1, status="ACTIVE")
        self._hand_out(who, before, claimed, units, owed, keeps_lease=False)
        return True

    def reserve(self, who: str) -> bool:
        if not self.may_claim(who):
            return False
        until = min(self.now + LEASE, self.terms.expiry)
        self.state = replace(
            self.state,
            status="CLAIMED",
            lease_until=until,
            fence=self.state.fence + 1,
            holder=who,
            turn=self.state.turn + 1,
        )
        self.last = None
        return True

    def holds(self, who: str, fence: int) -> bool:
        state = self.state
        claimed = state.status in ("CLAIMED", "CANCEL_PENDING")
        return claimed and state.holder == who and state.fence == fence and self.now < state.lease_until

    def dispense_reserved(self, who: str, fence: int, units: int, owed: bool) -> bool:
        if not self.holds(who, fence) or self.now >= self.terms.expiry:
            return False
        cancelling = self.state.status == "CANCEL_PENDING"
        if cancelling and (not self.is_open_fill() or owed):
            return False
        if not self._units_fit(units, owed):
            return False
        self._hand_out(who, self.state, self.state, units, owed, keeps_lease=owed)
        if cancelling:
            self._move("CANCELLED")
        return True

    def release(self, who: str, fence: int) -> bool:
        if not self.holds(who, fence):
            return False
        status = "CANCELLED" if self.state.status == "CANCEL_PENDING" else "ACTIVE"
        self._move(status)
        return True

    def cancel(self) -> bool:
        if self.state.status not in ("ACTIVE", "SUSPENDED", "CLAIMED"):
            return False
        held = self.state.status == "CLAIMED" and self.now < self.state.lease_until
        self._move("CANCEL_PENDING" if held else "CANCELLED")
        return True

    def void(self) -> bool:
        if self.state.status != "ACTIVE" or self.state.fills:
            return False
        self._move("VOIDED")
        return True

    def pause(self, paused: bool) -> bool:
        if self.state.status != ("ACTIVE" if paused else "SUSPENDED"):
            return False
        self._move("SUSPENDED" if paused else "ACTIVE")
        return True

    def settle(self) -> bool:
        if self.state.status != "CANCEL_PENDING" or self.now < self.state.lease_until:
            return False
        self._move("CANCELLED")
        return True

    def undo(self, who: str, before: State) -> bool:
        if self.last != (who, before) or self.now > self.state.dispensed_at + UNDO_WINDOW:
            return False
        state = self.state
        self.state = replace(before, status="ACTIVE", fence=state.fence + 1, holder=state.holder, turn=state.turn + 1)
        self.history[-1].undone = True
        self.last = None
        return True

    def standing(self) -> list[HandedOut]:
        """What was handed out and not taken back."""
        return [each for each in self.history if not each.undone]

    def _units_fit(self, units: int, owed: bool) -> bool:
        return 0 < units <= self.most() - int(owed)

    def _hand_out(self, who: str, before: State, claimed: State, units: int, owed: bool, *, keeps_lease: bool) -> None:
        opened = not self.is_open_fill()
        after = replace(
            claimed,
            fills=before.fills + int(opened),
            units=before.units + units,
            owing=self.most() - units if owed else 0,
            dispensed_at=self.now,
            turn=before.turn + 1,
        )
        used_up = after.fills >= self.terms.fills or after.units >= self.terms.quantity
        if not keeps_lease:
            status = "COMPLETED" if used_up and not after.owing else "ACTIVE"
            after = replace(after, status=status)
        self.history.append(HandedOut(after.fills, units, self.now))
        self.state = after
        self.last = (who, before)

    def _move(self, status: str) -> None:
        self.state = replace(self.state, status=status, turn=self.state.turn + 1)
        self.last = None
