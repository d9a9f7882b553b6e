# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about the deployed interfaces, taken from what deployed components write.

``data/facts.json`` has, for each component, the fields that every topic
begins with (``head``), each topic's own as name, type, count and units, and for
each command its cmdtype and the first and last number of its commands.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FACTS: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "facts.json").read_text())
