# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with commands and fields, in salobj's vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .enums import SalRetCode

if TYPE_CHECKING:
    from .records import Record

__all__ = [
    "AckError",
    "AckTimeoutError",
    "ComponentError",
    "DuplicateError",
    "ExpectedError",
    "FieldError",
    "ack_name",
]


class ExpectedError(Exception):
    """A command was refused; the text says why.

    Nothing is wrong with the program, so no traceback is logged.
    """


class FieldError(ValueError):
    """A field was given a value it cannot hold, or there is no such field."""


class ComponentError(RuntimeError):
    """A component was used wrongly; the text says what to do instead."""


class DuplicateError(ExpectedError):
    """The component runs already; the text says where."""


class AckError(Exception):
    """A command failed.

    Parameters
    ----------
    msg
        What happened.
    ackcmd
        The acknowledgement that said so.

    Attributes
    ----------
    ackcmd
        The acknowledgement that said so, with its fields ``ack``, ``error``
        and ``result``.
    """

    def __init__(self, msg: str, ackcmd: Record) -> None:
        super().__init__(msg)
        self.ackcmd = ackcmd

    def __str__(self) -> str:
        ack = self.ackcmd
        return (
            f"{self.args[0]}: {ack.result} "
            f"({ack_name(ack.ack)}, error {ack.error}, private_seqNum {ack.private_seqNum})"
        )


class AckTimeoutError(AckError):
    """A command was not acknowledged in time.

    ``ackcmd`` is the last acknowledgement seen, or one made here with
    ``CMD_NOACK`` if there was none.
    """


def ack_name(code: int) -> str:
    """Return the name of an acknowledgement's code, such as ``CMD_FAILED``."""
    try:
        return SalRetCode(code).name
    except ValueError:
        return f"unknown ack {code}"
