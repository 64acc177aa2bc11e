"""What is told of runs, and what is not told twice."""

from pathlib import Path

from tokstudio.runs.alarms import Alarm
from tokstudio.runs.notices import Notices
from tokstudio.runs.store import RunInfo

FULL = Alarm("disk", "1.0 GB are left on the disk of the runs.", "Free some space, or park the run.")


def info(name: str, state: str, **more) -> RunInfo:
    return RunInfo(name, "selftest", "Self-test", Path(name), state, 0.0, **more)


def told(notices: Notices, *infos: RunInfo, alarms=None) -> list[tuple[str, str]]:
    return [(notice.kind, notice.title) for notice in notices.see(infos, alarms)]


def test_what_was_over_before_the_first_look_is_history():
    notices = Notices()
    assert told(notices, info("a", "finished"), info("b", "failed")) == []
    assert told(notices, info("a", "finished"), info("b", "failed")) == []


def test_an_end_is_told_once():
    notices = Notices()
    told(notices, info("a", "running"), info("b", "running"), info("c", "running"), info("d", "running"))
    ends = [info("a", "finished"), info("b", "failed"), info("c", "lost"), info("d", "stopped")]
    assert told(notices, *ends) == [
        ("finished", "a has finished"),
        ("failed", "b has failed"),
        ("lost", "c was lost"),
    ]  # who stopped d knows it
    assert told(notices, *ends) == []


def test_a_resumed_run_is_told_of_again():
    notices = Notices()
    for state in ("running", "failed", "running"):
        told(notices, info("a", state))
    assert told(notices, info("a", "failed")) == [("failed", "a has failed")]


def test_the_words_say_what_came_of_it():
    notices = Notices()
    notices.see([info("a", "running"), info("b", "running")])
    ends = [
        info("a", "finished", bits_per_byte=1.25, total_steps=2400),
        info("b", "failed", message="The disk is full."),
    ]
    assert [n.text for n in notices.see(ends)] == [
        "1.250 bits per byte after 2,400 steps.",
        "The disk is full.",
    ]


def test_an_alarm_is_told_once_until_it_was_over():
    notices, run = Notices(), info("a", "running")
    assert told(notices, run, alarms={"a": [FULL]}) == [("alarm", "a wants attention")]
    assert told(notices, run, alarms={"a": [FULL]}) == []
    assert told(notices, run, alarms={"a": []}) == []
    assert told(notices, run, alarms={"a": [FULL]}) == [("alarm", "a wants attention")]
