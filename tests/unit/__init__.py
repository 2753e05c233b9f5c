"""Tests of parts on their own."""

import pytest

pytest.register_assert_rewrite("tests.unit.definitions")
