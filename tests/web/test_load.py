"""A few people planning at once for a few seconds: no error, and the answers of the command line.

How long they wait is measured by benchmarks/web.py, and not here.
"""

from __future__ import annotations

from benchmarks import web

SECONDS = 5.0


def test_everybody_gets_the_answer_of_the_command_line() -> None:
    result, _ = web.load(SECONDS, users=6, read_s=0.5)
    assert result.faults == []
    # every user got at least one answer
    assert len(result.waits) >= 6
    # equal requests got equal answers, from whichever worker or from the cache
    assert all(len(texts) == 1 for texts in result.answers.values())
    first, *_, last = sorted(result.answers)
    for asked in (first, last):
        assert result.answers[asked] == {web.printed(asked)}
