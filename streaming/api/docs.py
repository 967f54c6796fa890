"""The API's documentation page, made from the OpenAPI description.

Not Swagger UI, which adds 8 MB to what `collectstatic` compresses, and whose scripts need a looser CSP.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from .api import api
from .errors import NotFound, on_api_error


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    summary: str
    description: str
    fields: list[Field]


@dataclass(frozen=True)
class Field:
    name: str
    where: str  # query, header or body; path parameters are not listed
    required: bool
    description: str


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    schema = api.get_openapi_schema()
    context = {"description": schema["info"]["description"], "operations": list(operations(schema))}
    return render(request, "api/docs.html", context)


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Any other URL below the API's: 404 in the API's error format."""
    return on_api_error(request, NotFound())


def operations(schema: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            fields = [*parameters(operation), *body_fields(operation, schema["components"]["schemas"])]
            yield Operation(method.upper(), path, operation["summary"], operation.get("description", ""), fields)


def parameters(operation: dict[str, Any]) -> Iterator[Field]:
    for found in operation.get("parameters", []):
        if found["in"] != "path":
            yield Field(found["name"], found["in"], found["required"], found.get("description", ""))


def body_fields(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[Field]:
    if "requestBody" not in operation:
        return
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    body = schemas[reference.rpartition("/")[2]]
    for name, found in body["properties"].items():
        yield Field(name, "body", name in body.get("required", []), found.get("description", ""))
