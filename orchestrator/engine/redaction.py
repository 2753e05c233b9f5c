"""Secret values out of what people write, before it is stored where nothing is taken back."""

from __future__ import annotations

from orchestrator.engine.parameters import unsealed
from orchestrator.models import Run, Secret
from orchestrator.secrets import Redactor, SecretError, unseal


def redacted(text: str, run: Run) -> str:
    """The text without the secret parameters of this run and without any stored secret."""
    return Redactor([*_parameters(run), *_stored()]).text(text) if text else text


def _parameters(run: Run) -> list[object]:
    try:
        return unsealed(run.params)[1]
    except SecretError:  # what nobody can read any more cannot be told either
        return []


def _stored() -> list[object]:
    found: list[object] = []
    for name, ciphertext in Secret.objects.values_list("name", "ciphertext"):
        try:
            found.append(unseal(ciphertext, f"secret:{name}"))
        except SecretError:
            continue
    return found
