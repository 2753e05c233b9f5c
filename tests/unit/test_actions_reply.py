"""Statuses and Retry-After, as pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.actions.api_call import reply

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 5 ", 5),
        ("86400", 3600),
        ("9" * 400, 3600),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Mon, 01 Mar 2027 12:00:00 GMT", 3600),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_in_seconds_or_as_a_date_and_capped(value: str, seconds: float | None) -> None:
    assert reply.retry_after_seconds(value, NOW) == seconds


@given(st.text(max_size=40))
def test_any_retry_after_is_a_wait_up_to_an_hour_or_nothing(value: str) -> None:
    seconds = reply.retry_after_seconds(value, NOW)
    assert seconds is None or 0 <= seconds <= 3600


@given(st.integers(0, 3600))
def test_a_date_is_worth_as_much_as_its_seconds(seconds: int) -> None:
    moment = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert reply.retry_after_seconds(moment, NOW) == seconds


@given(st.integers(100, 599))
def test_a_status_meets_its_number_and_its_class_and_no_other(status: int) -> None:
    classes = ["1xx", "2XX", "3xx", "4Xx", "5xx"]
    assert reply.matches(status, status)
    assert reply.matches(status, str(status))
    assert [reply.matches(status, name) for name in classes].count(True) == 1
    assert not reply.matches(status, status + 1)


@pytest.mark.parametrize("expected", [100, 599, "200", "2xx", "5XX"])
def test_a_status_may_be_a_number_or_a_class(expected: object) -> None:
    assert reply.status_fault(expected) == ""


@pytest.mark.parametrize(
    "expected", [99, 600, True, 2.5, None, "", "xx", "0xx", "6xx", "2x", "ok", "²00", [200], -200]
)
def test_anything_else_is_no_status(expected: object) -> None:
    assert reply.status_fault(expected)
