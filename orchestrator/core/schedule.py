"""When a cycle is due. Pure."""

from orchestrator.core.noun import Noun


class Schedule(Noun):
    """When the pipeline runs unasked."""

    cron: str
    timezone: str = "UTC"
