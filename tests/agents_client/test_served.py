"""A whole Baton and agents in processes of their own: the agent of the README, and one that dies with a task in hand."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.client import Client, LeaseLostError
from tests.browser.served import Served, serving

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
SECONDS = 60

REGISTER = """
import django
django.setup()
from orchestrator import tokens
from orchestrator.engine import agents
for name in ("reviewer", "other"):
    print(tokens.issue_for_agent(agents.register(name, capabilities=["python"]))[1])
"""
# It says which task it holds, and never lets go of it.
STUCK = """
from orchestrator.agents.client import Agent, Task

def work(task: Task) -> object:
    print(task.lease, flush=True)
    task.cancelled.wait()

Agent(agent_id="reviewer", capabilities=["python"]).run(work)
"""
FLOW = {
    "name": "Review",
    "version": "2.0.0",
    "tasks": {
        "read": {
            "action": "agent_task",
            "agent_id": "can:python",
            "parameters": {"document": "offer.pdf"},
            "retry_delay": 0,
        },
    },
}


@pytest.fixture(scope="module")
def baton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Leases last for two seconds, so that a dead agent is missed soon."""
    folder = tmp_path_factory.mktemp("agents")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BATON_LEASE_SECONDS", "2")
        patch.setenv("BATON_TICK_SECONDS", "0.5")
        (folder / "review.json").write_text(json.dumps(FLOW))
        with serving(folder) as served:
            served.baton("import", str(folder / "review.json"))
            yield served


@pytest.fixture(scope="module")
def tokens(baton: Served) -> Mapping[str, str]:
    env = {**baton.env, "DJANGO_SETTINGS_MODULE": "orchestrator.settings"}
    done = subprocess.run(
        [sys.executable, "-c", REGISTER], env=env, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(("reviewer", "other"), done.stdout.split(), strict=True))


@contextmanager
def running(
    baton: Served, token: str, *words: str, cwd: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process that is an agent until the block ends."""
    root = str(Path(__file__).resolve().parents[2])
    env = {**os.environ, "BATON_URL": baton.url, "BATON_AGENT_TOKEN": token, "PYTHONPATH": root}
    env |= {name: value for name, value in baton.env.items() if name.startswith("BATON_")}
    process = subprocess.Popen(
        [sys.executable, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """With which code it ends when it is asked to, and what it said."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out + err


def readme_agent() -> str:
    (text,) = re.findall(r"```python\n(from orchestrator\.agents\.client.*?)```", README, re.DOTALL)
    return str(text)


def task_of(baton: Served, run: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(baton.baton("task", str(run), "read", "--json"))
    return found


def test_the_agent_of_the_readme_has_about_ten_lines() -> None:
    assert len([line for line in readme_agent().splitlines() if line]) <= 10


@pytest.mark.slow
def test_the_agent_of_the_readme_completes_a_run(baton: Served, tokens: Mapping[str, str]) -> None:
    with running(baton, tokens["reviewer"], "-c", readme_agent()) as agent:
        run = json.loads(baton.baton("start", "review", "--wait", "--json"))
        assert run["status"] == "completed", run
        task = task_of(baton, run["run"])
        code, said = ended(agent)
    assert task["output"] == {"verdict": "fine"}
    assert [line["message"] for line in task["log"]] == ["reading offer.pdf"]
    assert code == 0, said


@pytest.mark.slow
def test_the_command_serves_a_function(baton: Served, tokens: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "reviews.py").write_text("async def work(task):\n    return task.parameters\n")
    words = (
        "-m",
        "orchestrator.cli",
        "agents",
        "run",
        "reviews:work",
        "--id",
        "other",
        "--capability",
        "python",
    )
    with running(baton, tokens["other"], *words, cwd=tmp_path) as agent:
        run = json.loads(baton.baton("start", "review", "--wait", "--json"))
        assert run["status"] == "completed", run
        code, said = ended(agent)
    assert task_of(baton, run["run"])["output"] == {"document": "offer.pdf"}
    assert code == 0, said
    assert f"reviews:work serves {baton.url} as agent other" in said


@pytest.mark.slow
def test_the_task_of_an_agent_that_is_killed_goes_to_another_and_its_late_result_is_refused(
    baton: Served, tokens: Mapping[str, str]
) -> None:
    with running(baton, tokens["reviewer"], "-c", STUCK) as stuck:
        run = json.loads(baton.baton("start", "review", "--json"))["run"]
        assert stuck.stdout is not None
        lease = int(stuck.stdout.readline())
        stuck.kill()
        stuck.wait(SECONDS)
        other = readme_agent().replace('"reviewer"', '"other"')
        with running(baton, tokens["other"], "-c", other):
            baton.baton("monitor", str(run), "--duration", str(SECONDS))
    with Client(baton.url, tokens["reviewer"]) as client, pytest.raises(LeaseLostError) as late:
        client.complete(lease, {"verdict": "late"})
    assert (late.value.status, late.value.code) == (409, "lease_lost")
    task = task_of(baton, run)
    assert (task["status"], task["output"]) == ("completed", {"verdict": "fine"})


# With nothing but curl


def curl_blocks() -> tuple[str, str, str]:
    """What the README has typed: what asks for work, what carries it to its end, and what hands in a file."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    asking, settling, file = [block for block in blocks if "curl" in block and "BATON_AGENT_TOKEN" in block]
    assert "/claim" in asking and "/complete" in settling and "/artifacts/" in file
    return asking, settling, file


def shell(text: str, baton: Served, token: str, cwd: Path) -> str:
    """What the shell says to it; any request that is refused ends it."""
    ours = text.replace("http://localhost:8000", baton.url).replace("curl ", "curl --fail-with-body -sS ")
    env = {**os.environ, "BATON_AGENT_TOKEN": token}
    done = subprocess.run(
        ["bash", "-euc", ours], env=env, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{ours}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def kept_alive(baton: Served, token: str, lease: int) -> Iterator[None]:
    """Two seconds are short for a shell on a machine that has much to do."""
    over = threading.Event()

    def beat() -> None:
        with Client(baton.url, token) as client, suppress(LeaseLostError):
            while not over.wait(0.3):
                client.heartbeat(lease)

    beating = threading.Thread(target=beat)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join(SECONDS)


@pytest.mark.slow
def test_a_stranger_with_curl_completes_a_run(
    baton: Served, tokens: Mapping[str, str], tmp_path: Path
) -> None:
    for program in ("bash", "curl"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} on this machine")
    asking, settling, file = curl_blocks()
    run = json.loads(baton.baton("start", "review", "--json"))["run"]
    said = shell(asking, baton, tokens["reviewer"], tmp_path)
    (given,) = json.loads(said[said.rindex('{"tasks"') :])["tasks"]
    assert (given["run"], given["task"], given["parameters"]) == (run, "read", {"document": "offer.pdf"})
    lease = f"LEASE={given['lease']}\n"
    assert "LEASE=7\n" in settling
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7")
    with kept_alive(baton, tokens["reviewer"], given["lease"]):
        shell(lease + file, baton, tokens["reviewer"], tmp_path)
        shell(settling.replace("LEASE=7\n", lease), baton, tokens["reviewer"], tmp_path)
    task = task_of(baton, run)
    assert (task["status"], task["output"]) == ("completed", {"verdict": "fine"})
    assert [line["message"] for line in task["log"]] == ["reading offer.pdf"]
    with pytest.raises(AssertionError, match="lease_lost"):
        shell(settling.replace("LEASE=7\n", lease), baton, tokens["reviewer"], tmp_path)


@pytest.mark.slow
def test_a_file_of_an_agent_of_either_kind_is_kept(
    baton: Served, tokens: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_bytes(b"a,b\n" * 300_000)
    works = {"plain": "def work(task):\n    {}\n", "coroutine": "async def work(task):\n    await {}\n"}
    for name, text in works.items():
        (tmp_path / f"{name}.py").write_text(text.format("task.attach('table.csv', 'table.csv')"))
        words = (
            "-m",
            "orchestrator.cli",
            "agents",
            "run",
            f"{name}:work",
            "--id",
            "other",
            "--capability",
            "python",
        )
        with running(baton, tokens["other"], *words, cwd=tmp_path) as agent:
            run = json.loads(baton.baton("start", "review", "--wait", "--json"))
            assert run["status"] == "completed", run
            code, told = ended(agent)
        assert code == 0, told
        (kept,) = [path for path in _files(baton) if path.stat().st_size == 1_200_000]
        assert kept.read_bytes() == (tmp_path / "table.csv").read_bytes()
        kept.unlink()


def _files(baton: Served) -> list[Path]:
    return [path for path in Path(baton.env["BATON_DATA_DIR"], "files").rglob("*") if path.is_file()]
