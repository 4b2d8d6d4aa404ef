"""A small world that is measured night after night, with each kind of event once: what is for ever stays, and figures are right."""

from __future__ import annotations

import pytest
from conftest import in_test_all

from prevalence_evidence.nights.nights import lines_of, run_here, run_nights, run_undisturbed

pytestmark = pytest.mark.slow


def held(folder, count=None, **options):
    """The nights without a fault, and the figures of an undisturbed run."""
    nights = list(run_nights("short", folder / "nights", count, run=run_here, **options))
    said = "\n".join(line for night in nights for line in lines_of(night))
    assert not [fault for night in nights for fault in night.faults], said
    assert nights[-1].published > 0, said
    faults, compared = run_undisturbed(folder / "nights", run=run_here)
    assert not faults and compared > 0, "\n".join([said, *faults])
    return nights


def test_the_first_nights_publish_what_can_be_recomputed(tmp_path):
    held(tmp_path, 5)


@in_test_all
def test_nothing_is_lost_while_everything_changes(tmp_path):
    held(tmp_path)


@in_test_all
def test_runs_that_are_killed_and_repeated_leave_the_same_tables(tmp_path):
    nights = held(tmp_path, kills=10, seed=20261005)
    assert sum(night.kills for night in nights) == 10
