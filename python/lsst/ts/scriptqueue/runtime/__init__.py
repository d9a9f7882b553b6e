# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""One inbox for what happens, one outbox for what is said, one task group."""

from .book import Book as Book
from .book import NoBook as NoBook
from .outbox import Outbox as Outbox
from .runtime import Runtime as Runtime
