"""The keeper against real processes that die, hang, refuse to stop or lose their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from orchestrator.supervisor.backoff import FIRST, LONGEST, STEADY, Backoff
from orchestrator.supervisor.listening import PortTakenError, listen

PATIENCE = 30.0


class Kept:
    """A keeper in a process of its own, with programs given as Python source."""

    def __init__(self, log: Path, programs: dict[str, str], **options: float) -> None:
        self.log = log
        script = textwrap.dedent(f"""
            import sys
            from orchestrator.supervisor.keeper import Keeper
            from orchestrator.supervisor.programs import Program
            sources = {programs!r}
            options = {options!r}
            Keeper([Program(name, (sys.executable, "-c", source), **options) for name, source in sources.items()]).run()
        """)
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", script],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def says(self, text: str, times: int = 1) -> bool:
        return self.log.read_text().count(text) >= times

    def numbers(self, word: str) -> list[int]:
        """The numbers that the children wrote after a word."""
        words = self.log.read_text().split()
        return [int(after) for before, after in pairwise(words) if before == word]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        """Two stop signals, of two kinds since equal ones may arrive as one: the children are killed at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            if self.process.poll() is None:
                self.send(number)
        self.wait()


Keep = Callable[..., Kept]


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Keep]:
    started: list[Kept] = []

    def start(programs: dict[str, str], **options: float) -> Kept:
        started.append(Kept(tmp_path / f"log-{len(started)}", programs, **options))
        return started[-1]

    yield start
    for kept in started:
        kept.end()


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for it to become true; that it takes too long is a failure."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


STAY = "import os, signal; print('pid', os.getpid()); signal.pause()"
BEAT = "from orchestrator.supervisor import heartbeat\n"


def test_lines_of_the_children_carry_the_name_of_the_program(keep: Keep) -> None:
    kept = keep(
        {"web": "print('up'); " + STAY, "clock": "import sys; print('late', file=sys.stderr); " + STAY}
    )
    until(lambda: kept.says("web   | up") and kept.says("clock | late"))


def test_the_last_line_of_a_child_is_kept_even_without_an_end(keep: Keep) -> None:
    kept = keep({"web": "print('cut', end='')"})
    until(lambda: kept.says("web | cut\n"))


def test_a_child_that_dies_is_started_again_after_a_pause(keep: Keep) -> None:
    kept = keep({"web": STAY})
    until(lambda: len(kept.numbers("pid")) == 1)
    os.kill(kept.numbers("pid")[0], signal.SIGKILL)
    until(lambda: len(kept.numbers("pid")) == 2)
    assert kept.says("was killed by SIGKILL; starts again in 0.5 s")


def test_a_child_that_keeps_ending_is_started_less_and_less_often(keep: Keep) -> None:
    kept = keep({"web": "raise SystemExit(3)"})
    until(lambda: kept.says("ended with code 3; starts again in 2 s"))
    assert kept.says("starts again in 0.5 s", 1)
    assert kept.says("starts again in 1 s", 1)


def test_a_child_without_a_sign_of_life_is_replaced_with_all_it_has_forked(keep: Keep) -> None:
    fork = "import os, signal\npid = os.fork()\nif pid == 0:\n    signal.pause()\nprint('forked', pid)\n"
    kept = keep({"web": fork + BEAT + "heartbeat.beat(); signal.pause()"}, stall=1.0)
    until(lambda: len(kept.numbers("forked")) == 2)
    assert kept.says("gave no sign of life")
    until(lambda: not is_alive(kept.numbers("forked")[0]))


def test_a_child_that_never_boots_is_replaced(keep: Keep) -> None:
    kept = keep({"web": STAY}, boot=0.5)
    until(lambda: len(kept.numbers("pid")) == 2)


def test_a_child_that_beats_is_left_alone(keep: Keep) -> None:
    beating = BEAT + "import time\nwhile True: heartbeat.beat(); time.sleep(0.1)"
    kept = keep({"web": beating, "clock": STAY}, stall=1.0, boot=2.0)
    until(lambda: len(kept.numbers("pid")) == 3)
    assert not kept.says("web   | gave no sign of life")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_lets_the_children_finish(keep: Keep, number: signal.Signals) -> None:
    finishing = "import signal\nsignal.signal(15, lambda *_: print('finished'))\nprint('up'); signal.pause()"
    kept = keep({"web": finishing, "clock": finishing})
    until(lambda: kept.says("up", 2))
    kept.send(number)
    assert kept.wait() == 0
    assert kept.says("finished", 2)


def test_a_child_that_refuses_to_stop_is_killed_after_its_grace(keep: Keep) -> None:
    kept = keep({"web": "import signal\nsignal.signal(15, signal.SIG_IGN)\n" + STAY}, grace=0.5)
    until(lambda: kept.numbers("pid") != [])
    kept.send(signal.SIGTERM)
    assert kept.wait() == 0
    assert not is_alive(kept.numbers("pid")[0])


def test_a_second_signal_kills_at_once(keep: Keep) -> None:
    kept = keep({"web": "import signal\nsignal.signal(15, lambda *_: print('asked'))\nwhile True: " + STAY})
    until(lambda: kept.numbers("pid") != [])
    kept.send(signal.SIGTERM)
    until(lambda: kept.says("asked"))
    kept.send(signal.SIGTERM)
    assert kept.wait() == 0


def test_no_child_and_no_grandchild_outlives_a_keeper_that_is_killed(keep: Keep) -> None:
    source = (
        "import os, sys, signal\n"
        "from orchestrator.supervisor import fate\n"
        "fate.die_with_parent(os.getppid()); fate.bind_forks()\n"
        "if os.fork() == 0: os.fork()\n"
        "os.write(1, b'pid %d\\n' % os.getpid()); signal.pause()\n"  # whole, beside those of the others
    )
    kept = keep({"web": source})
    until(lambda: len(kept.numbers("pid")) == 3)
    kept.send(signal.SIGKILL)
    kept.wait()
    until(lambda: not any(map(is_alive, kept.numbers("pid"))), seconds=2)


def test_a_child_whose_parent_is_gone_already_does_not_start() -> None:
    source = "from orchestrator.supervisor import fate; fate.die_with_parent(1 << 22); print('lived')"
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == b""


def test_a_taken_port_is_said_in_a_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Cannot serve on 127.0.0.1:{port}: Address already in use"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_does_not_exist_is_said_in_a_sentence(port: int) -> None:
    with pytest.raises(PortTakenError, match="Cannot serve on"):
        listen("127.0.0.1", port)


def test_the_pause_doubles_up_to_a_bound_and_starts_anew_after_a_steady_life() -> None:
    backoff = Backoff()
    pauses = [backoff.after(lived=1) for _ in range(10)]
    assert pauses[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert pauses[-1] == LONGEST
    assert backoff.after(lived=STEADY) == FIRST


def test_every_process_is_called_by_what_it_does() -> None:
    source = """
        import multiprocessing
        from pathlib import Path
        from orchestrator.supervisor import titles

        def worker():
            print(Path("/proc/self/comm").read_text().strip(), *told)

        told = []
        titles.set_title("sentinel")
        titles.title_forks(told.append)
        print(Path("/proc/self/comm").read_text().strip(), flush=True)
        process = multiprocessing.get_context("fork").Process(target=worker)
        process.start()
        process.join()
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True)
    assert ended.stdout.splitlines() == ["baton-sentinel", "baton-worker worker"], ended.stderr
