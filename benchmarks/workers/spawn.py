"""Starts the command in its arguments, waits for its end, and says in JSON what that took.

A process of its own, and a small one: Linux counts the memory of whoever starts a process as that process's first peak.
"""

import os
import sys
import time

start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, code, used = os.wait4(child, 0)
seconds = time.perf_counter() - start
processor = used.ru_utime + used.ru_stime
code = os.waitstatus_to_exitcode(code)
sys.stdout.write(
    f'\n{{"seconds": {seconds}, "processor": {processor}, "peak": {used.ru_maxrss / 1024}, "code": {code}}}\n'
)
