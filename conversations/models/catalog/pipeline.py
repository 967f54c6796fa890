"""Stages and pipelines: which requests make an answer. Admins edit them; an answer keeps those it began with."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from conversations.models.names import NameField

from .tier import MOST_TOKENS


class Mode(models.TextChoices):
    """How thorough an answer the user chose."""

    AUTO = "auto"
    QUICK = "quick"
    BALANCED = "balanced"
    DEEP = "deep"


class Level(models.TextChoices):
    """How hard the router holds a question to be."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"


class Domain(models.TextChoices):
    """What a question is about. Of domains with equal scores, the first one counts."""

    CODE = "code"
    MATHEMATICS = "mathematics"
    WRITING = "writing"
    DATA = "data"
    SMALL_TALK = "small_talk", "Small talk"
    OTHER = "other"


CHEAPEST, STRONGEST = "@cheapest", "@strongest"  # in place of a tier's slug, which cannot contain @
LEVEL_OF = {Mode.QUICK: Level.SIMPLE, Mode.BALANCED: Level.MEDIUM, Mode.DEEP: Level.COMPLEX}
SHARE = (MinValueValidator(0.0), MaxValueValidator(1.0))


class Stage(models.Model):
    """One kind of request within an answer, with its own prompt and limits."""

    name = models.SlugField(
        unique=True,
        max_length=40,
        error_messages={"unique": "A stage with this name already exists. Choose another name."},
    )
    label = NameField(max_length=40, help_text="The heading that users see, such as Draft.")
    system_prompt = models.TextField(
        error_messages={"blank": "Enter what this stage should do. Without a prompt it would only repeat the answer."},
        help_text="Appended to the site's system prompt: what this stage should do.",
    )
    tier = models.CharField(
        max_length=40, blank=True, help_text="The model that writes it. By the question: see the docs."
    )
    domains = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="Only questions of these domains get this stage. None: all questions.",
    )
    timeout_s = models.PositiveIntegerField(
        "timeout",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Seconds for the whole stage, after which it is skipped. Empty: no limit while tokens come.",
    )
    temperature = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(2.0)],
        help_text="Empty: the site's.",
    )
    top_p = models.FloatField("top-p", null=True, blank=True, validators=SHARE, help_text="Empty: the site's.")
    max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TOKENS)],
        help_text="Empty: the site's limit.",
    )
    enabled = models.BooleanField(default=True, help_text="Off: all pipelines skip it.")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        if self.top_p is not None and self.top_p <= 0:
            raise ValidationError({"top_p": "Top-p must be above 0: at 0, no token could be chosen."})

    @property
    def is_for_all(self) -> bool:
        """Whether it is part of every answer of its pipelines."""
        return self.enabled and not self.domains

    def is_for(self, domain: Domain | None) -> bool:
        """``domain`` None: the question's domain is unknown."""
        return not self.domains or domain in self.domains

    def alone_in(self) -> list[Pipeline]:
        """Pipelines of this stage that have no other stage for all questions. One query."""
        if self.pk is None:
            return []
        for_all = PipelineStage.objects.filter(stage__enabled=True, stage__domains=[])
        others = for_all.filter(pipeline=models.OuterRef("pk")).exclude(stage=self)
        return list(Pipeline.objects.filter(~models.Exists(others), stages__stage=self))


class Pipeline(models.Model):
    """The stages of answers to questions of one level."""

    level = models.CharField(max_length=10, choices=Level.choices, unique=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return str(Level(self.level).label)


class PipelineStage(models.Model):
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="stages")
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="uses")
    order = models.PositiveSmallIntegerField(default=0, help_text="Later stages replace earlier ones.")
    waits = models.BooleanField(
        default=False,
        help_text="Starts when the earlier stages have ended, and gets their text. Otherwise it starts at once.",
    )

    class Meta:
        ordering = ("order", "pk")
        constraints = (models.UniqueConstraint(fields=["pipeline", "stage"], name="stage_once_per_pipeline"),)

    def __str__(self) -> str:
        return f"{self.stage} of {self.pipeline}"


def alone(uses: Sequence[PipelineStage]) -> list[PipelineStage]:
    """The only stage to run if one model would write all of them: the last that does not wait. At most one."""
    return [use for use in uses if not use.waits][-1:] or list(uses[:1])
