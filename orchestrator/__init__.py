"""Ratchet's loop: a pure core, a journal that makes it durable, an engine that turns it."""
