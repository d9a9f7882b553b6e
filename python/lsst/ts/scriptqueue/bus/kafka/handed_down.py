# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema ids that a queue hands down to its scripts, by a variable of their environment.

An id stands under a digest of everything it depends on: the registry's URL,
the subject and the text. Who has another text, subject or registry does not
find it, and nothing else needs to be compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

__all__ = ["VARIABLE", "handed_down", "ids_handed_down"]

#: Name of the environment variable.
VARIABLE = "LSST_TS_SCRIPTQUEUE_SCHEMA_IDS"

_DIGITS = 20


def handed_down(registry: str, schemas: Mapping[str, str], ids: Mapping[str, int]) -> str:
    """Return what the variable is set to.

    Parameters
    ----------
    registry
        URL of the registry.
    schemas
        Text of each schema by subject.
    ids
        Its id by subject.
    """
    return " ".join(
        f"{_digest(registry, subject, text)}:{ids[subject]}" for subject, text in sorted(schemas.items())
    )


def ids_handed_down(value: str, registry: str, schemas: Mapping[str, str]) -> dict[str, int]:
    """Return the ids of those schemas that a value knows, by subject; what makes no sense is left out."""
    known = dict(item.split(":", 1) for item in value.split() if ":" in item)
    found = {subject: known.get(_digest(registry, subject, text), "") for subject, text in schemas.items()}
    return {subject: int(number) for subject, number in found.items() if number.isdecimal()}


def _digest(registry: str, subject: str, text: str) -> str:
    return hashlib.sha256("\0".join((registry, subject, text)).encode()).hexdigest()[:_DIGITS]
