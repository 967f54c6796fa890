"""Admins see what answers are made of, change it, and add stages of their own. Running answers keep their plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from conversations.models import Pipeline, PipelineStage, Stage

if TYPE_CHECKING:
    StageBase = admin.ModelAdmin[Stage]
    PipelineBase = admin.ModelAdmin[Pipeline]
    InlineBase = admin.TabularInline[PipelineStage, Pipeline]
    FormSetBase = BaseInlineFormSet[PipelineStage, Pipeline, Any]
else:  # no generics when it runs
    StageBase = PipelineBase = admin.ModelAdmin
    InlineBase = admin.TabularInline
    FormSetBase = BaseInlineFormSet


@admin.register(Stage)
class StageAdmin(StageBase):
    list_display = ("label", "name", "model_or_any", "timeout_s", "confidence_prior", "enabled")
    list_filter = ("enabled",)
    search_fields = ("name", "label", "system_prompt")
    prepopulated_fields = {"name": ("label",)}
    fieldsets = (
        (None, {"fields": ("label", "name", "system_prompt", "model", "timeout_s", "confidence_prior", "enabled")}),
        ("Sampling", {"fields": ("temperature", "top_p", "max_tokens")}),
    )

    @admin.display(description="model")
    def model_or_any(self, stage: Stage) -> str:
        return stage.model or "first offered"


class UsesForms(FormSetBase):
    def clean(self) -> None:
        """A pipeline has stages, and the first one has nothing to wait for."""
        super().clean()
        if any(self.errors):
            return
        kept = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        if not any(form.cleaned_data["stage"].enabled for form in kept):
            raise ValidationError("A pipeline needs at least one stage that is enabled.")
        first = min(kept, key=lambda form: form.cleaned_data["order"])
        if first.cleaned_data["waits"]:
            first.add_error("waits", "The first stage has no earlier one to wait for.")


class UsesInline(InlineBase):
    model = PipelineStage
    formset = UsesForms
    extra = 1


@admin.register(Pipeline)
class PipelineAdmin(PipelineBase):
    list_display = ("__str__", "in_order")
    inlines = (UsesInline,)

    @admin.display(description="stages")
    def in_order(self, pipeline: Pipeline) -> str:
        """One query a row: there are three."""
        uses = pipeline.stages.select_related("stage")
        labels = [f"{use.stage}{'' if use.stage.enabled else ' (off)'}" for use in uses]
        return " → ".join(labels) or "none: the model is just asked"

    def get_readonly_fields(self, request: HttpRequest, obj: Pipeline | None = None) -> tuple[str, ...]:
        return ("level",) if obj else ()
