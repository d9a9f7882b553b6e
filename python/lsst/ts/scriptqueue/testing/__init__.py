# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests of scripts, and of whatever talks to a ScriptQueue.

Script authors begin with `script_case`, and with the marker ``virtual_time``
of `.pytest_plugin`. `.scripted` plays scripts that exist only on paper, for
tests of a queue and its clients.
"""

from .clock import FakeClock
from .script_case import ScriptCase, script_case
from .virtual_time import VirtualTimeLoop, pass_time, run

__all__ = ["FakeClock", "ScriptCase", "VirtualTimeLoop", "pass_time", "run", "script_case"]
