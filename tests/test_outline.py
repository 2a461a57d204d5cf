"""The schema for editors says what the reader of the file says, as far as a schema can."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from orchestrator.config import Config, read
from orchestrator.outline import outline
from orchestrator.template import starter

SCHEMA = Draft202012Validator(outline())
STAGE = {"name": "a", "step": "m:f"}


def fits(value):
    """Whether an editor would accept it."""
    return SCHEMA.is_valid(value)


def test_the_schema_is_one_and_travels_as_json():
    """It is valid itself, and can be printed."""
    Draft202012Validator.check_schema(outline())
    assert json.loads(json.dumps(outline())) == outline()


def test_the_starter_fits():
    """An editor underlines nothing in what `ratchet init` writes."""
    assert [error.message for error in SCHEMA.iter_errors(yaml.safe_load(starter()["ratchet.yaml"]))] == []


@pytest.mark.parametrize(
    ("stage", "rest"),
    [
        ({}, {}),
        ({"with": {"x": [1, None]}, "takes": {}, "executor": "ray"}, {"overlap": "skip", "target": "shop"}),
        ({"retry": {"times": 2, "backoff": "30s"}, "resources": {"memory": "16GiB", "timeout": "2h"}}, {}),
        ({"retry": {"backoff": 30}, "resources": {"memory": 1024}}, {}),
        ({"gate": {"require": ["1 of @write", "not_initiator"], "deadline": {"after": "24h", "remind": "8h"}}}, {}),
        ({"gate": {"policy": "no_regression", "else": ["must alice"]}}, {"schedule": {"cron": "1 2 * * *"}}),
        ({"gate": None}, {"schedule": {"cron": "1 2 * * *", "timezone": "Asia/Seoul", "when": {"older_than": "7d"}}}),
    ],
)
def test_what_is_read_fits(stage, rest):
    """Everything that `read` lets through, an editor accepts."""
    value = {"pipelines": {"p": {"stages": [STAGE | stage], **rest}}, "groups": {"ml": ["alice"]}, "policies": {}}
    assert isinstance(read(json.dumps(value)), Config), read(json.dumps(value))
    assert [error.message for error in SCHEMA.iter_errors(value)] == []


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"pipelines": {}},
        {"pipelines": {"p": {"stages": []}}},
        {"pipelines": {"p": {"stages": [{"name": "a"}]}}},
        {"pipelines": {"p": {"stages": [STAGE | {"nothing": 1}]}}},
        {"pipelines": {"p": {"stages": [STAGE | {"executor": "rey"}]}}},
        {"pipelines": {"p": {"stages": [STAGE | {"retry": {"backoff": "8x"}}]}}},
        {"pipelines": {"p": {"stages": [STAGE | {"resources": {"memory": "big"}}]}}},
        {"pipelines": {"p": {"stages": [STAGE], "name": "q"}}},
        {"pipelines": {"p": {"stages": [STAGE], "groups": {}}}},
        {"pipelines": {"p": {"stages": [STAGE]}}, "other": 1},
    ],
)
def test_what_is_refused_does_not_fit(value):
    """Unknown keys, missing keys and wrong forms are underlined as they are typed."""
    assert isinstance(read(json.dumps(value)), list)
    assert not fits(value)
