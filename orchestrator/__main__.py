"""`python -m orchestrator` is `ratchet`."""

from orchestrator.cli import main

main()
