"""Where a model server may be: anywhere that people run one, and nowhere that answers this machine alone."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from conversations.catalog.addresses import RefusedAddress, normalise, resolve

ACCEPTED = [
    "http://localhost:8001/v1",
    "http://127.0.0.1:8001/v1",
    "http://[::1]:8001/v1",
    "http://10.0.0.7/v1",
    "http://192.168.1.20:8000/v1",
    "http://[fd00::7]:8000/v1",
    "http://gpu_1:8000/v1",
    "https://models.example.com/api/v1",
]
REFUSED = [
    "http://169.254.169.254/v1",
    "http://169.254.1.1:8000/v1",
    "http://[fe80::1]/v1",
    "http://[fe80::1%25eth0]/v1",
    "http://[fd00:ec2::254]/v1",
    "http://metadata.google.internal/v1",
    "http://METADATA.google.internal./v1",
    "http://100.100.100.200/v1",
    "http://0.0.0.0:8000/v1",
    "http://[::]:8000/v1",
    "http://224.0.0.1/v1",
    "http://[ff02::1]/v1",
    "http://255.255.255.255/v1",
]
DISGUISED = [
    "http://2852039166/v1",
    "http://0xa9fea9fe/v1",
    "http://0251.0376.0251.0376/v1",
    "http://169.254.43518/v1",
    "http://0/v1",
    "http://169.254.169.254./v1",
    "http://[::ffff:169.254.169.254]/v1",
    "http://[::169.254.169.254]/v1",
    "http://[64:ff9b::a9fe:a9fe]/v1",
    "http://[2002:a9fe:a9fe::1]/v1",
    "http://１６９.254.169.254/v1",
    "http://169。254。169。254/v1",
]
MALFORMED = [
    "",
    "gpu:8000",
    "ftp://gpu/v1",
    "file:///etc/passwd",
    "http://",
    "http:///v1",
    "http://:8000/v1",
    "http://user:secret@gpu/v1",
    "http://gpu@169.254.169.254/v1",
    "http://gpu\\@other/v1",
    "http://gpu:99999/v1",
    "http://gpu:0/v1",
    "http://gpu:many/v1",
    "http://[::1/v1",
    "http://gpu/v1?key=secret",
    "http://gpu/v1#there",
    "http://gpu one/v1",
    "http://gpu/v1\r\nHost: other",
    "http://%31%36%39/v1",
    "http://gpu..example/v1",
    f"http://{'a' * 64}/v1",
]


def answering(*addresses: str) -> Any:
    """A name server that knows these addresses for every name."""
    return lambda host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]


@pytest.mark.parametrize("url", ACCEPTED)
def test_self_hosted_servers_are_accepted(url: str) -> None:
    assert normalise(url) == url


@pytest.mark.parametrize("url", REFUSED)
def test_link_local_and_metadata_addresses_are_refused(url: str) -> None:
    with pytest.raises(RefusedAddress):
        normalise(url)


@pytest.mark.parametrize("url", DISGUISED)
def test_another_way_to_write_them_does_not_help(url: str) -> None:
    with pytest.raises(RefusedAddress):
        normalise(url)


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_address_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(RefusedAddress, match=r"^.*\.$") as refused:
        normalise(url)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("http://gpu:8000", "http://gpu:8000/v1"),
        (" http://gpu:8000/v1/ ", "http://gpu:8000/v1"),
        ("https://models.example.com/api", "https://models.example.com/api"),
    ],
)
def test_an_address_is_completed(typed: str, stored: str) -> None:
    assert normalise(typed) == stored


def test_a_name_is_refused_if_one_of_its_addresses_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("10.0.0.7", "169.254.169.254"))

    with pytest.raises(RefusedAddress, match=r"gpu resolves to 169\.254\.169\.254"):
        resolve("http://gpu/v1")


def test_the_addresses_of_a_name_are_told_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("10.0.0.7", "10.0.0.8", "10.0.0.7"))

    assert resolve("http://gpu/v1") == ["10.0.0.7", "10.0.0.8"]
