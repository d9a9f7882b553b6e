# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""No two test processes of a run share a DDS domain."""

from __future__ import annotations

import pytest

from .. import domains


def test_shares_are_apart_and_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "_share", [])
    shares = []
    for process in range(4):
        domains.take_share(process, 4)
        shares.append(set(domains._share))
        assert domains.a_domain() in shares[-1]
    assert set().union(*shares) == set(range(10, 101))
    assert sum(map(len, shares)) == len(range(10, 101))
