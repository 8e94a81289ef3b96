"""What pages of those who work keep in memory between two requests: nothing that a restart may not lose."""

from dataclasses import dataclass, field

from gateway.portal.laboratory_work import HandIns
from gateway.portal.researcher_measuring import Measuring
from gateway.portal.researcher_projection import Projections
from gateway.portal.view import View


@dataclass(frozen=True, slots=True)
class Work:
    """All of it, for one gateway."""

    hand_ins: HandIns = field(default_factory=HandIns)
    projections: Projections = field(default_factory=Projections)
    measuring: Measuring = field(default_factory=Measuring)


def work_of(view: View) -> Work:
    """The portal's."""
    work: Work = view.request.app.state.work
    return work
