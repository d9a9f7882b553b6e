# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines: what people touch. Those that command a queue are clients like any other."""
