"""What `ratchet.yaml` may say, and how everything that is wrong with it is told at once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import Config, load, read
from orchestrator.document import Document
from orchestrator.problem import Problem, shown
from orchestrator.template import starter
from reviewers.policy import Policy

GOOD = starter()["ratchet.yaml"]


def told(text):
    """Each problem of the text as it is printed, less the file's name."""
    found = read(text, "f")
    problems = found.warnings if isinstance(found, Config) else found
    return [str(problem).removeprefix("f:") for problem in problems]


def gated(gate, groups="{ml: [alice, Bob]}"):
    """A pipeline whose one stage has this gate."""
    return (
        f"groups: {groups}\npipelines:\n  p:\n    stages:\n      - name: a\n        step: m:f\n        gate: {gate}\n"
    )


def staged(*stages):
    """A pipeline of these stages, each on a line of its own from line 4."""
    return "\n".join(["pipelines:", "  p:", "    stages:", *(f"      - {{{stage}}}" for stage in stages)])


def test_the_starter_is_right_and_tells_where_everything_stands():
    """What `ratchet init` writes loads without a warning, with numbers as numbers, and each value has its line."""
    config = read(GOOD)
    assert isinstance(config, Config), config
    assert config.warnings == ()
    pipeline = config.pipelines["sentiment"]
    assert [stage.name for stage in pipeline.stages] == ["collect", "finetune", "evaluate", "deploy"]
    assert pipeline.stages[1].with_["learning_rate"] == 2e-5
    assert pipeline.stages[1].resources.memory == 4 * 2**30
    assert pipeline.schedule is not None
    assert pipeline.schedule.when.older_than == timedelta(days=30)
    line = config.line("pipelines", "sentiment", "stages", 1, "with", "epochs")
    assert GOOD.splitlines()[line - 1].strip() == "epochs: 2"
    assert config.line("pipelines", "sentiment", "stages", 1, "with", "nothing") == line - 2
    assert "no_regression" in config.policies


def test_groups_and_policies_are_read():
    """Groups keep their members' spelling; policies become bounds."""
    text = "groups: {ml: [alice, Bob]}\npolicies: {good: {accuracy: '>= 0.8', verdict: PASS}}\n" + staged(
        "name: a, step: m:f"
    )
    config = read(text)
    assert isinstance(config, Config), config
    assert config.groups == {"ml": ("alice", "Bob")}
    assert str(config.policies["good"].bounds[0]) == ">= 0.8"
    assert config.policies["good"].verdict == "PASS"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: the file says nothing (begin with `pipelines:`)"),
        ("[]", "1: the file must be a mapping"),
        ("a: b: c", "1: not YAML: mapping values are not allowed here (put a value"),
        ("pipelines:\n\tp: 1", "2: not YAML: while scanning for the next token"),
        ("a: *x", "1: not YAML: found undefined alias"),
        ("--- 1\n--- 2", "2: not YAML: expected a single document"),
        ("\0", "1: not YAML: unacceptable character"),
        ("[" * 1500, "1: not YAML: it is nested too deeply"),
        ("a: !x 1", "1: the tag !x is not read"),
        ("a: !!int 1", "1: the tag !!int is not read"),
        ("? [a]\n: 1", "1: a key must be one word"),
        ("a: &a [*a]", "1: too much:"),
        ("x: 1\nx: 2", "2: `x` is written twice, first on line 1 (leave one of them out)"),
        ("pipeline: {}", "1: `pipeline` is not a known key (did you mean pipelines?)"),
        ("pipelines:", "1: there is no pipeline"),
        ("pipelines: 3", "1: `pipelines` must be a mapping, and is 3"),
        ("pipelines:\n  p: 3", "2: pipeline 'p' must be a mapping, and is 3"),
        ("pipelines:\n  P: {stages: []}", "2: `name`: 'P' is not a name"),
        ("pipelines:\n  p: {name: q}", "2: `name` is not a known key (the pipeline's name is the key above it)"),
        ("pipelines:\n  p: {groups: {}}", "2: `groups` is not a known key (write `groups:` at the top of the file"),
        ("pipelines:\n  p: {policies: {}}", "2: `policies` is not a known key (write `policies:` at the top"),
        ("pipelines:\n  p: {stage: []}", "2: `stage` is not a known key (did you mean stages?)"),
        ("pipelines:\n  p: {}", "2: `stages` is missing (add `stages: …`)"),
        ("pipelines:\n  p: {stages: []}", "2: `stages` is empty"),
        ("pipelines:\n  p: {stages: 3}", "2: `stages` must be a list, and is 3"),
        (staged("name: a, step: m:f") + "\n    overlap: que", "5: `overlap` is 'que' (did you mean queue?)"),
        (staged("name: a, step: m:f") + "\n    target: a b", "5: `target`: 'a b' is not a target"),
        (staged("name: a, step: m:f") + "\n    schedule: {cron: x}", "5: `cron`: 'x' has 1 fields (write minute hour"),
        (staged("name: a, step: m:f") + "\n    schedule: {cron: 61 * * * *}", "is not a cron expression, bad minute"),
        (staged("name: a, step: m:f") + "\n    schedule: {cron: 1 * * * *, timezone: X}", "'X' is not a time zone"),
        ("pipelines:\n  p:\n    stages:\n      - 3", "4: item 1 of `stages` must be a mapping, and is 3"),
        (staged("name: a"), "4: `step` is missing"),
        (staged("name: a, step: m.f"), "4: `step`: 'm.f' is not a step (write package.module:function"),
        (staged("name: a, step: m:f, takse: {}"), "4: `takse` is not a known key (did you mean takes?)"),
        (staged("name: a, step: m:f, nothing: 1"), "4: `nothing` is not a known key (known: executor, gate, name"),
        (staged("name: a, step: m:f, with: [a]"), "4: `with` must be a mapping, and is a list"),
        (staged("name: a, step: m:f, executor: rey"), "4: `executor` is 'rey' (did you mean ray?)"),
        (staged("name: a, step: m:f, retry: {times: 1.5}"), "4: `times` must be a whole number, and is 1.5"),
        (staged("name: a, step: m:f, retry: {backoff: 8x}"), "4: `backoff`: '8x' is not a duration (write a number"),
        (staged("name: a, step: m:f, resources: {workers: 0}"), "must be greater than or equal to 1, and is 0"),
        (staged("name: a, step: m:f, resources: {memory: big}"), "4: `memory`: 'big' is not a size"),
        (staged("name: a, step: m:f, takes: {x: y}"), "4: `x`: 'y' is not an output (write stage.output"),
        (staged("name: a, step: m:f", "name: a, step: m:f"), "5: stage a is there twice, first on line 4"),
        (staged("name: a, step: m:f", "name: b, step: m:f, takes: {x: aa.y}"), "x takes aa.y, but there is no stage"),
        (staged("name: a, step: m:f, takes: {x: a.y}"), "4: x takes a.y from the stage itself"),
        (staged("name: a, step: m:f, takes: {x: b.y}", "name: b, step: m:f"), "4: x takes b.y from a later stage"),
        (gated("3"), "7: `gate` must be a mapping, and is 3"),
        (gated("{}"), "7: `gate`: the gate asks nobody"),
        (gated("{require: [foo]}"), "7: item 1 of `require`: 'foo' is not a clause (write `2 of @org/team`"),
        (gated("{policy: no_regresion}"), "7: there is no policy no_regresion (did you mean no_regression?)"),
        (gated("{require: [1 of @mll]}"), "7: '1 of @mll': there is no group @mll (did you mean @ml?"),
        (gated("{require: [3 of @ml]}"), "7: '3 of @ml' can never be met: @ml has 2"),
        (gated("{require: [2 of alice]}"), "7: '2 of alice' can never be met: alice is one person"),
        (gated("{policy: no_regression, else: [3 of @ml]}"), "7: '3 of @ml' can never be met"),
        (gated("{require: [1 of @ml]}", "{ml: []}"), "7: '1 of @ml' can never be met: @ml has 0"),
        (gated("{require: [3 of @ml, foo]}"), "7: '3 of @ml' can never be met"),
        (gated("{require: [{kind: must, whom: a}]}"), "7: `whom` is not a known key (did you mean who?)"),
        (gated("{require: [1 of @ml]}", "{ml: 3}"), "1: group 'ml' must be a list, and is 3"),
        (gated("{require: [1 of @ml]}", "{ml: ['@a']}"), "1: '@a' is not a login"),
        (gated("{require: [1 of @ml]}", "{ml: [a], admin: [a]}"), "1: group 'admin' is a role on GitHub"),
        (gated("{require: [1 of @ml]}", "{ml: [a], 9: [a]}"), "1: group '9' is not a name"),
        ("policies: {no_regression: {a: '> 1'}}", "1: policy no_regression is built in (choose another name)"),
        ("policies: {P: {a: '> 1'}}", "1: 'P' is not a name"),
        ("policies: {p: {}}", "1: policy p asks nothing"),
        ("policies: {p: {a: 1}}", "1: a: 1 is not a bound (write `>= 0.8`"),
        ("policies: {p: {verdict: MAYBE}}", "1: the verdict 'MAYBE' is never given (write PASS)"),
    ],
)  # fmt: skip
def test_each_thing_that_is_wrong_is_told_with_line_and_cure(text, problem):
    """Every kind of mistake is refused, at its line, in words that name the thing and the cure."""
    found = read(text, "f")
    assert isinstance(found, list)
    assert any(problem in line for line in told(text)), told(text)


@pytest.mark.parametrize(
    ("gate", "warning"),
    [
        ("{require: [2 of @ml], not_initiator: true}", "'2 of @ml' can't be met by a cycle that one of @ml starts"),
        ("{require: [must alice, not_initiator]}", "'must alice' can't be met by a cycle that alice starts"),
        ("{require: [must ml]}", "ml is read as a login, and is a group here too (write @ml)"),
        ("{require: [1 of @ml], deadline: {after: 1h, remind: 2h}}", "the deadline ends before the first reminder"),
    ],
)
def test_what_may_be_meant_is_a_warning(gate, warning):
    """What can work for some is told and lets the file through."""
    assert isinstance(read(gated(gate)), Config)
    (line,) = told(gated(gate))
    assert line.startswith("7: warning: ")
    assert warning in line


def test_a_login_that_is_twice_in_a_group_is_one_person():
    """Logins are compared without case; a second spelling warns, and does not fill a second seat."""
    text = gated("{require: [2 of @ml]}", "{ml: [bob, BOB]}")
    assert told(text) == [
        "1: warning: BOB is in group 'ml' twice (leave one out)",
        "7: '2 of @ml' can never be met: @ml has 1 (ask for fewer, or name a larger group)",
    ]


@pytest.mark.parametrize(
    "gate",
    [
        "{require: [2 of @ml, 1 of @org/x, 5 of @write, must bob]}",
        "{policy: no_regression}",
        "{policy: no_regression, else: [1 of @ml]}",
        "{require: [1 of @ml, not_initiator]}",
        "{require: [1 of @anyone], deadline: {after: 24h, remind: 8h, then: reject}}",
        "",
    ],
)
def test_gates_that_can_be_closed_are_silent(gate):
    """A gate that enough people may close has no warning."""
    assert told(gated(gate)) == []


def test_a_pipeline_carries_the_groups_and_policies_that_it_names():
    """A cycle keeps its pipeline, and with it what its gates meant when it began; what it doesn't name stays out."""
    head = "policies: {good: {a: '> 1'}, other: {b: '> 1'}}\n"
    config = read(head + gated("{policy: good, else: [1 of @ml]}", "{ml: [alice, Bob], safety: [carol]}"))
    assert isinstance(config, Config), config
    pipeline = config.pipelines["p"]
    assert pipeline.groups == {"ml": ("alice", "Bob")}
    assert list(pipeline.policies) == ["good"]
    assert Policy.model_validate(pipeline.policies["good"]) == config.policies["good"]
    assert list(read(GOOD).pipelines["sentiment"].policies) == ["no_regression"]


def test_all_mistakes_are_told_at_once_in_the_order_of_lines():
    """One look is enough: mistakes in sections, stages and gates come together, by line."""
    lines = [
        "piplines: {}",
        "groups: {ml: [a, '@b']}",
        "policies: {p: {a: x}}",
        "pipelines:",
        "  p:",
        "    overlap: q",
        "    stages:",
        "      - {name: a, step: x, takes: {d: c.d}}",
        "      - {name: a, step: m:f, gate: {require: [9 of @ml, 1 of @lm, nobody]}}",
    ]
    found = [int(line.split(":")[0]) for line in told("\n".join(lines))]
    assert found == [1, 2, 3, 6, 8, 8, 9, 9, 9, 9]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "there is no such file (write one with `ratchet init`)"),
        (b"a: \xff", "byte 4 is not UTF-8 (save the file as UTF-8)"),
        (b" " * 1_000_001, "the file has 1000001 bytes (keep it below 1000000)"),
    ],
)
def test_a_file_that_cant_be_read_is_a_problem(tmp_path, content, what):
    """A file that is missing, binary or endless is told like any other mistake."""
    path = tmp_path / "ratchet.yaml"
    if content is not None:
        path.write_bytes(content)
    assert [str(problem) for problem in load(path)] == [f"{path}: {what}"]
    assert "can't be read" in str(load(tmp_path)[0])


def test_a_file_with_a_byte_order_mark_loads(tmp_path):
    """Editors on Windows write one; it is not part of the first key."""
    path = tmp_path / "ratchet.yaml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert isinstance(load(path), Config)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-5", 2e-5), ("no", "no"), ("on", "on"), ("017", 17), ("-3", -3), (".5", 0.5), ("1.", 1.0), ("1_0", "1_0"),
        ("0x1f", "0x1f"), (".inf", ".inf"), ("1e999", "1e999"), ("2026-01-01", "2026-01-01"), ("12:30", "12:30"),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("nUll", "nUll"), ("'1'", "1"),
        ('"true"', "true"), ("9" * 5000, "9" * 5000),
    ],
)  # fmt: skip
def test_words_are_read_as_yaml_1_2_reads_them(text, value):
    """`2e-5` is a number and `no` is a word; nothing turns into a date, an octal or a time of day."""
    document = Document(f"a: {text}", "f")
    assert document.problems == []
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_aliases_are_values_and_a_bomb_of_them_is_defused():
    """An alias stands for its anchor's value; a file that would unfold without end is refused."""
    assert Document("a: &x {k: 1}\nb: *x", "f").value == {"a": {"k": 1}, "b": {"k": 1}}
    rows = "\n".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    bomb = Document(f"a: &a [1]\n{rows}", "f")
    assert [problem.what[:8] for problem in bomb.problems] == ["too much"]


YAMLISH = st.lists(
    st.sampled_from(
        [
            *"\n\n  :-{}[],&*!|>'\"#%@`?~",
            "\n    ",
            "pipelines",
            "stages",
            "gate",
            "require",
            "groups",
            "2 of @ml",
            "name",
            "a",
        ]
    ),
    max_size=60,
).map("".join)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-9, 99), st.sampled_from(["a", "1 of @ml", "m:f", "a.b", "24h", "x y"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["name", "step", "takes", "with", "gate", "require", "else", "policy", "deadline", "after", "x"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@given(st.one_of(st.text(), YAMLISH, VALUES.map(lambda value: f"pipelines: {{p: {{stages: [{value!r}]}}}}")))
def test_no_text_raises(text):
    """Whatever the file says, the answer is a configuration or a list of problems with lines inside the file."""
    found = read(text.encode("utf-8", "replace").decode())
    assert isinstance(found, Config) or found
    for problem in found if isinstance(found, list) else found.warnings:
        assert isinstance(problem, Problem)
        assert 1 <= problem.line <= text.count("\n") + text.count("\r") + 2


def test_a_value_is_shown_short():
    """A value stands in a sentence in a few words."""
    assert [shown(value) for value in (None, True, 3, "a", [1], {}, b"")] == [
        "empty", "true", "3", "'a'", "a list", "a mapping", "a value"
    ]  # fmt: skip
    assert len(shown("x" * 100)) == 61
