"""System checks: settings that would fail later fail at start-up, in a sentence."""

from __future__ import annotations
