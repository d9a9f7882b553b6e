# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ScriptQueue: it holds an observatory's queue of SAL scripts and runs them.

Nothing is imported here, because every script process pays for it; the rooms
below this package are described in the architecture page of the documentation.
"""

__all__ = ["__version__"]

#: The one place where the version is written; the build reads it from here.
__version__ = "0.2.0"
