"""Exports plots as a file: a row for each bin, a column for each series."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import timezone

from conversations.pages.export import in_pieces
from streaming.operations.queries.ranges import ALL, QueryParams

from .plots import Plot, Value

FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # spreadsheets evaluate text that begins so


@dataclass(frozen=True)
class Sheet:
    params: QueryParams
    plots: Sequence[Plot]
    name: str = "throughline"  # prefix of the file's name

    @property
    def heads(self) -> list[str]:
        """Such as "First token: p95"."""
        return [f"{plot.title}: {series.label}" for plot in self.plots for series in plot.series]

    @property
    def rows(self) -> Iterator[tuple[str, str, list[Value]]]:
        """Begin, end and values of each bin."""
        scope = self.params.range
        for number, begin in enumerate(scope.bins):
            values = [series.values[number] for plot in self.plots for series in plot.series]
            yield begin.isoformat(), min(begin + scope.bin, scope.end).isoformat(), values

    @property
    def tier(self) -> str:
        return "all" if self.params.tier == ALL else self.params.tier

    @property
    def server(self) -> str:
        return "all" if self.params.server == ALL else self.params.server


def kind_of(request: HttpRequest) -> str:
    """One of FORMATS. Raises Http404."""
    kind = request.GET.get("format", "")
    if kind not in FORMATS:
        raise Http404("There are files of other formats.")
    return kind


def download(sheet: Sheet, kind: str) -> StreamingHttpResponse:
    """Streams the file as it is written. ``kind`` is one of FORMATS."""
    content_type, write = FORMATS[kind]
    response = StreamingHttpResponse(in_pieces(write(sheet)), content_type=content_type)
    begin, end = (timezone.localtime(moment) for moment in (sheet.params.range.begin, sheet.params.range.end))
    name = f"{sheet.name}-{begin:%Y%m%d-%H%M}-{end:%Y%m%d-%H%M}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def as_csv(sheet: Sheet) -> Iterator[str]:
    """Unknown values are empty cells."""
    yield line(["begin", "end", "tier", "server", *sheet.heads])
    for begin, end, values in sheet.rows:
        yield line([begin, end, sheet.tier, sheet.server, *values])


def line(cells: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([harmless(cell) for cell in cells])
    return buffer.getvalue()


def harmless(cell: object) -> object:
    """Prefixes text that a spreadsheet would take for a formula with an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell


def as_json(sheet: Sheet) -> Iterator[str]:
    """One object; unknown values are null."""
    head = {"tier": sheet.tier, "server": sheet.server, "columns": sheet.heads}
    yield json.dumps(head)[:-1] + ', "rows": [\n'
    before = ""
    for begin, end, values in sheet.rows:
        yield before + json.dumps({"begin": begin, "end": end, "values": values})
        before = ",\n"
    yield "\n]}\n"


FORMATS: dict[str, tuple[str, Callable[[Sheet], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
}
