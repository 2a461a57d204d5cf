"""`ratchet`: reads the command line, calls an action, prints what it answers.

Laws: `--help` and every command that needs no model answers without importing torch, transformers, ray or kfp; an
error is `error: what: cure` on stderr, exit 2 for a wrong call and 1 for a failure; no traceback unless
RATCHET_DEBUG=1.
"""

import argparse
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NoReturn

from orchestrator.trouble import Trouble

if TYPE_CHECKING:
    from orchestrator.app import App

HELP = "Retrains a model, shows what changed, and goes on only when the people who own it say so."


class _Parser(argparse.ArgumentParser):
    mixing = False

    def error(self, message: str) -> NoReturn:
        raise Trouble(f"{self.prog}: {message}", f"see `{self.prog} --help`", code=2)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Options may stand anywhere, also before a word that may be left out: `logs c-000001 --json add`."""
        if self._subparsers is not None or self.mixing:
            return super().parse_known_args(args, namespace)
        self.mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.mixing = False


def parser() -> "_Parser":
    """The whole command line."""
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print data instead of text")
    common.add_argument("--config", metavar="FILE", default="ratchet.yaml", help="the pipeline file (ratchet.yaml)")
    root = _Parser(prog="ratchet", description=HELP)
    root.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def add(name: str, about: str) -> _Parser:
        return commands.add_parser(name, help=about, description=about, parents=[common])

    _add_pipeline_commands(add)
    _add_cycle_commands(add)
    audit = commands.add_parser("audit", help="the record, and whether it was altered")
    audits = audit.add_subparsers(dest="audit", metavar="COMMAND", required=True, parser_class=_Parser)
    audits.add_parser("verify", help="exit 1 and name the first altered row if it was", parents=[common])
    return root


class _Version(argparse.Action):
    """`--version`, which looks it up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"ratchet {version('ratchet-cl')}")
        except PackageNotFoundError:
            print("ratchet (not installed: run from its source)")
        parser.exit()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of cycles: write 1 or more")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write 0 to 65535")
    return int(text)


def _add_pipeline_commands(add: Callable[[str, str], "_Parser"]) -> None:
    init = add("init", "write a first ratchet.yaml")
    init.add_argument("dir", nargs="?", default=".", metavar="DIR")
    init.add_argument("--force", action="store_true", help="overwrite what is there")
    add("check", "prove file, wiring, parameters and connections; every problem as file:line: what (cure)")
    run = add("run", "one cycle here and now, with its gates in this terminal; the same command continues it")
    run.add_argument("--yes", action="store_true", help="answer every gate with approve")
    trigger = add("trigger", "ask for a cycle that an engine shall work on")
    trigger.add_argument("--reason", metavar="TEXT", help="why")
    for one in (run, trigger):
        one.add_argument("pipeline", metavar="PIPELINE")
        one.add_argument("--set", action="append", metavar="STAGE.KEY=VALUE", help="a parameter; may be repeated")
    rollback = add("rollback", "serve an earlier version again, at once")
    rollback.add_argument("pipeline", metavar="PIPELINE")
    rollback.add_argument("version", nargs="?", metavar="VERSION", help="the one before, if left out")
    query = add("query", "ask the deployed model")
    query.add_argument("pipeline", metavar="PIPELINE")
    query.add_argument("text", nargs="+", metavar="TEXT")
    erase = add("erase", "have a person's rows, or single ones, leave every snapshot")
    erase.add_argument("pipeline", metavar="PIPELINE")
    whose = "the person as the source calls them; - reads it from the input; may be repeated"
    erase.add_argument("--person", action="append", metavar="VALUE", help=whose)
    erase.add_argument("--id", action="append", metavar="ID", help="a row's id; may be repeated")
    text = "a file with a text as it stood; - is the input; may be repeated"
    erase.add_argument("--text-file", action="append", metavar="FILE", help=text)
    erase.add_argument("--reason", metavar="TEXT", required=True, help="why, for the record: without naming anybody")
    erase.add_argument("--yes", action="store_true", help="do it: without it, what would leave is said, and stays")
    data = add("data", "the versions of a pipeline's snapshots, and what was erased")
    data.add_argument("pipeline", metavar="PIPELINE")
    lineage = add("lineage", "from a deployed model back to its run, its data and the cycles that brought them")
    lineage.add_argument("pipeline", metavar="PIPELINE")
    lineage.add_argument("version", nargs="?", metavar="VERSION", help="the one that is deployed, if left out")
    add("schema", "JSON Schema of ratchet.yaml, for editors")
    serve = add("serve", "engine, HTTP API, webhook and schedule, until it is told to stop")
    serve.add_argument("--host", metavar="H", help="the address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=_port, metavar="P", help="the port (8372); 0 takes any that is free")


def _add_cycle_commands(add: Callable[[str, str], "_Parser"]) -> None:
    listing = add("list", "what is going on, newest first")
    listing.add_argument("pipeline", nargs="?", metavar="PIPELINE")
    listing.add_argument("--limit", type=_count, default=20, metavar="N", help="how many (20)")
    named = {
        "show": "one cycle: its stages, its open gate and what is missing",
        "logs": "what the run of a stage has printed",
        "approve": "approve the digest that the open gate is about",
        "reject": "reject it, which ends the cycle",
        "rerun": "go back to a stage, with other parameters if any are given",
        "hold": "keep the cycle from going on",
        "unhold": "let a held cycle go on",
        "cancel": "end the cycle",
        "labels": "the rows whose labels are worth a look, and what people correct of them",
    }
    made = {name: add(name, about) for name, about in named.items()}
    for one in made.values():
        one.add_argument("cycle", metavar="CYCLE")
    made["show"].add_argument("--report", metavar="STAGE", help="show the report of this stage")
    made["logs"].add_argument("stage", nargs="?", metavar="STAGE")
    made["approve"].add_argument("digest", nargs="?", metavar="DIGEST")
    made["rerun"].add_argument("--from", dest="stage", metavar="STAGE", help="the current stage, if left out")
    made["rerun"].add_argument("--set", action="append", metavar="KEY=VALUE", help="a parameter; may be repeated")
    made["labels"].add_argument("--csv", metavar="FILE", help="write them as a table to edit; - is the output")
    made["labels"].add_argument("--label-studio", metavar="FILE", help="write them as tasks of Label Studio")
    made["labels"].add_argument(
        "--import",
        dest="source",
        metavar="FILE",
        help="hand in the labels of an edited table, or Label Studio's export",
    )
    for name in ("approve", "hold"):
        made[name].add_argument("--reason", metavar="TEXT")
    for name in ("reject", "cancel"):
        made[name].add_argument("--reason", metavar="TEXT", required=True)


def _act(arguments: argparse.Namespace) -> int:
    """Do it and print the answer; the exit status."""
    from orchestrator import actions

    alone = {"init": actions.init, "check": actions.check}
    if arguments.command in alone:
        return _print(arguments, alone[arguments.command](arguments))
    from orchestrator import data, labelling, looks
    from orchestrator.app import App

    if arguments.command == "schema":
        return _print(arguments, looks.schema(arguments))
    app = App()
    if arguments.command == "run":
        return _run(arguments, app)
    if arguments.command == "serve":
        from orchestrator.server.serve import serve

        return serve(arguments, app, tell=lambda line: print(line, flush=True))
    if app.settings.server:
        from orchestrator import remote

        if (answer := remote.act(arguments, app.settings)) is not None:
            return _print(arguments, answer)
    with_app = {
        "list": looks.cycles, "show": looks.show, "logs": looks.logs, "audit": looks.audit, "query": looks.query,
        "trigger": actions.trigger, "approve": actions.approve, "reject": actions.reject, "rerun": actions.rerun,
        "hold": actions.hold, "unhold": actions.unhold, "cancel": actions.cancel, "rollback": actions.rollback,
        "erase": data.erase_here, "data": data.data, "lineage": data.lineage,
        "labels": labelling.local,
    }  # fmt: skip
    return _print(arguments, with_app[arguments.command](arguments, app))


def _run(arguments: argparse.Namespace, app: "App") -> int:
    from orchestrator import looks, session
    from orchestrator.core.model import State
    from orchestrator.view import whole

    gc.enable()
    try:
        cycle = session.run(arguments, app)
    except KeyboardInterrupt:
        again = f"ratchet run {arguments.pipeline}"
        print(f"\nLeft. What is running goes on by itself; `{again}` comes back to it.", file=sys.stderr)
        return 130
    _print(arguments, (whole(cycle), looks.ending(app, cycle)))
    app.store.close()  # whoever copies the database file now has copied everything
    return 0 if cycle.state in (State.DONE, State.SKIPPED) else 1


def _print(arguments: argparse.Namespace, answer: tuple[object, str]) -> int:
    data, text = answer
    with suppress(BrokenPipeError):  # whoever read it has read enough
        print(_as_json(data) if arguments.json else text)
    return 0


def _as_json(data: object) -> str:
    """JSON that does nothing to a terminal, whatever its texts hold."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _open_streams() -> None:
    """Printing never fails for a stream that was closed or a sign that the terminal's encoding lacks."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - it stays open to the end
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The command's entry. It leaves with `os._exit`, so that a thread that reads the terminal can't keep it."""
    code = 1
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _open_streams()
    gc.disable()  # imports make much and free nothing: an eighth of a short command
    try:
        logging.basicConfig(format="%(levelname)s %(message)s", level=os.environ.get("RATCHET_LOG", "ERROR"))
        logging.captureWarnings(True)
        code = _main(argv)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:  # whoever read it has read enough
            pass
        except OSError:
            code = code or 1
    os._exit(code)


def _main(argv: Sequence[str] | None) -> int:
    debug = os.environ.get("RATCHET_DEBUG") == "1"
    try:
        commands = parser()
        _unicode(sys.argv[1:] if argv is None else argv)
        arguments = commands.parse_args(argv)
        if arguments.command is None:
            commands.print_help()
            return 2
        return _act(arguments)
    except Trouble as trouble:
        if debug:
            raise
        _complain(str(trouble))
        return trouble.code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if debug:
            raise
        _complain(_in_words(error))
        return 1


def _unicode(words: Sequence[str]) -> None:
    """Raise `Trouble` for a word that is no Unicode: it could not be written on the record."""
    for word in words:
        if not word.isascii() and any("\ud800" <= sign <= "\udfff" for sign in word):
            raise Trouble(
                f"{word.encode(errors='backslashreplace').decode()} is not UTF-8", "write it as UTF-8", code=2
            )


def _complain(what: str) -> None:
    from reviewers.plain import tame

    with suppress(OSError):
        print(f"error: {tame(what)}", file=sys.stderr)


def _in_words(error: Exception) -> str:
    """What can't be foreseen, without a traceback."""
    from orchestrator.schema import DatabaseError
    from orchestrator.store import Unavailable

    if isinstance(error, DatabaseError):
        return str(error)
    if isinstance(error, Unavailable) and "full" in str(error):
        return f"{error}: make room where RATCHET_DATABASE_URL points, and try again"
    if isinstance(error, Unavailable):
        return f"the database did not answer: {error}: check RATCHET_DATABASE_URL, and try again"
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}: check the path, the disk and permissions"
    return f"{type(error).__name__}: {error}: set RATCHET_DEBUG=1 to see where"


if __name__ == "__main__":
    main()
