"""A notice: something that has happened, for one person whom it concerns; `gateway.notices.notify` finds them."""

from dataclasses import dataclass

from gateway.notices.told import Told
from ledger.positions import Position
from ledger.types import Address


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that has happened."""

    position: Position
    kind: str
    who: Address
    """Whose act it tells of."""
    about: str
    """Digest, consent or prescription that it is about, in hexadecimal."""
    text: str
    """With `{who}` where the name goes, and `{other}` where that of a second person does."""
    other: Address | None = None
    told: tuple[Told, ...] = ()
    """The same sentences with what they speak of kept apart; none: `text` speaks of nothing but those people."""

    @property
    def people(self) -> set[Address]:
        """Whose names it takes."""
        return {self.who} | ({self.other} if self.other else set())
