# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes .venv in the checkout and installs the project into it. The commands beside this file source it:
#
#     root=...; . "$root/bin/_setup.sh"; set_up runtime|test
#
# Two stamps in .venv, one for the project and one for the test extra, hold what they were made from: nothing is
# done while that is the same. All work happens under a lock, and a stamp is written when its work is complete, so
# that an interrupted run is repeated and a second one waits for the first. The project is not installed again for
# the sake of the test extra: a queue that runs meanwhile goes on launching scripts.
# Everything said goes to stderr: stdout belongs to the command.

venv=$root/.venv
set_up_say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

set_up() { # $1: runtime or test
    set_up_has runtime && { [ "$1" = runtime ] || set_up_has test; } && return 0
    # A subshell, so that neither the lock nor the environment below reaches the command.
    (
        # Settings that would send the packages elsewhere, or another Python's library.
        unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_REQUIRE_VIRTUALENV PYTHONHOME PYTHONPATH
        export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
        set_up_python=$(set_up_find_python)
        exec 9>"$root/.venv.lock"
        set_up_lock
        set_up_has runtime || set_up_project
        [ "$1" = runtime ] || set_up_has test || set_up_test_extra
    ) </dev/null
}

# In Python because not every system has flock(1). The lock lives as long as descriptor 9.
set_up_lock() {
    "$set_up_python" -I - "${0##*/}: waiting for another command that sets up .venv" <<'PYTHON'
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print(sys.argv[1], file=sys.stderr, flush=True)
    fcntl.flock(9, fcntl.LOCK_EX)
PYTHON
}

# What an installation depends on. A moved checkout or another Python under the same name makes it stale.
set_up_base() { printf '%s\n' "$root" && readlink -f "$venv/bin/python"; }
set_up_state() { set_up_base && cat "$root/pyproject.toml"; }

set_up_has() { [ -x "$venv/bin/python" ] && [ "$(cat "$venv/stamp-$1" 2>/dev/null)" = "$(set_up_state)" ]; }

set_up_stamp() { set_up_state >"$venv/stamp-$1.new" && mv "$venv/stamp-$1.new" "$venv/stamp-$1"; }

set_up_project() {
    rm -f "$venv/stamp-runtime"
    if ! [ -x "$venv/bin/python" ] || [ "$(cat "$venv/stamp-made" 2>/dev/null)" != "$(set_up_base)" ]; then
        set_up_say "making .venv with $("$set_up_python" --version 2>&1) and installing the project (once, a minute or so)"
        "$set_up_python" -I -m venv --clear "$venv" >&2
        set_up_base >"$venv/stamp-made"
    else
        set_up_say "installing the project into .venv (pyproject.toml has changed, or the last attempt failed)"
    fi
    set_up_pip -e "$root"
    # Each script is a process of its own: where Python is told to write no bytecode, each would compile everything.
    "$venv/bin/python" -I -m compileall -q "$root/python" >&2
    set_up_stamp runtime
}

set_up_test_extra() {
    set_up_say "installing what the tests need into .venv (once, a minute or so)"
    rm -f "$venv/stamp-test"
    "$venv/bin/python" -I - "$root/pyproject.toml" >"$venv/test-extra.txt" <<'PYTHON'
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"]["test"], sep="\n")
PYTHON
    set_up_pip -r "$venv/test-extra.txt"
    set_up_stamp test
}

set_up_pip() {
    "$venv/bin/python" -I -m pip install --quiet "$@" >&2 || {
        set_up_say "the installation failed (see above). It needs a package index or, offline, PIP_FIND_LINKS;
  and for Python 3.11 to 3.13 there are ready-made packages, for others a C compiler and CMake may be needed."
        exit 1
    }
}

set_up_find_python() {
    # 3.11 to 3.13 first: for those there are wheels of every dependency.
    for set_up_newest in 3.14 3.99; do
        for set_up_try in python3 python3.13 python3.12 python3.11 python3.14 python; do
            "$set_up_try" -I -c "
import sys, venv, ensurepip
sys.exit(not (3, 11) <= sys.version_info < tuple(map(int, '$set_up_newest'.split('.'))))" 2>/dev/null || continue
            printf '%s\n' "$set_up_try"
            return 0
        done
    done
    set_up_say "needs Python 3.11 or newer with its venv module, and found none on PATH. Install it, for instance:
  Debian, Ubuntu:  apt install python3 python3-venv    (older releases: python3.11 python3.11-venv)
  Fedora, RHEL:    dnf install python3.11
  conda:           conda create -n python311 python=3.11 && conda activate python311"
    return 1
}
