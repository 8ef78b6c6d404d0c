"""What cannot be planned, as a value: the reason in plain words and the sources it rests on.

A rate without a verified table or a cost without a price is an answer, not an error: the rest of
the plan still stands, and the reader sees why one part of it is missing.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """`reason`: a plain sentence. `sources`: ids of the dossier's sources that the reason rests on."""

    reason: str
    sources: tuple[str, ...] = ()
