"""Admin of rows with a secret, which nobody can see or search by. A button tests the row as it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.debug import sensitive_post_parameters

from conversations.catalog.secret_form import SecretForm
from conversations.models.encrypted import Unreadable, unreadable, unreadable_fields
from conversations.models.encrypted import is_stored as is_there

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin  # not generic at run time

Said = Iterable[tuple[int, str]]  # messages: level and sentence


def is_stored(field: str, description: str) -> Callable[[Any, Any], bool | None]:
    """A column that shows only whether there is a value; a question mark (None) if it cannot be decrypted."""

    @admin.display(boolean=True, description=description)
    def shown(_: Any, row: Any) -> bool | None:
        value = getattr(row, field)
        return None if isinstance(value, Unreadable) else bool(value)

    return shown


class SecretAdmin(ModelAdmin):
    form: type[SecretForm]
    change_form_template = "secrets/change_form.html"
    button: ClassVar[str]  # label
    button_title: ClassVar[str]

    def tried(self, row: Any) -> Said:
        """Tests the row, enabled or not, and returns the outcome."""
        raise NotImplementedError

    # The secret

    def secret_fields(self, request: HttpRequest, row: Any) -> tuple[str, ...]:
        """Empty for users with view permission only: Django would show them the value as text."""
        may_write = self.has_change_permission(request, row) if row else self.has_add_permission(request)
        has_one = row and is_there(getattr(row, self.form.secret))
        return ((self.form.secret, self.form.remover) if has_one else (self.form.secret,)) if may_write else ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """?api_key__startswith=… would reveal a key letter by letter."""
        return not lookup.startswith(self.form.secret) and super().lookup_allowed(lookup, value, request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = sensitive_post_parameters(self.form.secret, self.form.remover)(super().changeform_view)
        return view(request, *args, **kwargs)

    # The button

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        shown = {**context, "button": self.button, "button_title": self.button_title}
        return super().render_change_form(request, shown, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.test)
        return [path("<int:pk>/test/", view, name=self._address("test")), *super().get_urls()]

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.get_object(request, str(pk))
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        lost = [(messages.ERROR, unreadable(row, name)) for name in unreadable_fields(row)]
        for level, sentence in lost or self.tried(row):
            messages.add_message(request, level, sentence)
        return HttpResponseRedirect(reverse(f"admin:{self._address('change')}", args=[pk]))

    def _address(self, of: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{of}"
