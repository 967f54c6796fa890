"""Whatever stands in an address or a form, nothing of ours breaks: a page, a refusal, or no such thing."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.forms import TypedChoiceField
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

ODD = ("-1", "9" * 19, "9" * 5000, "²", "\0\ud83d", "😀" * 2000, "9999-12-31", "http://[")
NAMES = (
    *("q", "limit", "page", "p", "o", "e", "all", "through", "range", "begin", "end", "tier", "server", "figure"),
    *("state", "owner", "period", "id", "stuck", "format", "next", "used_at__gte", "used_at__year", "day__year"),
    *("accessed_at__year", "began_at__year", "_changelist_filters"),
)
KEYS = ("9" * 30, "00000000-0000-0000-0000-000000000000", "json", "\0" + "9" * 300)


@pytest.fixture
def everybody(client: Client, db: None) -> Client:
    """Signed in as someone who may see all there is."""
    user = User.objects.create_superuser("root", "root@example.com", "secret")
    user.groups.set(Group.objects.all())
    client.force_login(user)
    client.raise_request_exception = False
    return client


def addresses(patterns: list[URLPattern | URLResolver], before: str = "/") -> list[str]:
    """Of all pages, with {} for what stands in the address."""
    found: list[str] = []
    for pattern in patterns:
        route = before + form_of(str(pattern.pattern))
        found += addresses(pattern.url_patterns, route) if isinstance(pattern, URLResolver) else [route]
    return found


def form_of(route: str) -> str:
    parts = route.strip("^$").replace("\\/", "/").split("<")
    return parts[0] + "".join("{}" + part.partition(">")[2].lstrip(")") for part in parts[1:])


ADDRESSES = sorted({address for address in addresses(get_resolver().url_patterns) if "(" not in address} - {"/readyz"})


def test_all_pages_are_among_them() -> None:
    assert {"/", "/ops/generations/", "/admin/", "/c/{}/", "/settings/"} <= set(ADDRESSES)


# Django's admin takes a day without a time zone, and only warns.
@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime:RuntimeWarning")
@pytest.mark.parametrize("address", [address for address in ADDRESSES if "{}" not in address])
def test_no_query_breaks_a_page(everybody: Client, address: str) -> None:
    for value in ODD:
        query = urlencode(dict.fromkeys(NAMES, value) | {"range": "own"}, errors="surrogatepass")
        assert everybody.get(f"{address}?{query}").status_code < 500, value[:40]


@pytest.mark.parametrize("address", [address for address in ADDRESSES if "{}" in address])
def test_no_key_breaks_a_page(everybody: Client, address: str) -> None:
    for key in KEYS:
        path = address.replace("{}", quote(key))
        assert everybody.get(path).status_code < 500, path[:80]
        assert everybody.post(path, {"page": key}).status_code < 500, path[:80]


@pytest.mark.parametrize("address", [address for address in ADDRESSES if address.endswith("/add/")])
def test_no_number_breaks_a_form_of_the_admin(everybody: Client, address: str) -> None:
    page = everybody.get(address)
    if page.status_code == 403:  # nobody adds such rows by hand
        return
    fields = page.context["adminform"].form.fields

    for value in ("9" * 30, "-" + "9" * 19, "1e400", "nan", "9" * 5000, "x" * 100_000):
        posted = {name: value for name, field in fields.items() if not hasattr(field, "choices")}
        posted |= {name: field.choices[-1][0] for name, field in fields.items() if isinstance(field, TypedChoiceField)}
        for formset in page.context["inline_admin_formsets"]:
            prefix = formset.formset.prefix
            posted |= {f"{prefix}-{total}_FORMS": "9" * 30 for total in ("TOTAL", "INITIAL")}
        assert everybody.post(address, posted).status_code < 500, value[:40]
