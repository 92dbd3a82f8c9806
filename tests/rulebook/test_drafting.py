"""Drafts of law as amendments: what is told of several at once."""

import datetime as dt

import pytest

from common.refusals import Refused
from rulebook.drafting import drawn_together

MARCH = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("instants", [[None], [None, None], [MARCH], [MARCH, MARCH]])
def test_drafts_of_one_law_are_laid_over_it(instants):
    assert drawn_together(instants) == instants[0]


@pytest.mark.parametrize("other", [None, MARCH + dt.timedelta(days=1)])
def test_drafts_of_two_laws_are_refused(other):
    with pytest.raises(Refused, match="drawn from one law") as refused:
        drawn_together([MARCH, other])
    assert {finding.code for finding in refused.value.findings} == {"drafts-drawn-apart"}
