# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How properties are tested: on few examples always, on many if that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

__all__ = ["quickly_and_for_long"]

#: The same examples every time, so that a change is to blame for what it breaks. What fails is not explained
#: line by line: tracing takes longer than all else.
QUICK = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
#: Other examples every time.
LONG = settings(QUICK, derandomize=False, print_blob=True)


def quickly_and_for_long(
    strategy: st.SearchStrategy[Any], quick: int = 150, long: int = 50_000
) -> Callable[[Callable[[Any], None]], Any]:
    """A property of what a strategy gives, tested on few and, if that is asked for, on many."""

    def decorate(prop: Callable[[Any], None]) -> Any:
        def test(how: settings) -> None:
            how(given(strategy)(prop))()

        test.__doc__ = prop.__doc__
        few, many = settings(QUICK, max_examples=quick), settings(LONG, max_examples=long)
        marks = [pytest.mark.long, pytest.mark.timeout(0)]
        ways = [pytest.param(few, id="quick"), pytest.param(many, id="long", marks=marks)]
        return pytest.mark.parametrize("how", ways)(test)

    return decorate
