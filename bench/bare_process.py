# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that is a floor: interpreter, asyncio, a DDS participant and the topics of a script.

Called with a JSON file that says domain and topics, a number that it writes
when it is ready, and the interval of its heartbeat. Ends at SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

from bare_dds import READY, BarePeer


async def serve(plan: dict[str, Any], number: int, interval_s: float) -> None:
    loop = asyncio.get_running_loop()
    told_to_end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told_to_end.set)
    peer = BarePeer(plan["domain"], plan["configurations"])
    topics = [peer.writer(name, fields) for name, fields in plan["writes"]]
    topics += [peer.reader(name, fields) for name, fields in plan["reads"]]
    ready = peer.writer(READY)

    def beat() -> None:
        peer.send(ready, number)
        loop.call_later(interval_s, beat)

    beat()
    await told_to_end.wait()


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    asyncio.run(serve(plan, int(sys.argv[2]), float(sys.argv[3])))
