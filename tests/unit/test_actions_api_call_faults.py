"""api_call against servers that misbehave: whatever they do, it ends by its deadline, with a named error and little memory.

Each fault is met by the action alone and by a worker, which tries again as often as the task says and the error allows.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orchestrator import clock, engine, worker
from orchestrator.actions.api_call import ApiCall
from orchestrator.actions.base import ActionError
from orchestrator.models import Run, TaskRun
from tests.engine.flows import flow, task
from tests.invariants import assert_invariants
from tests.unit.actions_kit import execute
from tests.unit.stub_server import LIMIT, Server

DEADLINE = 0.5
GRACE = 1.0
RETRIES = 2
MOST_MEMORY = 12 * LIMIT  # of a bomb of 200 MiB

# Fault → code, whether another attempt may help.
FAULTS: dict[str, tuple[str, bool]] = {
    "no-answer-to-connect": ("timeout", True),
    "nobody-there": ("connect_failed", True),
    "hang": ("timeout", True),
    "drip-slowly": ("timeout", True),
    "drip-headers": ("timeout", True),
    "reset": ("connection_lost", True),
    "short": ("connection_lost", True),
    "bomb": ("too_large", False),
    "endless": ("too_large", False),
    "loop": ("too_many_redirects", False),
    "status/500": ("server_error", True),
    "later": ("server_busy", True),
    "tls-not-trusted": ("bad_certificate", False),
    "tls-silent": ("timeout", True),
    "tls-none": ("connect_failed", True),
}
# What differs only on the way to the server, and not in what the worker makes of it.
SAME_FOR_THE_WORKER = {
    "no-answer-to-connect",
    "drip-slowly",
    "drip-headers",
    "short",
    "endless",
    "tls-silent",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with ExitStack() as stack:
        yield serve(stack)


def serve(stack: ExitStack, context: ssl.SSLContext | None = None) -> Server:
    server = Server()
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    for end in (server.server_close, server.shutdown, server.closing.set):
        stack.callback(end)
    return server


@pytest.fixture(scope="module")
def address_of(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The url at which a fault is met."""
    with ExitStack() as stack:
        special = {
            "no-answer-to-connect": f"http://{full_queue(stack)}/",
            "nobody-there": f"http://{unused_port()}/",
            "tls-not-trusted": f"https://{serve(stack, self_signed(tmp_path_factory.mktemp('tls'))).host}/json",
            "tls-silent": f"https://{silent(stack)}/",
            "tls-none": f"https://{server.host}/json",
        }
        yield lambda fault: special.get(fault, f"http://{server.host}/{fault}")


def full_queue(stack: ExitStack) -> str:
    """A port whose queue of connections is full: the next one is not answered at all."""
    listening = stack.enter_context(socket.socket())
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    for _ in range(4):
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listening.getsockname())
    return f"127.0.0.1:{listening.getsockname()[1]}"


def silent(stack: ExitStack) -> str:
    """A port that takes connections and says nothing."""
    listening = stack.enter_context(socket.socket())
    listening.bind(("127.0.0.1", 0))
    listening.listen(50)
    return f"127.0.0.1:{listening.getsockname()[1]}"


def unused_port() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"


def self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate for the right address that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, private, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


def host_of(url: str) -> str:
    return url.split("/")[2]


def given(url: str, **more: Any) -> dict[str, Any]:
    return {"url": url, "timeout": DEADLINE, "follow_redirects": True, **more}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_ends_by_its_deadline_with_a_named_error(fault: str, address_of: Callable[[str], str]) -> None:
    url = address_of(fault)
    # Only what the server holds back may use up the deadline; the rest is given time on a busy machine.
    seconds = DEADLINE if FAULTS[fault][0] == "timeout" else 20.0
    action = ApiCall(lambda: (host_of(url),), lambda: LIMIT)
    began = time.monotonic()
    with pytest.raises(ActionError) as caught:
        execute(action, given(url, timeout=seconds))
    assert time.monotonic() - began <= seconds + GRACE
    assert (caught.value.code, caught.value.retryable) == FAULTS[fault]


@pytest.mark.parametrize("fault", ["bomb", "endless"])
def test_what_it_holds_of_an_answer_is_bounded(fault: str, address_of: Callable[[str], str]) -> None:
    url = address_of(fault)
    action = ApiCall(lambda: (host_of(url),), lambda: LIMIT)
    tracemalloc.start()
    try:
        with pytest.raises(ActionError, match="larger than"):
            execute(action, given(url, timeout=20.0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in SAME_FOR_THE_WORKER])
def test_a_worker_tries_again_as_often_as_the_task_says_and_the_error_allows(
    fault: str,
    address_of: Callable[[str], str],
    server: Server,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = address_of(fault)
    monkeypatch.setattr(worker, "FLUSH_LOGS_SECONDS", 0.05)  # the clock of this test ticks as often
    settings.BATON = {**settings.BATON, "API_ALLOWED_HOSTS": [host_of(url)], "API_MAX_BYTES": LIMIT}
    server.requests.clear()
    code, retryable = FAULTS[fault]
    parameters = given(url, timeout=DEADLINE if code == "timeout" else 20.0)
    run = start(parameters)
    worker.carry(run.pk, every=clock.tick)
    run.refresh_from_db()
    called = TaskRun.objects.get(run=run, key="call")
    assert (run.status, called.status, called.error["code"]) == ("failed", "failed", code)
    assert called.attempt == (1 + RETRIES if retryable else 1)
    keys = {seen["headers"]["Idempotency-Key"] for seen in server.requests}
    assert keys in (set(), {f"{run.pk}:call:{called.epoch}"})
    assert_invariants([run])


def start(parameters: dict[str, Any]) -> Run:
    tries = {"retry_count": RETRIES, "retry_delay": 0, "retry_max_delay": 0}
    call = task(action="api_call", parameters=parameters, **tries)
    return engine.start(engine.save_workflow(flow({"call": call})))
