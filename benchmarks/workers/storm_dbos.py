"""DBOS in a kill storm: one workflow of errands, recovered when the program is started again."""

from dbos import DBOS, SetWorkflowID
from errand import errand
from peer_dbos import launch
from protocol import config


@DBOS.step()
def step(log: str, number: int) -> int:
    errand(log, number)
    return number


@DBOS.workflow()
def storm(log: str, steps: int) -> int:
    for number in range(steps):
        step(log, number)
    return steps


if __name__ == "__main__":
    wanted = config()
    launch(wanted["url"])
    with SetWorkflowID("storm"):
        handle = DBOS.start_workflow(storm, wanted["log"], wanted["steps"])
    assert handle.get_result(polling_interval_sec=0.05) == wanted["steps"]
    DBOS.destroy()
