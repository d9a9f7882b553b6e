# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``command_script_queue`` is made of: one table of forms, and a client."""
