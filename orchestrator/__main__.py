"""`python -m orchestrator`, and `ratchet`: until the command listens, Ctrl-C just ends it, without a word."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from orchestrator.cli import main

if __name__ == "__main__":
    main()
