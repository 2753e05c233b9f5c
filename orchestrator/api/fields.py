"""Serializers that refuse what they do not know, instead of ignoring it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

LARGEST_ID = 2**63 - 1


class StrictSerializer(serializers.Serializer[Any]):
    """An envelope: a field it does not declare is an error with the nearest name that it does."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            unknown = {name: [self._unknown(name)] for name in data if name not in self.fields}
            if unknown:
                raise ValidationError(unknown)
        return super().to_internal_value(data)

    def _unknown(self, name: str) -> ErrorDetail:
        nearest = get_close_matches(name, self.fields, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known are: {', '.join(self.fields) or 'none'}."
        return ErrorDetail(f"{name} is not a field here; {hint}", code="unknown_field")


class StrictCharField(serializers.CharField):
    """Text that is text: a number is not quietly taken for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise ValidationError("Expected a string.", code="wrong_type")
        return super().to_internal_value(data)


class NothingSerializer(StrictSerializer):
    """A body with nothing in it: `{}` or no body."""
