# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that is a floor: it sends back each number it gets, without asyncio."""

from __future__ import annotations

import json
import sys

from bare_dds import PING, PONG, READY, BarePeer


def echo(path: str, number: int) -> None:
    with open(path) as file:
        plan = json.load(file)
    peer = BarePeer(plan["domain"], plan["configurations"])
    pings, pongs = peer.inlet(PING), peer.writer(PONG)
    ready = peer.writer(READY)
    peer.send(ready, number)
    while True:
        for ping in pings.wait(3600):
            peer.send(pongs, ping)


if __name__ == "__main__":
    echo(sys.argv[1], int(sys.argv[2]))
