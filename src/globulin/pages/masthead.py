"""What stands above the page whoever frames it; known before anything is computed, and quick to import."""

from __future__ import annotations

TITLE = "Immune globulin in ME/CFS and fibromyalgia"
SUBTITLE = (
    "What is known, what it would take, what it costs and what can go wrong. Every number shows its source."
)
CONTENTS = (
    ("minute", "In one minute"),
    ("products", "What it is and what it is approved for"),
    ("trials", "What the trials found"),
    ("reports", "What doctors report"),
    ("doses", "Doses compared"),
    ("cost", "What it costs"),
    ("risks", "What can go wrong"),
    ("claims", "The source page, claim by claim"),
    ("open", "Open questions and trials under way"),
    ("sources", "Sources"),
    ("made", "How this page was made"),
)
"""Anchor and title of every section, in order."""
