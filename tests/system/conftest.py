# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service for each test that asks for one, on the middlewares it asks for."""

from .service import apart, on_each

__all__ = ["apart", "on_each"]
