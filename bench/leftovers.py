# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last net: whatever this run has started, and nobody has ended.

A queue's scripts are in sessions of their own, and live on when it is killed.
They are known by a word of their environment that no other run has.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import psutil

__all__ = ["kill_marked", "marked"]

_LIMIT_S = 10.0


def marked(word: str) -> list[psutil.Process]:
    """Return the processes in whose environment a variable has this value."""
    found = []
    for process in psutil.process_iter():
        # Others' environments may not be read, and what has ended has none.
        with contextlib.suppress(psutil.Error):
            if word in process.environ().values() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@contextlib.contextmanager
def kill_marked(word: str) -> Iterator[None]:
    """On leaving, kill the processes in whose environment a variable has this value."""
    try:
        yield
    finally:
        # One may just have been starting another.
        while left := marked(word):
            print(f"bench: kills {len(left)} processes that were left", file=sys.stderr, flush=True)
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, _LIMIT_S)
