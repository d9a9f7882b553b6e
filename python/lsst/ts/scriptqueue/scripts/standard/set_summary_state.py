#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set the summary states of components. The components are simulated."""

import asyncio
import re
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, ExpectedError, State

#: Time a component takes for each step from state to state (seconds).
STEP_TIME = 0.2

#: The way from the one to the other, of which no step can be left out.
STEPS = (State.OFFLINE, State.STANDBY, State.DISABLED, State.ENABLED)

_COMPONENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*(:\d+)?")


class SetSummaryState(BaseScript):
    """Bring components to a summary state, one after the other."""

    def __init__(self, index: int) -> None:
        super().__init__(
            index=index,
            descr="Set the summary states of components.",
            help="Each entry of `data` is a component, as `Name` or `Name:index`, and a state.",
        )
        self.wanted: list[tuple[str, State]] = []

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "SetSummaryState v1",
            "type": "object",
            "properties": {
                "data": {
                    "description": "Pairs of component and state, such as [ESS:1, ENABLED].",
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 3,
                        "items": {"type": "string"},
                    },
                },
            },
            "required": ["data"],
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        names = {state.name.lower(): state for state in STEPS}
        for component, state, *_ in config.data:
            if not _COMPONENT.fullmatch(component):
                raise ExpectedError(f"{component!r} is no component; write Name or Name:index, such as ESS:1")
            if state.lower() not in names:
                raise ExpectedError(f"{component}: no state {state!r}; there are {', '.join(names).upper()}")
            self.wanted.append((component, names[state.lower()]))

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = sum(STEPS.index(state) * STEP_TIME for _, state in self.wanted)
        metadata.totalCheckpoints = len(self.wanted)

    async def run(self) -> None:
        for component, wanted in self.wanted:
            await self.checkpoint(f"set {component}")
            for state in STEPS[1 : STEPS.index(wanted) + 1]:
                await asyncio.sleep(STEP_TIME)
                self.log.debug("%s is %s.", component, state.name)
            self.log.info("%s is %s.", component, wanted.name)


if __name__ == "__main__":
    SetSummaryState.main()
