"""What is counted, and its Prometheus text. The form: prometheus.io/docs/instrumenting/exposition_formats."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Measures:
    """Counters of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def request(self, method: str, route: str, status: int) -> None:
        """A request was answered. `route` is the pattern, never the path: that could be anything."""
        with self._lock:
            self._requests[method, route, status] += 1

    def delivery(self, seconds: float) -> None:
        """A delivery was answered after so many seconds."""
        with self._lock:
            self._buckets[bisect_left(BOUNDS, seconds)] += 1
            self._seconds += seconds

    def text(self, gauges: Iterable[tuple[str, str, Mapping[str, float]]]) -> str:
        """Everything counted, and these gauges: (name, help, {labels or empty: value})."""
        with self._lock:
            requests, buckets, seconds = dict(self._requests), list(self._buckets), self._seconds
        lines = ["# HELP ratchet_requests_total Requests answered.", "# TYPE ratchet_requests_total counter"]
        for (method, route, status), count in sorted(requests.items()):
            lines.append(f'ratchet_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}')
        name = "ratchet_webhook_seconds"
        lines += [f"# HELP {name} From the first byte of a delivery to its answer.", f"# TYPE {name} histogram"]
        total = 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), buckets, strict=True):
            total += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {total}')
        lines += [f"{name}_sum {seconds:.6f}", f"{name}_count {total}"]
        for gauge, help_, values in gauges:
            lines += [f"# HELP {gauge} {help_}", f"# TYPE {gauge} gauge"]
            lines += [
                f"{gauge}{{{labels}}} {value:g}" if labels else f"{gauge} {value:g}" for labels, value in values.items()
            ]
        return "\n".join(lines) + "\n"
