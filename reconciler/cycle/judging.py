"""Judges all that was observed, however much it is, in a time that grows no faster than the organisations do."""

from __future__ import annotations

import gc

from reconciler.model.observation import Observation
from reconciler.model.terms import Terms
from reconciler.rules.compare import Judgement, find_drifts


def judge_all(observation: Observation, terms: Terms) -> Judgement:
    """Find every drift, with the collector of cyclic garbage paused.

    Rules make values without cycles, so there is nothing for it to find; yet with each of its rounds it would walk
    through everything that was read, which takes longer the more there is. Other threads' garbage waits meanwhile.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return find_drifts(observation, terms)
    finally:
        if collecting:
            gc.enable()
