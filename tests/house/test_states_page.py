# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The committed states page is the one that the core's tables make."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core.phases import TRANSITIONS, Phase


def test_states_page_is_fresh(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(pytestconfig.rootpath / "doc")
    import generate_states

    assert generate_states.is_fresh(), generate_states.REMEDY


def test_states_page_has_every_phase_and_transition(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(pytestconfig.rootpath / "doc")
    import generate_states

    page = generate_states.states_page()
    assert page.count("~\n\n") == len(Phase)
    assert page.count("\n   * - ") == len(Phase) + len(TRANSITIONS) + page.count("list-table")
