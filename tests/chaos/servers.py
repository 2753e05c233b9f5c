"""A PostgreSQL and a Redis of one's own, in a temporary folder and on a free port, to be stopped and started at will."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

PATIENCE = 30.0
_DEBIAN = Path("/usr/lib/postgresql")


def missing() -> str:
    """Why there can be no servers of one's own here; '' when there can."""
    if postgresql_bin() is None:
        return "there are no PostgreSQL programs (initdb, pg_ctl) on this machine"
    if shutil.which("redis-server") is None:
        return "there is no redis-server on this machine"
    if os.getuid() == 0 and not (_has_user("postgres") and shutil.which("runuser")):
        return "PostgreSQL does not run as root, and there is no user postgres to run it as"
    return ""


def postgresql_bin() -> Path | None:
    """The folder of the newest PostgreSQL's programs."""
    versions = sorted(
        _DEBIAN.glob("*/bin/pg_ctl"), key=lambda path: int(path.parent.parent.name.split(".")[0])
    )
    if versions:
        return versions[-1].parent
    found = shutil.which("pg_ctl")
    return Path(found).resolve().parent if found else None


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Raises TimeoutError when it does not become true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} within {seconds:g} s")
        time.sleep(0.05)


class Postgres:
    """A cluster with one superuser, whom it trusts on the loopback."""

    def __init__(self, folder: Path) -> None:
        bin_folder = postgresql_bin()
        assert bin_folder is not None
        self._bin = bin_folder
        self._folder = folder
        self.port = free_port()
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")
        options = (
            f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\n"
        )
        with (folder / "postgresql.conf").open("a") as file:
            file.write(options)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._control("start", "--log", str(self._folder / "log"))

    def stop(self) -> None:
        """As `pg_ctl restart -m immediate` does in its first half: no farewell to anybody, recovery at the next start."""
        self._control("stop", "--mode=immediate")

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", *words, "--wait", "--silent")

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._bin / program), *words, "--pgdata", str(self._folder)]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60, cwd="/")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A cluster that is running; stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="baton-postgresql-") as name:
        if os.getuid() == 0:
            shutil.chown(name, "postgres")
        server = Postgres(Path(name))
        server.start()
        try:
            yield server
        finally:
            if (Path(name) / "postmaster.pid").exists():
                server.stop()


class RedisServer:
    """A Redis that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.client = redis.Redis(port=self.port, socket_timeout=5)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *words, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        wait_until(self._answers, "Redis did not come up")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        self.client.flushall()

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)  # a frozen one would not hear
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def freeze(self) -> None:
        """It takes connections and says nothing, as one does whose machine swaps."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="baton-redis-") as name:
        server = RedisServer(Path(name))
        server.start()
        try:
            yield server
        finally:
            server.stop()
            server.client.close()
