"""The guard of api_call: which addresses it refuses, and that it refuses before anything connects."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.actions.api_call import exchange, guard
from orchestrator.actions.api_call.guard import Deadline, GuardedBackend
from orchestrator.actions.api_call.message import build
from orchestrator.actions.base import ActionError

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.215.14",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
]

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%1",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]

# Ways to write an inner address that the system's own look-up understands.
DISGUISED = ["127.1", "0", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "[::1]",
             "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[64:ff9b::7f00:1]"]  # fmt: skip

NAMES = {
    "public.example": ["93.184.215.14"],
    "localhost": ["127.0.0.1", "::1"],
    "metadata.example": ["169.254.169.254"],
    "half-inside.example": ["93.184.215.14", "10.0.0.1"],
    "inside-last.example": ["93.184.215.14", "2606:4700::1", "fd00::1"],
    "empty.example": [],
    "mapped.example": ["::ffff:192.168.1.1"],
    "nat64.example": ["64:ff9b::a00:1"],
}


def fake_look_up(host: str, port: int) -> list[str]:
    """Names from the table; anything else must be an address, in whatever spelling the system knows."""
    if host in NAMES:
        return NAMES[host]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(info[4][0]) for info in found]


class Spy(httpcore.NetworkBackend):
    """Counts connections and makes none."""

    def __init__(self) -> None:
        self.connected: list[tuple[str, int]] = []

    def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> httpcore.NetworkStream:
        self.connected.append((host, port))
        return httpcore.MockStream([b"HTTP/1.1 204 No Content\r\n\r\n"])


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Every attempt to connect a real socket."""
    tried: list[object] = []

    def refuse(self: socket.socket, address: object) -> None:
        tried.append(address)
        raise OSError("no connection in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield tried


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert guard.is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC, ids=repr)
def test_an_inner_or_special_address_is_not_public(address: str) -> None:
    assert not guard.is_public(address)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_the_one_it_maps(address: ipaddress.IPv4Address) -> None:
    assert guard.is_public(f"::ffff:{address}") == guard.is_public(str(address))


@given(st.ip_addresses())
def test_nothing_private_reserved_or_multicast_is_public(address: ipaddress.IPv4Address) -> None:
    if address.is_private or address.is_reserved or address.is_multicast or address.is_link_local:
        mapped = getattr(address, "ipv4_mapped", None)
        assert not guard.is_public(str(address)) or mapped is not None


def call(url: str, allowed: tuple[str, ...] = ()) -> object:
    request = build({"method": "GET", "url": url}, "key")
    return exchange.send(request, allowed=allowed, deadline=Deadline(5), max_bytes=1000, resolve=fake_look_up)


REFUSED = [
    *(f"http://{f'[{address}]' if ':' in address else address}/" for address in NOT_PUBLIC[:-2] if "%" not in address),
    *(f"http://{host}/" for host in DISGUISED),
    *(f"http://{name}/" for name in NAMES if name != "public.example"),
    *(f"https://{name}/" for name in NAMES if name != "public.example"),
    *(f"http://public.example:{port}/" for port in (1, 22, 25, 110, 2375, 3306, 5432, 6379, 8080, 9200, 65535)),
    "http://localhost:80/",
    "http://LOCALHOST/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://127。0。0。1/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_a_server_inside_is_refused_before_any_connection(url: str, sockets: list[object]) -> None:
    with pytest.raises(ActionError) as caught:
        call(url)
    assert caught.value.code in ("host_refused", "bad_url")
    assert not caught.value.retryable
    assert sockets == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://public.example/",
        "file:///etc/passwd",
        "gopher://public.example/",
        "http://user@public.example/",
        "http://user:pass@public.example/",
        "http://public.example@127.0.0.1/",
        "//public.example/",
        "http:///path",
        "public.example",
        "javascript:alert(1)",
        "http://[::1",
        "http://a b/",
        "http://public.example:99999/",
        "http://public.example:0/",
        "http://[fe80::1%25eth0]/",
        "http://public.example\r\nX: y/",
        "",
    ],
)
def test_an_address_that_is_not_plain_http_is_refused(url: str, sockets: list[object]) -> None:
    with pytest.raises(ActionError) as caught:
        call(url)
    assert caught.value.code == "bad_url"
    assert sockets == []


def backend(
    spy: Spy, allowed: tuple[str, ...] = (), resolve: guard.Resolver = fake_look_up
) -> GuardedBackend:
    return GuardedBackend(allowed, Deadline(5), resolve, spy)


def test_a_public_server_is_connected_by_the_address_that_was_checked() -> None:
    spy = Spy()
    backend(spy).connect_tcp("public.example", 443)
    assert spy.connected == [("93.184.215.14", 443)]


def test_a_name_that_changes_its_address_is_looked_up_only_once() -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    spy = Spy()
    backend(spy, resolve=lambda host, port: next(answers)).connect_tcp("rebinding.example", 80)
    assert spy.connected == [("93.184.215.14", 80)]


def test_one_inner_address_among_public_ones_refuses_all() -> None:
    spy = Spy()
    with pytest.raises(guard.HostRefusedError):
        backend(spy).connect_tcp("half-inside.example", 80)
    assert spy.connected == []


@pytest.mark.parametrize(
    ("host", "port", "allowed", "connects"),
    [
        ("localhost", 8000, ("localhost:8000",), True),
        ("LocalHost.", 8000, ("localhost:8000",), True),
        ("localhost", 8000, ("LOCALHOST:8000",), True),
        ("127.0.0.1", 8000, ("127.0.0.1:8000",), True),
        ("::1", 8000, ("[::1]:8000",), True),
        ("public.example", 8443, ("public.example:8443",), True),
        ("localhost", 8001, ("localhost:8000",), False),
        ("127.0.0.1", 8000, ("localhost:8000",), False),
        ("xlocalhost", 8000, ("localhost:8000",), False),
        ("localhost", 80, ("localhost",), False),
        ("localhost", 80, (), False),
    ],
)
def test_the_administrator_allows_single_servers_by_host_and_port(
    host: str, port: int, allowed: tuple[str, ...], connects: bool
) -> None:
    spy = Spy()
    guarded = backend(spy, allowed, resolve=lambda name, number: ["127.0.0.1"])
    if connects:
        guarded.connect_tcp(host, port)
    else:
        with pytest.raises(guard.HostRefusedError):
            guarded.connect_tcp(host, port)
    assert len(spy.connected) == connects


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    class FirstIsDown(Spy):
        def connect_tcp(self, host: str, port: int, *rest: object, **named: object) -> httpcore.NetworkStream:
            stream = super().connect_tcp(host, port)
            if len(self.connected) == 1:
                raise httpcore.ConnectError("down")
            return stream

    spy = FirstIsDown()
    backend(spy, resolve=lambda host, port: ["8.8.8.8", "8.8.4.4"]).connect_tcp("two.example", 80)
    assert spy.connected == [("8.8.8.8", 80), ("8.8.4.4", 80)]


def test_a_name_nobody_knows_is_an_error_that_may_pass(sockets: list[object]) -> None:
    with pytest.raises(ActionError) as caught:
        call("http://unknown.example/")
    assert (caught.value.code, caught.value.retryable) == ("connect_failed", True)


def test_the_proxy_settings_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    spy = Spy()
    make: Callable[..., GuardedBackend] = GuardedBackend

    def spied(allowed: object, deadline: Deadline, resolve: guard.Resolver) -> GuardedBackend:
        return make(allowed, deadline, resolve, spy)

    monkeypatch.setattr(exchange, "GuardedBackend", spied)
    call("http://public.example/")
    assert spy.connected == [("93.184.215.14", 80)]


def test_a_look_up_that_hangs_ends_with_the_deadline() -> None:
    release = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        release.wait(10)
        return []

    guarded = GuardedBackend((), Deadline(0.05), hang, Spy())
    begin = time.monotonic()
    with pytest.raises(guard.DeadlineExceededError):
        guarded.connect_tcp("public.example", 80)
    assert time.monotonic() - begin < 5
    release.set()


def test_a_deadline_tells_the_time_left_until_there_is_none() -> None:
    assert 0 < Deadline(5).left() <= 5
    with pytest.raises(guard.DeadlineExceededError):
        Deadline(0).left()
    with pytest.raises(guard.CancelledError):
        Deadline(5, lambda: True).left()
