"""Synthesis of scarce evidence: effects from what papers print, pooled with few, half-reported trials."""

from globulin.synthesis.bayes import pool_bayes
from globulin.synthesis.effects import effect_size
from globulin.synthesis.pooling import pool

__all__ = ["effect_size", "pool", "pool_bayes"]
