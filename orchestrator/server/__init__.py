"""`ratchet serve`: HTTP API, webhook, schedule and engine in one process. Imported by that command alone."""
