"""PostgreSQL is restarted and Redis emptied, stopped and frozen under a Baton at work; nothing may be lost or doubled.

`python -m tests.chaos outages --seconds 120`: a PostgreSQL and a Redis of its own and a whole `baton up` on them. Runs are
started over the API all the while, each until it is accepted, and a prober looks at pages and endpoints. Afterwards
every run has the right answer, each outcome is there once, and the invariants hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.chaos.outage_flow import KEY
from tests.chaos.outage_prober import Findings, Prober, Weather
from tests.chaos.servers import Postgres, RedisServer, free_port, missing, postgres, redis_server, wait_until

ENDED = "('completed', 'failed', 'cancelled')"
UP_SECONDS = 90.0
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """`every` and `down` are the ranges, in seconds, between two restarts and of how long one takes."""

    seconds: float = 120.0
    runs: int = 100
    every: tuple[float, float] = (5.0, 20.0)
    down: tuple[float, float] = (0.0, 5.0)
    flushes: int = 2
    stops: int = 1
    freezes: int = 1
    redis_away: float = 4.0
    finish: float = 180.0
    lookers: int = 3
    seed: int = 1


@dataclass
class Report:
    restarts: int = 0
    flushes: int = 0
    stops: int = 0
    freezes: int = 0
    starts_repeated: int = 0
    seconds_to_finish: float = 0.0
    runs: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def main(argv: Sequence[str]) -> int:
    given = _arguments(argv)
    if why := missing():
        sys.stderr.write(f"Not done: {why}.\n")
        return 2
    plan = Plan(seconds=given.seconds, runs=given.runs, every=tuple(given.every), seed=given.seed)
    report = outages(plan, Path(given.log))
    sys.stdout.write(json.dumps(asdict(report), indent=2) + "\n")
    return 1 if report.problems else 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos outages", description=__doc__)
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="how long the outages go on")
    parser.add_argument("--runs", type=int, default=Plan.runs, help="how many runs are started meanwhile")
    parser.add_argument("--every", type=float, nargs=2, default=Plan.every, help="seconds between restarts")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--log", default=os.devnull, help="where the output of Baton goes")
    return parser.parse_args(argv)


def outages(plan: Plan, log: Path = Path(os.devnull)) -> Report:
    with (
        tempfile.TemporaryDirectory(prefix="baton-outages-") as folder,
        postgres() as database,
        redis_server() as queue,
    ):
        environment = _environment(folder, database, queue)
        keys = _inside("prepare", environment)
        with _baton(environment, log) as address, closing(Api(address, keys["token"])) as api:
            report = _weather_it(plan, database, queue, api, keys["session"])
        report.runs = _inside("verify", environment)
        report.problems += report.runs.pop("problems")
    return report


def _environment(folder: str, database: Postgres, queue: RedisServer) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "orchestrator.settings",
        "DATABASE_URL": database.url,
        "REDIS_URL": queue.url,
        "BATON_DATA_DIR": folder,
        "BATON_DEBUG": "0",
        "BATON_DEMO": "0",
        "BATON_LOG_LEVEL": "WARNING",
    }


def _inside(verb: str, environment: dict[str, str]) -> dict[str, Any]:
    """In a process that is configured for these servers."""
    command = [sys.executable, "-m", "tests.chaos.outage_flow", verb]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, check=True, text=True, timeout=300
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def _baton(environment: dict[str, str], log: Path) -> Iterator[str]:
    """The address of a `baton up` that is well, until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "orchestrator.cli", "up", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        ) as keeper,
    ):
        try:
            wait_until(lambda: _is_well(address), "baton up did not come up", UP_SECONDS)
            yield address
        finally:
            keeper.send_signal(signal.SIGTERM)
            keeper.wait(STOP_SECONDS)


def _is_well(address: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{address}/healthz", timeout=10).status_code == 200
    return False


class Api:
    """Starts runs, each until it is accepted: an answer that says "try again" is followed with the same key."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.token = token
        self.repeated = 0
        self.problems: list[str] = []
        self._client = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )

    def close(self) -> None:
        self._client.close()

    def start(self, number: int) -> None:
        headers = {"Idempotency-Key": f"outage-{number}"}
        while True:
            answer = self._client.post(
                f"/api/workflows/{KEY}/start", json={"parameters": {"n": number}}, headers=headers
            )
            if answer.status_code == 201:
                return
            if answer.status_code != 503 or "Retry-After" not in answer.headers:
                self.problems.append(f"start: {answer.status_code} {answer.text[:200]}")
                return
            self.repeated += 1
            time.sleep(0.5)

    def start_all(self, numbers: range, over: float) -> None:
        began = time.monotonic()
        for place, number in enumerate(numbers):
            time.sleep(max(0.0, began + over * place / len(numbers) - time.monotonic()))
            self.start(number)


def _weather_it(plan: Plan, database: Postgres, queue: RedisServer, api: Api, session: str) -> Report:
    report, weather = Report(), Weather()
    api.start(0)  # the run that the prober looks at
    with Prober(api.address, session, api.token, weather, plan.lookers) as prober:
        rest = range(1, plan.runs)
        troubles: list[Callable[[], None]] = [
            lambda: api.start_all(rest, plan.seconds * 0.9),
            lambda: _restart_again_and_again(plan, database, weather, report),
            lambda: _trouble_redis(plan, queue, report),
        ]
        problems = _all_at_once(troubles)
        began = time.monotonic()
        problems += _wait_for_runs(database.url, plan.finish)
        report.seconds_to_finish = round(time.monotonic() - began, 1)
    with suppress(TimeoutError):
        wait_until(lambda: _is_well(api.address), "")
    if not _is_well(api.address):
        problems.append("Baton does not say that it is well again")
    report.starts_repeated = api.repeated
    report.answers = _summary(prober.findings)
    report.problems = [*problems, *api.problems, *_said(prober.findings)]
    return report


def _all_at_once(troubles: Sequence[Callable[[], None]]) -> list[str]:
    failed: list[str] = []

    def carry_out(trouble: Callable[[], None]) -> None:
        try:
            trouble()
        except Exception as error:  # noqa: BLE001 - said in the report, whatever it is
            failed.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=carry_out, args=(trouble,)) for trouble in troubles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def _restart_again_and_again(plan: Plan, database: Postgres, weather: Weather, report: Report) -> None:
    chance = random.Random(plan.seed)
    end = time.monotonic() + plan.seconds
    while (pause := chance.uniform(*plan.every)) < end - time.monotonic():
        time.sleep(pause)
        weather.becomes("changing")
        database.stop()
        weather.becomes("away")
        time.sleep(chance.uniform(*plan.down))
        weather.becomes("changing")
        database.start()
        weather.becomes("there")
        report.restarts += 1


def _trouble_redis(plan: Plan, queue: RedisServer, report: Report) -> None:
    """Its troubles, in an order by chance, at even distances."""
    kinds = ["flushes"] * plan.flushes + ["stops"] * plan.stops + ["freezes"] * plan.freezes
    random.Random(plan.seed).shuffle(kinds)
    for kind in kinds:
        time.sleep(plan.seconds / (len(kinds) + 1) - (plan.redis_away if kind != "flushes" else 0))
        _REDIS_TROUBLES[kind](queue, plan.redis_away)
        setattr(report, kind, getattr(report, kind) + 1)


def _stop_for(queue: RedisServer, seconds: float) -> None:
    queue.stop()
    time.sleep(seconds)
    queue.start()


def _freeze_for(queue: RedisServer, seconds: float) -> None:
    queue.freeze()
    time.sleep(seconds)
    queue.thaw()


_REDIS_TROUBLES: dict[str, Callable[[RedisServer, float], None]] = {
    "flushes": lambda queue, _: queue.flush(),
    "stops": _stop_for,
    "freezes": _freeze_for,
}


def _wait_for_runs(url: str, seconds: float) -> list[str]:
    try:
        wait_until(lambda: _unended(url) == 0, "The runs do not end", seconds)
    except TimeoutError as error:
        return [f"{error}: {_unended(url)} are left"]
    return []


def _unended(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            f"SELECT count(*) FROM orchestrator_run WHERE status NOT IN {ENDED}"
        ).fetchone()
        return int(row[0]) if row else 0


def _summary(found: Findings) -> dict[str, Any]:
    return {
        "by_status": dict(found.statuses),
        "while_away": dict(found.while_away),
        "slowest_seconds": round(found.slowest, 2),
        "slowest_path": found.slowest_path,
    }


def _said(found: Findings) -> list[str]:
    return [f"{problem} ({times} times)" for problem, times in found.problems.most_common()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
