"""Admin pages for pipelines and stages. Running answers keep their plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from conversations.models import Pipeline, PipelineStage, Stage, Tier
from conversations.models.catalog.pipeline import CHEAPEST, STRONGEST, Domain, Level
from conversations.models.catalog.tier import is_one_model

if TYPE_CHECKING:
    StageBase = admin.ModelAdmin[Stage]
    PipelineBase = admin.ModelAdmin[Pipeline]
    InlineBase = admin.TabularInline[PipelineStage, Pipeline]
    FormSetBase = BaseInlineFormSet[PipelineStage, Pipeline, Any]
else:  # not generic at run time
    StageBase = PipelineBase = admin.ModelAdmin
    InlineBase = admin.TabularInline
    FormSetBase = BaseInlineFormSet


ONE_MODEL = (
    "This site has one model, so an answer is one request: of these stages, the last that waits for no other. Set "
    "STAGES_WITH_ONE_MODEL=true to make all of them."
)
NO_STAGE = "A pipeline needs at least one enabled stage for all domains."
LAST_ONE = "The pipeline for {level} questions would have no stage left{for_whom}. Add another one first."
USUAL_TIERS = (("", "By the question"), (CHEAPEST, "The cheapest"), (STRONGEST, "The strongest"))


def tier_choices() -> list[tuple[str, str]]:
    """One query."""
    stored = [(tier.slug, tier.name) for tier in Tier.objects.all()]
    return [*USUAL_TIERS, *(stored or [(slug, slug.capitalize()) for slug in settings.MODEL_TIERS])]


class StageForm(forms.ModelForm[Stage] if TYPE_CHECKING else forms.ModelForm):  # type: ignore[misc]
    tier = forms.ChoiceField(
        choices=tier_choices,
        required=False,
        help_text="The model that writes it.",
        error_messages={"invalid_choice": "Tier “%(value)s” no longer exists. Choose another one."},
    )
    domains = forms.MultipleChoiceField(
        choices=Domain.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=Stage._meta.get_field("domains").help_text,
    )

    class Meta:
        error_messages = {"system_prompt": {"required": Stage._meta.get_field("system_prompt").error_messages["blank"]}}

    def __init__(self, *args: Any, **kwargs: Any):
        """Show a deleted tier as a choice, which validation refuses: otherwise, saving would silently change it."""
        super().__init__(*args, **kwargs)
        chosen, field = self.instance.tier, self.fields["tier"]
        if chosen not in dict(tier_choices()):
            field.widget.choices = [*field.choices, (chosen, f"{chosen} (gone)")]

    def clean(self) -> dict[str, Any]:
        """Refuse to leave a pipeline without a stage for all questions: answers would fall back on a plain request."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        enabled, domains = cleaned.get("enabled"), cleaned.get("domains")
        if self.instance.is_for_all and (domains or not enabled) and (bare := self.instance.alone_in()):
            field, for_whom = ("domains", " for other domains") if enabled else ("enabled", "")
            self.add_error(field, LAST_ONE.format(level=bare[0].level, for_whom=for_whom))
        return cleaned


@admin.register(Stage)
class StageAdmin(StageBase):
    form = StageForm
    list_display = ("label", "name", "written_by", "asked_of", "timeout_s", "enabled")
    list_filter = ("enabled",)
    search_fields = ("name", "label", "system_prompt")
    prepopulated_fields = {"name": ("label",)}
    fieldsets = (
        (None, {"fields": ("label", "name", "system_prompt", "tier", "domains", "timeout_s", "enabled")}),
        ("Sampling", {"fields": ("temperature", "top_p", "max_tokens")}),
    )

    @admin.display(description="tier")
    def written_by(self, stage: Stage) -> str:
        return dict(USUAL_TIERS).get(stage.tier, stage.tier)

    @admin.display(description="domains")
    def asked_of(self, stage: Stage) -> str:
        return ", ".join(Domain(domain).label for domain in stage.domains) or "all"


class UsesForms(FormSetBase):
    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        """Put an added stage last by default."""
        kwargs = super().get_form_kwargs(index)
        last = max((use.order for use in self.get_queryset()), default=-1)
        is_new = index is None or index >= self.initial_form_count()
        return {**kwargs, "initial": {"order": last + 1}} if is_new else kwargs

    def get_unique_error_message(self, unique_check: Any) -> str:
        return "A stage can be used only once in a pipeline. Choose another one, or remove this row."

    def clean(self) -> None:
        """Require at least one stage for all questions, and refuse a first stage that waits."""
        super().clean()
        if any(self.errors):
            return
        rows = [form for form in self.forms if not form.cleaned_data.get("DELETE")]
        kept = [form for form in rows if form.cleaned_data]
        if not any(form.cleaned_data["stage"].is_for_all for form in kept):
            self._refuse(rows)
            return
        first = min(kept, key=lambda form: form.cleaned_data["order"])
        if first.cleaned_data["waits"]:
            first.add_error("waits", "The first stage has no earlier one to wait for.")

    def _refuse(self, rows: list[Any]) -> None:
        """Report NO_STAGE at the first row's stage field, or above the rows if all are removed."""
        if not rows:
            raise ValidationError(NO_STAGE)
        rows[0].add_error("stage", NO_STAGE)


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
        """One query per row; there are at most three rows."""
        uses = pipeline.stages.select_related("stage")
        return " → ".join(describe(use.stage) for use in uses) or "none: a plain request"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only one pipeline per level."""
        return super().has_add_permission(request) and Pipeline.objects.count() < len(Level)

    def get_readonly_fields(self, request: HttpRequest, obj: Pipeline | None = None) -> tuple[str, ...]:
        return ("level",) if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Pipeline | None = None) -> Any:
        is_one_stage = not settings.STAGES_WITH_ONE_MODEL and is_one_model()
        return [(None, {"fields": ("level",), "description": ONE_MODEL if is_one_stage else ""})]


def describe(stage: Stage) -> str:
    if not stage.enabled:
        return f"{stage} (off)"
    return f"{stage} ({', '.join(stage.domains)} only)" if stage.domains else str(stage)
