"""A small world that is measured night after night, with each kind of event once: what is for ever stays, and figures are right."""

from __future__ import annotations

import pytest
from conftest import in_test_all

from prevalence_evidence.nights.nights import lines_of, run_here, run_nights

pytestmark = pytest.mark.slow


def held(folder, count=None):
    nights = list(run_nights("short", folder / "nights", count, run=run_here))
    said = "\n".join(line for night in nights for line in lines_of(night))
    assert not [fault for night in nights for fault in night.faults], said
    assert nights[-1].published > 0, said


def test_the_first_nights_publish_what_can_be_recomputed(tmp_path):
    held(tmp_path, 5)


@in_test_all
def test_nothing_is_lost_while_everything_changes(tmp_path):
    held(tmp_path)
