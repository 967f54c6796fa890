"""Validates the addresses of model servers and webhooks.

This site connects to addresses that admins enter, so it refuses those of services that only this machine can reach:
cloud metadata services, which hand out credentials, and other link-local services. Private and loopback addresses are
allowed: people run their models there.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

IP = IPv4Address | IPv6Address

HOST_LENGTH = 253
NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.IGNORECASE)
IPV6 = re.compile(r"[0-9a-f:.]+", re.IGNORECASE)
UNPRINTABLE = re.compile(r"[^\x21-\x7e]|\\")
METADATA_NAMES = {
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
}
METADATA_IPS = {
    ip_address(text)
    for text in (
        "fd00:ec2::254",  # Amazon
        "fd20:ce::254",  # Google
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
        "255.255.255.255",  # broadcast
    )
}
# IPv4-compatible and NAT64 addresses: the last 32 bits are an IPv4 address.
HOLDING_IPV4 = (IPv6Network("::/96"), IPv6Network("64:ff9b::/96"))

WHY = "is not allowed, nor are other link-local, metadata, multicast and unspecified addresses."


class RefusedAddress(ValueError):
    """The message is a sentence for the person who entered the address."""


def normalise(url: str) -> str:
    """Return the address in its stored form: without a trailing slash, and with /v1 if it has no path.

    Makes no DNS lookup. Raises RefusedAddress.
    """
    url = url.strip().rstrip("/")
    parts = parts_of(url)
    if "?" in url or "#" in url:
        raise RefusedAddress("The address must end with its path, such as /v1, without ? or #.")
    check_host(host_of(parts))
    return url if parts.path else f"{url}/v1"


def normalise_webhook(url: str) -> str:
    """Return the URL in its stored form. Makes no DNS lookup. Raises RefusedAddress."""
    url = url.strip()
    check_host(host_of(parts_of(url)))
    return url


def resolve(url: str) -> list[str]:
    """Return the IP addresses of a checked address, the preferred one first. Blocks on DNS.

    Raises RefusedAddress if any of them is refused, OSError if the name cannot be resolved.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    found = [str(row[4][0]) for row in socket.getaddrinfo(host, parts.port, type=socket.SOCK_STREAM)]
    for address in found:
        if is_refused(ip_address(address)):
            raise RefusedAddress(f"{host} resolves to {address}, which {WHY}")
    return list(dict.fromkeys(found))


def parts_of(url: str) -> SplitResult:
    if UNPRINTABLE.search(url):
        raise RefusedAddress("The address must not contain spaces, backslashes or characters outside ASCII.")
    if not re.match(r"https?://", url, re.IGNORECASE):
        raise RefusedAddress("The address must start with http:// or https://.")
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            raise ValueError
    except ValueError as error:
        raise RefusedAddress("The host or port of this address is invalid.") from error
    return parts


def host_of(parts: SplitResult) -> str:
    if "@" in parts.netloc:
        raise RefusedAddress("The address must not contain a user name or password. The key has its own field.")
    host = (parts.hostname or "").removesuffix(".")
    if not host:
        raise RefusedAddress("The address has no host.")
    pattern = IPV6 if "[" in parts.netloc else NAME
    if len(host) > HOST_LENGTH or not pattern.fullmatch(host):
        raise RefusedAddress(f"{host[:HOST_LENGTH]} is not a host name.")
    return host


def check_host(host: str) -> None:
    ip = ip_of(host)
    if host in METADATA_NAMES or (ip is not None and is_refused(ip)):
        raise RefusedAddress(f"{host} {WHY}")


def ip_of(host: str) -> IP | None:
    """Return None for a name. 2852039166 and 0xa9.254.43518 are addresses too: the system parses them as such."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_refused(ip: IP) -> bool:
    return any(
        form.is_link_local or form.is_multicast or form.is_unspecified or form in METADATA_IPS for form in forms_of(ip)
    )


def forms_of(ip: IP) -> Iterator[IP]:
    """Yield the address, and the IPv4 address embedded in an IPv6 one."""
    yield ip
    if isinstance(ip, IPv4Address):
        return
    if ip.ipv4_mapped or ip.sixtofour:
        yield ip.ipv4_mapped or ip.sixtofour  # type: ignore[misc]
    elif any(ip in network for network in HOLDING_IPV4) and ip != IPv6Address("::1"):
        yield IPv4Address(int(ip) & 0xFFFFFFFF)
