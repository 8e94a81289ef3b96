"""What pages of those who work keep between two requests: projections and measurements in memory, to be asked for again
after a restart; what was wrong with results, which nobody else knows, in the database."""

from dataclasses import dataclass, field

from gateway.portal.laboratory_work import HandIns
from gateway.portal.researcher_measuring import Measuring
from gateway.portal.researcher_projection import Projections
from gateway.portal.view import View


@dataclass(frozen=True, slots=True)
class Work:
    """All of it, for one gateway."""

    hand_ins: HandIns
    projections: Projections = field(default_factory=Projections)
    measuring: Measuring = field(default_factory=Measuring)


def work_of(view: View) -> Work:
    """The portal's."""
    work: Work = view.request.app.state.work
    return work
