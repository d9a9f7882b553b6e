#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse to be configured: what it needs is away."""

import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, ExpectedError


class CannotConfigure(BaseScript):
    """Refuse every configuration."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Refuse to be configured.")

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "CannotConfigure v1",
            "type": "object",
            "properties": {
                "star": {
                    "description": "Star to guide on.",
                    "type": "string",
                    "default": "Polaris",
                },
            },
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        raise ExpectedError(f"{config.star} never rises here; choose a star south of +30 degrees")

    def set_metadata(self, metadata: Any) -> None:
        pass

    async def run(self) -> None:
        raise AssertionError("it was never configured")


if __name__ == "__main__":
    CannotConfigure.main()
