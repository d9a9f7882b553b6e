#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send any command to any component that is known here."""

import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, ExpectedError, Remote


class RunCommand(BaseScript):
    """Send a command to a component, and wait until it is done."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Send a command to a component.")
        self.config = types.SimpleNamespace()

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "RunCommand v1",
            "type": "object",
            "properties": {
                "component": {
                    "description": "The component, as Name or Name:index.",
                    "type": "string",
                    "pattern": r"^[A-Za-z]\w*(:\d+)?$",
                },
                "command": {
                    "description": "Name of the command.",
                    "type": "string",
                },
                "parameters": {
                    "description": "Fields of the command that are not to have their default.",
                    "type": "object",
                    "default": {},
                },
                "timeout": {
                    "description": "Time limit (seconds).",
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "default": 30,
                },
            },
            "required": ["component", "command"],
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.config = config
        name, _, index = config.component.partition(":")
        self.remote = Remote(self.domain, name, int(index or 0), include=[])
        if config.command not in self.remote.commands:
            raise ExpectedError(
                f"{name} has no command {config.command!r}; there are {', '.join(self.remote.commands)}"
            )
        self.remote.commands[config.command].set(**config.parameters)
        await self.remote.start_task

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = self.config.timeout

    async def run(self) -> None:
        ack = await self.remote.commands[self.config.command].start(timeout=self.config.timeout)
        self.log.info("%s %s: %s", self.config.component, self.config.command, ack.result)


if __name__ == "__main__":
    RunCommand.main()
