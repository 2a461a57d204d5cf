"""How GitHub calls us: three composite actions, each a thin entry point over `orchestrator.client`.

Law: they run from a bare checkout, with nothing but Python's standard library.
"""
