"""Runs one command and prints as JSON how long it took and how much memory it needed.

A child starts with its parent's memory mark, so the parent must be small: this file imports next to nothing
and is run with `python -I -S`.
"""

import json
import os
import sys
import time

_began_s = time.perf_counter()
_pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, _status, _usage = os.wait4(_pid, 0)
_wall_s = time.perf_counter() - _began_s
_unit_bytes = 1 if sys.platform == "darwin" else 1024
sys.stderr.write(
    "\n"
    + json.dumps(
        {
            "exit_code": os.waitstatus_to_exitcode(_status),
            "wall_s": _wall_s,
            "cpu_s": _usage.ru_utime + _usage.ru_stime,
            "peak_rss_bytes": _usage.ru_maxrss * _unit_bytes,
        }
    )
    + "\n"
)
