"""What a level does over time, in words that the web page and the PDF share."""

from __future__ import annotations

from collections.abc import Sequence

from globulin.pages import words
from globulin.pages.simulated import cannot_guide
from globulin.planning.profiles import RegimenProfile
from globulin.units import WEEK_DAY

_MUSCLE = "im"


def how_it_is_drawn(profiles: Sequence[RegimenProfile]) -> str:
    """How the chart of regimens over time is read."""
    first = profiles[0].profile.answers[0]
    members = words.counted(len(first.members), "model")
    own = [member.baseline_g_per_l for member in first.members]
    return (
        "Total IgG in the blood of somebody who makes a normal amount of IgG, from the first dose of each"
        f" regimen on. A line is the average of {members}; its band runs from the lowest to the highest of"
        " them, which is how far they disagree and no interval of confidence. The models start from"
        f" {words.span(min(own), max(own), 3)} g/L of one's own IgG, so that much of a band is there before"
        " the first dose. Levels on the day of a dose are drawn before it."
    )


def not_readable(profiles: Sequence[RegimenProfile]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Regimens into a muscle whose rise no measured level can show: which, why in sentences, and sources."""
    found = []
    for followed in profiles:
        answer = followed.profile.answers[0]
        if followed.route != _MUSCLE or answer.exposure is None or answer.readability is None:
            continue
        if not answer.readability.can_guide:
            text = cannot_guide(answer.exposure, answer.readability)
            weeks = words.number(followed.profile.end_day / WEEK_DAY)
            lead = f"{followed.label}, after {weeks} weeks:"
            found.append((lead, words.capital(text), followed.sources))
    return found
