"""Every command of `python -m tests.chaos` is there and explains itself."""

from __future__ import annotations

import pytest

from tests.chaos.__main__ import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"tests.chaos {name}" in capsys.readouterr().out
