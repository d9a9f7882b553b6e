# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of ``bin/chaos`` stands still while the machine does."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from chaos.awake import AwakeLoop


def test_only_a_standstill_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(asyncio.SelectorEventLoop, "time", lambda self: clock[-1])
    with contextlib.closing(AwakeLoop()) as loop:
        told = []
        for now in (100.5, 102.5, 152.5, 153.0):
            clock.append(now)
            told.append(loop.time())
        assert told == [100.5, 102.5, 102.5, 103.0]
        assert loop.stood_still_s == 50.0
