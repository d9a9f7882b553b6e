# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which domain a script joins.

The class of a script takes only its index, as script authors know it. So the
script makes its domain itself: on the bus that the environment names, unless
a test has said otherwise for the code it calls.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator

from .domain import Domain

__all__ = ["make_script_domain", "script_domains"]

_chosen: contextvars.ContextVar[Callable[[], Domain] | None] = contextvars.ContextVar(
    "script_domains", default=None
)


def make_script_domain() -> Domain:
    """Make the domain for a script.

    Raises
    ------
    BusError
        If the environment names no bus there is.
    """
    make = _chosen.get()
    return make() if make else Domain.connect(leaf=True)


@contextlib.contextmanager
def script_domains(make: Callable[[], Domain]) -> Iterator[None]:
    """Let scripts made within this context join domains of another making."""
    token = _chosen.set(make)
    try:
        yield
    finally:
        _chosen.reset(token)
