"""The statements, written once in SQLAlchemy's terms for both databases; `store` compiles what is used."""

from importlib import import_module
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from orchestrator.schema import CYCLES, EFFECTS, EVENTS, INBOX, LEASES, MARKS, NOTICES, ROOMS, RUNS

Statements = dict[str, sa.sql.expression.ClauseElement]


def statements(dialect: Dialect) -> Statements:
    """Every statement by name, for `sqlite` or `postgresql`."""
    insert: Any = import_module(f"sqlalchemy.dialects.{dialect.name}").insert
    made = (
        _cycles(insert)
        | _effects(insert)
        | _leases(insert)
        | _inbox(insert)
        | _rooms(insert)
        | _notices(insert)
        | _audit()
    )
    return made | {"step": _step()} if dialect.name == "postgresql" else made


def _p(name: str, kind: Any = None) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind)


def _text(name: str) -> sa.BindParameter[Any]:
    return _p(name, sa.Text())


def _big(name: str) -> sa.BindParameter[Any]:
    return _p(name, sa.BigInteger())


def _any(column: Any, *values: str) -> Any:
    return sa.or_(*(column == value for value in values))


def _born() -> sa.Join:
    """Cycles with their first event, which has the pipeline."""
    return sa.join(CYCLES, EVENTS, sa.and_(EVENTS.c.cycle == CYCLES.c.id, EVENTS.c.seq == 1))


def _cycles(insert: Any) -> Statements:
    c, e, r, born = CYCLES.c, EVENTS.c, RUNS.c, _born()
    row = sa.select(e.body, c.body, c.seq, c.head).select_from(born)
    run = insert(RUNS).values({name: _p(name) for name in ("cycle", "stage", "body")})
    moved = {"seq": _p("n", sa.Integer()), "head": _text("h"), "body": _text("b"), "changed_at": _big("now")}
    return {
        "cycle": row.where(c.id == _text("cycle")),
        "cycle_locked": row.where(c.id == _text("cycle")).with_for_update(of=CYCLES),
        "cycle_by_key": sa.select(c.id).where(c.idempotency_key == _text("key")),
        "cycle_insert": insert(CYCLES),
        "cycle_update": sa.update(CYCLES)
        .where(c.id == _text("cycle"), c.seq == _p("was", sa.Integer()))
        .values(**moved),
        "cycle_update_state": sa.update(CYCLES)
        .where(c.id == _text("cycle"), c.seq == _p("was", sa.Integer()))
        .values(state=_text("s"), **moved),
        "newest": sa.select(c.number, e.hash).select_from(born).order_by(c.number.desc()).limit(1),
        "runs": sa.select(r.stage, r.body).where(r.cycle == _text("cycle")),
        "run_insert": run.on_conflict_do_update(index_elements=[r.cycle, r.stage], set_={"body": run.excluded.body}),
        "event_insert": insert(EVENTS),
        "events": sa.select(e.seq, e.at, e.kind, e.body, e.hash)
        .where(e.cycle == _text("cycle"), e.seq > _p("after", sa.Integer()))
        .order_by(e.seq),
        "cycles": sa.select(c.id, e.body, c.body)
        .select_from(born)
        .where(sa.or_(_text("pipeline") == "", c.pipeline == _text("pipeline")), c.number < _big("before"))
        .order_by(c.number.desc())
        .limit(_p("limit", sa.Integer())),
        "last_done": sa.select(c.id, e.body, c.body)
        .select_from(born)
        .where(c.target == _text("target"), c.state == "done")
        .order_by(c.number.desc())
        .limit(1),
    }


def _effects(insert: Any) -> Statements:
    f = EFFECTS.c
    due = sa.select(f.cycle, f.key, f.owner, f.claimed_until).where(f.due_at <= _big("now"))
    due = due.order_by(f.due_at, f.cycle, f.key).limit(1000)
    this = sa.and_(f.cycle == _text("cycle"), f.key == _text("key"))
    free = sa.or_(f.owner.is_(None), f.claimed_until <= _big("now"))
    return {
        "effect_insert": insert(EFFECTS)
        .values({name: _p(name) for name in ("cycle", "key", "body", "due_at", "owner", "claimed_until", "tries")})
        .on_conflict_do_nothing()
        .returning(f.key),
        "effect_done": sa.delete(EFFECTS).where(this, sa.or_(f.owner.is_(None), f.owner == _text("me"))),
        "effects_settled": sa.delete(EFFECTS).where(
            f.cycle == _text("cycle"), sa.or_(f.key == _text("key"), f.key == _text("other"))
        ),
        "effects_drop": sa.delete(EFFECTS).where(f.cycle == _text("cycle")),
        "effects_due": due,
        "effects_free": due.where(f.owner.is_(None)),
        "effects_next": sa.select(sa.func.min(f.due_at)).where(f.due_at > _big("now"), f.owner.is_(None)),
        "effect_claim": sa.update(EFFECTS)
        .where(this, f.due_at <= _big("now"), sa.or_(free, f.owner == _text("was")))
        .values(owner=_text("me"), claimed_until=_big("until"), tries=f.tries + 1)
        .returning(f.body, f.tries),
        "effect_renew": sa.update(EFFECTS).where(this, f.owner == _text("me")).values(claimed_until=_big("until")),
        "effect_postpone": sa.update(EFFECTS)
        .where(this, f.owner == _text("me"))
        .values(owner=sa.null(), claimed_until=sa.null(), due_at=_big("due")),
    }


def _leases(insert: Any) -> Statements:
    c, f, leases = CYCLES.c, EFFECTS.c, LEASES.c
    ended = sa.select(c.id).where(c.id == leases.cycle, _any(c.state, "done", "rejected", "cancelled", "skipped"))
    takeable = sa.or_(
        leases.cycle.is_(None),
        leases.cycle == _text("cycle"),
        leases.expires_at <= _big("now"),
        ended.correlate(LEASES).exists(),
    )
    lease = insert(LEASES).values(target=_text("target"), cycle=_text("cycle"), token=1, expires_at=_big("until"))
    token = sa.case((leases.cycle == _text("cycle"), leases.token), else_=leases.token + 1)
    living = sa.select(c.id).where(_any(c.state, "queued", "running", "in_review"))
    waiting = sa.select(c.id).where(c.target == _text("target"), c.state == "queued")
    return {
        "lease": sa.select(leases.cycle, leases.token, leases.expires_at)
        .where(leases.target == _text("target"))
        .with_for_update(),
        "lease_take": lease.on_conflict_do_update(
            index_elements=[leases.target],
            set_={"cycle": _text("cycle"), "token": token, "expires_at": _big("until")},
            where=takeable,
        ).returning(leases.token),
        "lease_first": sa.select(sa.func.min(c.number))
        .select_from(sa.join(CYCLES, EFFECTS, f.cycle == c.id))
        .where(c.target == _text("target"), c.state == "queued", f.key == "take"),
        "lease_release": sa.update(LEASES)
        .where(leases.target == _text("target"), leases.cycle == _text("cycle"))
        .values(cycle=sa.null()),
        "lease_renew": sa.update(LEASES)
        .where(leases.cycle.in_(living), leases.expires_at < _big("soon"))
        .values(expires_at=_big("until")),
        "lease_poke": sa.update(EFFECTS)
        .where(f.key == "take", f.owner.is_(None), f.cycle.in_(waiting))
        .values(due_at=_big("now")),
    }


def _inbox(insert: Any) -> Statements:
    box = INBOX.c
    return {
        "inbox_insert": insert(INBOX)
        .values({name: _p(name) for name in ("source", "delivery", "body", "received_at")})
        .on_conflict_do_nothing()
        .returning(box.id),
        "inbox_waiting": sa.select(box.id, box.source, box.delivery, box.body)
        .where(box.done_at.is_(None))
        .order_by(box.id)
        .limit(_p("limit", sa.Integer())),
        "inbox_forget": sa.delete(INBOX).where(box.done_at < _big("before")),
        "inbox_done": sa.update(INBOX).where(box.id == _big("id")).values(done_at=_big("now")),
    }


def _rooms(insert: Any) -> Statements:
    c, e, room, mark = CYCLES.c, EVENTS.c, ROOMS.c, MARKS.c
    born = insert(ROOMS).values(cycle=_text("cycle"), body=_text("body"), open=1, owner=_text("me"),
                                claimed_until=_big("until"))  # fmt: skip
    free = sa.or_(
        room.owner.is_(None), room.owner == _text("me"), room.owner == _text("was"), room.claimed_until <= _big("now")
    )
    claim = born.on_conflict_do_update(
        index_elements=[room.cycle], set_={"owner": _text("me"), "claimed_until": _big("until")}, where=free
    )
    mine = sa.and_(room.cycle == _text("cycle"), room.owner == _text("me"))
    kept = insert(MARKS).values(name=_text("mark"), value=_text("value"))
    return {
        "rooms_open": sa.select(c.id, c.seq)
        .select_from(sa.outerjoin(CYCLES, ROOMS, room.cycle == c.id))
        .where(
            sa.or_(
                _any(c.state, "queued", "running", "in_review", "failed"),
                room.open == 1,
                sa.and_(room.open == 0, room.pull.is_not(None), c.changed_at > _big("since")),
            )
        )
        .order_by(c.number),
        "room_by_pull": sa.select(room.cycle).where(room.pull == _big("pull")),
        "room_owner": sa.select(room.owner).where(room.cycle == _text("cycle")),
        "room": sa.select(room.body).where(room.cycle == _text("cycle")),
        "room_claim": claim.returning(room.body),
        "room_keep": sa.update(ROOMS)
        .where(mine)
        .values(pull=_p("pull", sa.BigInteger()), body=_text("body"), open=_p("open", sa.Integer()))
        .returning(room.cycle),
        "room_leave": sa.update(ROOMS).where(mine).values(owner=sa.null(), claimed_until=sa.null()),
        "mark": sa.select(mark.value).where(mark.name == _text("mark")),
        "mark_set": kept.on_conflict_do_update(index_elements=[mark.name], set_={"value": kept.excluded.value}),
        "delegated": sa.select(e.body).where(e.kind == "delegated").order_by(e.at),
        "head": sa.select(c.head).where(c.id == _text("cycle")),
    }


def _notices(insert: Any) -> Statements:
    notice = NOTICES.c
    return {
        "notice_insert": insert(NOTICES)
        .values(key=_text("key"), body=_text("body"), due_at=_big("due"), tries=0)
        .on_conflict_do_nothing()
        .returning(notice.key),
        "notices_due": sa.select(notice.key)
        .where(notice.sent_at.is_(None), notice.due_at <= _big("now"))
        .order_by(notice.due_at)
        .limit(_p("limit", sa.Integer())),
        "notices_next": sa.select(sa.func.min(notice.due_at)).where(notice.sent_at.is_(None)),
        "notice_claim": sa.update(NOTICES)
        .where(
            notice.key == _text("key"),
            notice.sent_at.is_(None),
            notice.due_at <= _big("now"),
            sa.or_(notice.owner.is_(None), notice.claimed_until <= _big("now")),
        )
        .values(owner=_text("me"), claimed_until=_big("until"), tries=notice.tries + 1)
        .returning(notice.body, notice.tries),
        "notice_sent": sa.update(NOTICES)
        .where(notice.key == _text("key"))
        .values(sent_at=_big("now"), owner=sa.null(), claimed_until=sa.null()),
        "notice_later": sa.update(NOTICES)
        .where(notice.key == _text("key"), notice.owner == _text("me"))
        .values(due_at=_big("due"), owner=sa.null(), claimed_until=sa.null()),
    }


def _audit() -> Statements:
    c, e, r = CYCLES.c, EVENTS.c, RUNS.c
    return {
        "audit_cycles": sa.select(
            c.id,
            c.number,
            c.pipeline,
            c.target,
            c.state,
            c.seq,
            c.head,
            c.body,
            c.idempotency_key,
            c.changed_at,
        )
        .where(c.number > _big("after"))
        .order_by(c.number)
        .limit(_p("limit", sa.Integer())),
        "audit_events": sa.select(e.cycle, e.seq, e.at, e.kind, e.body, e.hash)
        .join(CYCLES, e.cycle == c.id)
        .where(c.number > _big("after"), c.number <= _big("last"))
        .order_by(c.number, e.seq),
        "audit_runs": sa.select(r.cycle, r.stage, r.body)
        .join(CYCLES, r.cycle == c.id)
        .where(c.number > _big("after"), c.number <= _big("last")),
        "audit_strays": sa.select(e.cycle).where(~sa.exists().where(c.id == e.cycle)).distinct().order_by(e.cycle),
    }


def _step() -> sa.sql.expression.ClauseElement:
    """The commonest transition as one statement, for PostgreSQL, where each is a trip: the cycle goes on, if it
    is still at `was`; its event, its run and its next effect are written, and the effect behind it is struck out.
    Answers (cycles changed, effects born).
    """
    from sqlalchemy.dialects import postgresql

    c, e, f, r = CYCLES.c, EVENTS.c, EFFECTS.c, RUNS.c

    def among(source: sa.CTE, **values: sa.BindParameter[Any]) -> Any:
        return list(values), sa.select(source.c.id, *values.values()).select_from(source)

    changed = (
        sa.update(CYCLES)
        .where(c.id == _text("cycle"), c.seq == _p("was", sa.Integer()))
        .values(state=_text("s"), seq=_p("n", sa.Integer()), head=_text("h"), body=_text("b"), changed_at=_big("at"))
        .returning(c.id)
        .cte("changed")
    )
    names, rows = among(changed, seq=_p("n", sa.Integer()), at=_big("at"), kind=_text("kind"), body=_text("event"),
                        hash=_text("h"))  # fmt: skip
    written = sa.insert(EVENTS).from_select(["cycle", *names], rows).returning(e.seq).cte("written")
    names, rows = among(changed, stage=_text("stage"), body=_text("run"))
    run = postgresql.insert(RUNS).from_select(["cycle", *names], rows)
    kept = run.on_conflict_do_update(index_elements=[r.cycle, r.stage], set_={"body": run.excluded.body})
    struck = sa.delete(EFFECTS).where(
        f.cycle == sa.select(changed.c.id).scalar_subquery(), sa.or_(f.key == _text("done"), f.key == _text("other"))
    )
    names, rows = among(changed, key=_text("key"), body=_text("effect"), due_at=_big("due"), owner=_text("me"),
                        claimed_until=_big("until"), tries=_p("tries", sa.Integer()))  # fmt: skip
    effect = postgresql.insert(EFFECTS).from_select(["cycle", *names], rows).on_conflict_do_nothing()
    born = effect.returning(f.key).cte("born")
    counts = [sa.select(sa.func.count()).select_from(one).scalar_subquery() for one in (changed, born)]
    others = written, kept.returning(r.stage).cte("kept"), struck.returning(f.key).cte("struck")
    return sa.select(*counts).add_cte(*others)
