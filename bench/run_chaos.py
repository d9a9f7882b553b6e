# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program behind ``bin/chaos``."""

import sys

from chaos.program import main

if __name__ == "__main__":
    sys.exit(main())
