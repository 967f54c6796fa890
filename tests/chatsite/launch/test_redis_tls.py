"""Every client of ours verifies a Redis that speaks TLS: by its authority, and by its name."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from channels_redis.core import RedisChannelLayer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from kombu import Connection
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from chatsite.stores import broker
from chatsite.stores.addresses import RedisAddress, redis_address

PATIENCE_S = 60.0
Client = Callable[[RedisAddress], None]


def redis_py(address: RedisAddress) -> None:
    with Redis.from_url(address.url, socket_timeout=PATIENCE_S) as redis:
        redis.ping()


@async_to_sync
async def redis_py_in_a_loop(address: RedisAddress) -> None:
    async with AsyncRedis.from_url(address.url, socket_timeout=PATIENCE_S) as redis:
        await redis.ping()


@async_to_sync
async def channels(address: RedisAddress) -> None:
    layer = RedisChannelLayer(hosts=[{"address": address.url}], prefix="tls")
    await layer.send("someone", {"type": "hello"})
    await layer.flush()
    await layer.close_pools()


def celery(address: RedisAddress) -> None:
    broker.register()
    with Connection(
        address.broker_url, ssl=address.broker_ssl, transport_options={"socket_timeout": PATIENCE_S}
    ) as connection:
        connection.ensure_connection(max_retries=1, timeout=PATIENCE_S)
        connection.default_channel.client.ping()


CLIENTS = [redis_py, redis_py_in_a_loop, channels, celery]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of "localhost", signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("tls") / "redis.pem"
    path.write_bytes(key.private_bytes(pem, pkcs8, plain) + made.public_bytes(pem))
    return path


@pytest.fixture(scope="module")
def port(certificate: Path) -> Iterator[int]:
    """Where the tests' Redis can be had by TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, args=(listening, context), daemon=True).start()
        yield listening.getsockname()[1]


def accept(listening: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError):  # closed: the tests are over
        while True:
            raw, _ = listening.accept()
            threading.Thread(target=serve, args=(raw, context), daemon=True).start()


def serve(raw: socket.socket, context: ssl.SSLContext) -> None:
    with socket.socket(socket.AF_UNIX) as redis, suppress(OSError):  # a client that hangs up, or trusts us not
        redis.connect(settings.REDIS_URL.removeprefix("unix://"))
        with context.wrap_socket(raw, server_side=True) as client:
            answers = threading.Thread(target=copy, args=(redis, client), daemon=True)
            answers.start()
            copy(client, redis)
            redis.shutdown(socket.SHUT_RDWR)
            answers.join()


def copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_trusted_one_is_used(client: Client, port: int, certificate: Path) -> None:
    client(redis_address("REDIS_URL", f"rediss://localhost:{port}/0?ssl_ca_certs={certificate}"))


@pytest.mark.parametrize("client", CLIENTS)
def test_one_of_an_unknown_authority_is_refused(client: Client, port: int) -> None:
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        client(redis_address("REDIS_URL", f"rediss://localhost:{port}/0"))


@pytest.mark.parametrize("client", CLIENTS)
def test_one_of_another_name_is_refused(client: Client, port: int, certificate: Path) -> None:
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        client(redis_address("REDIS_URL", f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}"))


@pytest.mark.parametrize("client", CLIENTS)
def test_who_says_so_goes_without(client: Client, port: int) -> None:
    client(redis_address("REDIS_URL", f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none"))
