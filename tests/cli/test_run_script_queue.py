# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of run_script_queue; the running service is a matter of the system tests."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.cli.run_script_queue import main


@pytest.mark.parametrize("index", ["0", "-5", "21474", "one", "1.0"])
def test_what_is_no_index_is_refused(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--bus", "memory", "--", index])
    assert raised.value.code == 2
    assert "a whole number from 1 to 21473" in capsys.readouterr().err
