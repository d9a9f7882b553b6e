# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands whose last acknowledgement is not known to be sent."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OpenCommand"]


@dataclass(slots=True)
class OpenCommand:
    """A command, from when it is given until its last acknowledgement is known to be sent.

    Attributes
    ----------
    name
        Name of the SAL command, such as ``add``.
    cmd_id
        Its sequence number.
    identity, origin
        Who gave it: name, and process id.
    given_tai
        When (TAI, unix seconds).
    goes_on
        Does it go on after the queue has done its part?
    answer
        Whether it was accepted, and the text of the answer; None before that.
    is_inherited
        Was it given to an earlier service?
    """

    name: str
    cmd_id: int
    identity: str
    origin: int
    given_tai: float
    goes_on: bool = False
    answer: tuple[bool, str] | None = None
    is_inherited: bool = False
