"""``track --propose-only``: where lesions are expected in each follow-up, written to be edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lesionlocator.following.proposals import propose, write_proposals

if TYPE_CHECKING:
    from pathlib import Path

    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.track_plan import Plan
    from lesionlocator.following.methods import Method
    from lesionlocator.following.origin import Origin


def propose_all(origin: Origin, plan: Plan, method: Method, folder: Path, reporter: Reporter) -> Path:
    """Write where registration puts each lesion of a baseline in each follow-up.

    Raises
    ------
    LesionLocatorError
        Where a follow-up cannot be used, or the file cannot be written.
    """
    proposals = []
    for place in range(1, len(plan.names)):
        followup = plan.read(place)
        reporter.stage(f"{followup.name}: registering {origin.scan.name}")
        proposal = propose(origin, followup.name, method.pair(origin, followup))
        for note in proposal.notes:
            reporter.warning(followup.name, note)
        for lesion_id in proposal.out_of_view:
            reporter.warning(followup.name, f"lesion {lesion_id} lies outside what the follow-up shows")
        proposals.append(proposal)
    return write_proposals([proposal.followed() for proposal in proposals], proposals, folder)
