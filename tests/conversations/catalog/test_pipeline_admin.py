"""Admins change what answers are made of; what cannot work is refused at the field."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from conversations.models import Pipeline, PipelineStage, Stage
from tests.conversations.conftest import browser

from .conftest import errors_of

STAGE = {"label": "Domain expert", "name": "domain-expert", "system_prompt": "Answer as an expert.", "enabled": "on"}


@pytest.fixture
def as_admin(db: None) -> Client:
    return browser(User.objects.create_superuser("ada"))


@pytest.fixture
def pipeline(db: None) -> Pipeline:
    Pipeline.objects.all().delete()
    pipeline = Pipeline.objects.create(level="complex")
    for order, name in enumerate(["first", "second"]):
        stage, _ = Stage.objects.get_or_create(name=name, defaults={"label": name.title(), "system_prompt": "Do."})
        PipelineStage.objects.create(pipeline=pipeline, stage=stage, order=order)
    return pipeline


def uses(pipeline: Pipeline, **changes: str) -> dict[str, str]:
    rows = list(pipeline.stages.all())
    data = {"stages-TOTAL_FORMS": str(len(rows)), "stages-INITIAL_FORMS": str(len(rows))}
    for number, row in enumerate(rows):
        data |= {
            f"stages-{number}-id": str(row.pk),
            f"stages-{number}-pipeline": str(pipeline.pk),
            f"stages-{number}-stage": str(row.stage_id),
            f"stages-{number}-order": str(row.order),
        }
    return data | changes


def test_an_admin_adds_a_stage_of_their_own(as_admin: Client) -> None:
    assert as_admin.post("/admin/conversations/stage/add/", STAGE).status_code == 302

    assert Stage.objects.get(name="domain-expert").system_prompt == "Answer as an expert."


@pytest.mark.parametrize(
    ("field", "value"),
    [("system_prompt", " "), ("timeout_s", "0"), ("temperature", "3"), ("top_p", "0")],
)
def test_a_stage_that_cannot_work_is_refused_at_the_field(as_admin: Client, field: str, value: str) -> None:
    response = as_admin.post("/admin/conversations/stage/add/", STAGE | {field: value})

    assert list(response.context["adminform"].form.errors) == [field]


def test_a_pipeline_without_stages_is_refused(as_admin: Client, pipeline: Pipeline) -> None:
    gone = {"stages-0-DELETE": "on", "stages-1-DELETE": "on"}

    response = as_admin.post(f"/admin/conversations/pipeline/{pipeline.pk}/change/", uses(pipeline, **gone))

    assert "A pipeline needs at least one enabled stage for all domains." in response.content.decode()


def test_a_pipeline_of_stages_that_are_off_is_refused_at_the_field(as_admin: Client, pipeline: Pipeline) -> None:
    Stage.objects.update(enabled=False)

    response = as_admin.post(f"/admin/conversations/pipeline/{pipeline.pk}/change/", uses(pipeline))

    first, second = response.context["inline_admin_formsets"][0].formset.forms
    assert first.errors == {"stage": ["A pipeline needs at least one enabled stage for all domains."]}
    assert second.errors == {}


def test_an_empty_pipeline_is_refused_at_the_field(as_admin: Client, pipeline: Pipeline) -> None:
    data = {"level": "simple", "stages-TOTAL_FORMS": "1", "stages-INITIAL_FORMS": "0", "stages-0-order": "0"}

    response = as_admin.post("/admin/conversations/pipeline/add/", data)

    (row,) = response.context["inline_admin_formsets"][0].formset.forms
    assert list(row.errors) == ["stage"] and not Pipeline.objects.filter(level="simple").exists()


def test_the_last_stage_of_a_pipeline_is_not_switched_off(as_admin: Client, pipeline: Pipeline) -> None:
    first, second = (use.stage for use in pipeline.stages.all())

    assert switched_off(as_admin, first) == {}
    assert switched_off(as_admin, second) == {
        "enabled": ["The pipeline for complex questions would have no stage left. Add another one first."]
    }
    assert Stage.objects.get(pk=second.pk).enabled


def switched_off(client: Client, stage: Stage) -> dict[str, list[str]]:
    """What is said when an admin tries."""
    data = {"label": stage.label, "name": stage.name, "system_prompt": stage.system_prompt}
    return errors_of(client.post(f"/admin/conversations/stage/{stage.pk}/change/", data))


def test_a_stage_that_no_pipeline_has_is_switched_off(as_admin: Client, pipeline: Pipeline) -> None:
    spare = Stage.objects.create(name="spare", label="Spare", system_prompt="Do.")
    off = {key: value for key, value in STAGE.items() if key != "enabled"}

    assert switched_off(as_admin, spare) == {}
    assert errors_of(as_admin.post("/admin/conversations/stage/add/", off)) == {}


def test_a_stage_is_kept_for_some_domains(as_admin: Client) -> None:
    data = STAGE | {"domains": ["code", "data"]}

    assert errors_of(as_admin.post("/admin/conversations/stage/add/", data)) == {}

    assert Stage.objects.get(name="domain-expert").domains == ["code", "data"]
    assert "Code, Data" in as_admin.get("/admin/conversations/stage/").content.decode()


def test_a_domain_that_there_is_not_is_refused(as_admin: Client) -> None:
    assert list(errors_of(as_admin.post("/admin/conversations/stage/add/", STAGE | {"domains": ["cooking"]}))) == [
        "domains"
    ]


def test_a_pipeline_keeps_a_stage_for_the_other_domains(as_admin: Client, pipeline: Pipeline) -> None:
    first, second = (use.stage for use in pipeline.stages.all())
    Stage.objects.filter(pk=first.pk).update(domains=["code"])
    data = {"label": "Second", "name": second.name, "system_prompt": "Do.", "enabled": "on", "domains": ["data"]}

    said = errors_of(as_admin.post(f"/admin/conversations/stage/{second.pk}/change/", data))

    assert list(said) == ["domains"]
    assert said["domains"][0].startswith(
        "The pipeline for complex questions would have no stage left for other domains."
    )


def test_a_pipeline_of_experts_alone_is_refused(as_admin: Client, pipeline: Pipeline) -> None:
    Stage.objects.update(domains=["code"])

    response = as_admin.post(f"/admin/conversations/pipeline/{pipeline.pk}/change/", uses(pipeline))

    assert list(response.context["inline_admin_formsets"][0].formset.forms[0].errors) == ["stage"]


def test_a_pipeline_whose_first_stage_waits_is_refused(as_admin: Client, pipeline: Pipeline) -> None:
    response = as_admin.post(
        f"/admin/conversations/pipeline/{pipeline.pk}/change/", uses(pipeline, **{"stages-0-waits": "on"})
    )

    assert "The first stage has no earlier one to wait for." in response.content.decode()


def test_a_pipelines_order_is_changed(as_admin: Client, pipeline: Pipeline) -> None:
    data = uses(pipeline, **{"stages-0-order": "5"})

    assert as_admin.post(f"/admin/conversations/pipeline/{pipeline.pk}/change/", data).status_code == 302

    assert [use.stage.name for use in pipeline.stages.all()] == ["second", "first"]


def test_a_stage_in_use_is_not_deleted(as_admin: Client, pipeline: Pipeline) -> None:
    stage = Stage.objects.get(name="first")

    as_admin.post(f"/admin/conversations/stage/{stage.pk}/delete/", {"post": "yes"})

    assert Stage.objects.filter(pk=stage.pk).exists()


def test_a_stage_without_a_prompt_is_told_what_to_write(as_admin: Client) -> None:
    response = as_admin.post("/admin/conversations/stage/add/", STAGE | {"system_prompt": ""})

    (sentence,) = response.context["adminform"].form.errors["system_prompt"]
    assert sentence.startswith("Enter what this stage should do. Without a prompt it would only repeat the answer.")


def test_a_stage_that_is_added_comes_last_by_itself(as_admin: Client, pipeline: Pipeline) -> None:
    response = as_admin.get(f"/admin/conversations/pipeline/{pipeline.pk}/change/")

    forms = response.context["inline_admin_formsets"][0].formset
    assert [form["order"].value() for form in forms.extra_forms] == [2]


def test_a_tier_that_is_gone_is_shown_and_refused(as_admin: Client) -> None:
    stage = Stage.objects.create(**{**STAGE, "enabled": True, "tier": "smart"})
    change = f"/admin/conversations/stage/{stage.pk}/change/"

    assert "smart (gone)" in as_admin.get(change).content.decode()
    refused = as_admin.post(change, STAGE | {"tier": "smart"}).context["adminform"].form.errors
    assert refused == {"tier": ["Tier “smart” no longer exists. Choose another one."]}


@pytest.mark.parametrize("wanted", [True, False])
def test_where_one_model_makes_one_stage_its_pipelines_say_so(
    as_admin: Client, pipeline: Pipeline, settings: Settings, wanted: bool
) -> None:
    settings.STAGES_WITH_ONE_MODEL = wanted

    page = as_admin.get(f"/admin/conversations/pipeline/{pipeline.pk}/change/").content.decode()

    assert ("This site has one model" in page) is not wanted
