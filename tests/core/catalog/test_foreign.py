"""Reading Backstage, Azure ML and MLflow projects into entries of ours."""

from pathlib import Path
from typing import Any

import pytest

from core.catalog import documents, export, sources
from core.catalog.documents import Definition, Problem
from core.catalog.kinds import AssetSpec, DatasetSpec, EnvironmentSpec, ModelSpec, PipelineSpec, Spec, TemplateSpec

SAMPLES = Path(__file__).parent / "samples"


def read(path: str, **given: Any) -> tuple[dict[str, Definition], list[str]]:
    definitions, problems = sources.read((SAMPLES / path).read_text("utf-8"), path, **given)
    return {one.ref: one for one in definitions}, [str(one) for one in problems]


def entity(
    kind: str = "Component", spec: str = "{type: library, lifecycle: production, owner: risk}", **metadata: str
) -> str:
    lines = "".join(f"  {name}: {value}\n" for name, value in ({"name": "thing"} | metadata).items())
    return f"apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata:\n{lines}spec: {spec}\n"


def one(text: str) -> Definition:
    definitions, problems = sources.read(text, "catalog-info.yaml")
    assert [str(problem) for problem in problems] == []
    return definitions[0]


def spec_of(definition: Definition) -> Spec:
    assert definition.spec is not None
    return definition.spec


def problems_of(text: str, **given: Any) -> list[Problem]:
    return sources.read(text, "catalog-info.yaml", **given)[1]


# --- Backstage


def test_each_backstage_entity_becomes_the_kind_its_type_says() -> None:
    found, problems = read("backstage/catalog-info.yaml")
    assert problems == []
    assert list(found) == [
        "asset:default/churn-features",
        "model:default/churn-classifier",
        "pipeline:batch/churn-nightly",
        "api:default/churn-features-api",
        "dataset:default/customers",
        "environment:default/scoring-image",
        "resource:default/jobs",
        "project:default/churn",
        "asset:default/old-churn-rules",
        "asset:default/older-churn-rules",
    ]


def test_organisation_and_unknown_kinds_are_kept_as_they_are() -> None:
    found, problems = read("backstage/organisation.yaml")
    assert problems == []
    kept = {ref for ref, definition in found.items() if definition.spec is None}
    assert kept == {
        "domain:default/customers", "group:default/retention", "user:default/sam", "location:default/all-of-retention",
        "featureflag:default/new-scoring",
    }  # fmt: skip
    assert found["location:default/all-of-retention"].raw["spec"]["targets"][1] == "./more/*.yaml"
    assert found["user:default/sam"].metadata.description == "(no description)"


@pytest.mark.parametrize(
    "path", ["backstage/catalog-info.yaml", "backstage/organisation.yaml", "backstage/template.yaml"]
)
def test_what_was_imported_reads_back_equal(path: str) -> None:
    for definition in read(path)[0].values():
        if definition.spec is None:
            text = export.to_yaml(definition.raw)
            again = sources.read(text, definition.origin, readme=definition.readme)[0][0]
        else:
            again = documents.define(definition.raw, definition.origin, readme=definition.readme)
        assert again == definition


def test_references_follow_their_targets_to_the_kinds_they_become() -> None:
    spec = spec_of(read("backstage/catalog-info.yaml")[0]["asset:default/churn-features"])
    assert spec.depends_on == [
        "dataset:default/customers",
        "resource:default/jobs",
        "model:default/churn-classifier",
        "resource:elsewhere/unknown",
    ]
    assert spec.part_of == ["project:default/churn", "asset:default/feature-platform"]
    assert spec.see_also == [
        "api:default/churn-features-api", "api:group/customers-api", "asset:default/retention-campaigns"
    ]  # fmt: skip


def test_the_envelope_keeps_words_links_and_annotations_and_drops_what_backstage_computed() -> None:
    raw = read("backstage/catalog-info.yaml")[0]["asset:default/churn-features"].raw
    assert raw["metadata"]["annotations"]["backstage.io/techdocs-ref"] == "dir:."
    assert raw["metadata"]["annotations"]["backstage.io/type"] == "library"
    assert raw["metadata"]["annotations"]["factory/imported-from"] == "backstage.io"
    assert raw["metadata"]["annotations"]["factory/import-notes"] == "the link mailto:retention@example.com is left out"
    assert [link["title"] for link in raw["metadata"]["links"]] == ["Dashboard"]
    assert raw["spec"]["language"] == "python"
    assert raw.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert not {"uid", "etag"} & raw["metadata"].keys()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("experimental", "proposed"), ("production", "approved"), ("Bakery", "approved"), ("deprecated", "retired")],
)
def test_lifecycles_are_translated_and_the_original_kept(theirs: str, ours: str) -> None:
    definition = one(entity(spec=f"{{type: library, lifecycle: {theirs}, owner: risk}}"))
    assert spec_of(definition).lifecycle == ours
    assert definition.metadata.annotations["backstage.io/lifecycle"] == theirs


def test_a_deprecated_entity_that_names_its_successor_stays_deprecated() -> None:
    spec = spec_of(read("backstage/catalog-info.yaml")[0]["asset:default/old-churn-rules"])
    assert (spec.lifecycle, spec.successor) == ("deprecated", "model:default/churn-classifier")


@pytest.mark.parametrize(
    ("owner", "expected"),
    [("risk", "risk"), ("group:risk", "risk"), ("group:default/risk", "risk"), ("Group:sales/risk", "group:sales/risk"),
     ("user:sam", "user:default/sam")],
)  # fmt: skip
def test_an_owner_is_a_group_unless_it_says_otherwise(owner: str, expected: str) -> None:
    assert spec_of(one(entity(spec=f"{{type: library, owner: '{owner}'}}"))).owner == expected


def test_an_owner_without_namespace_is_sought_in_the_namespace_of_the_entity() -> None:
    assert spec_of(one(entity(namespace="Sales"))).owner == "group:sales/risk"


def test_nothing_is_fetched_and_what_is_not_resolved_says_so() -> None:
    definition = read("backstage/catalog-info.yaml")[0]["api:default/churn-features-api"]
    unresolved = "unresolved: $text https://git.example.com/retention/churn-features/openapi.yaml"
    assert definition.raw["spec"]["definition"] == unresolved
    assert definition.metadata.annotations["factory/import-notes"] == unresolved


def test_a_software_template_brings_its_questions_and_leaves_its_steps() -> None:
    found, problems = read("backstage/template.yaml")
    definition = found["template:default/batch-scoring-service"]
    assert problems == []
    spec = spec_of(definition)
    assert isinstance(spec, TemplateSpec)
    asked = {question.name: (question.type, question.default) for question in spec.questions}
    assert asked == {
        "model_name": ("text", None), "schedule": ("choice", "nightly"), "keep_days": ("number", 30),
        "shadow": ("boolean", True), "columns": ("text", None), "owner": ("text", None), "repo_url": ("text", None),
        "size": ("text", None),
    }  # fmt: skip
    assert "TShirtPicker" in spec.questions[-1].help
    notes = definition.metadata.annotations["factory/import-notes"]
    assert "fetch:template, publish:github" in notes
    assert "'token' is not asked" in notes
    assert definition.metadata.annotations["backstage.io/time-saved"] == "PT4H"


def test_skills_become_guides_and_rules_policies_with_their_rationale() -> None:
    found, _ = read("backstage/organisation.yaml")
    assert spec_of(found["guide:default/feature-review"]).depends_on == ["policy:default/no-personal-data"]
    assert found["policy:default/no-personal-data"].readme == "What leaves the company cannot be called back.\n"


def test_each_bad_piece_is_named_with_its_mend_and_the_rest_comes_in() -> None:
    found, problems = read("backstage/bad.yaml")
    assert list(found) == ["asset:default/good-enough"]
    definition = found["asset:default/good-enough"]
    assert (definition.metadata.tags, definition.metadata.labels, spec_of(definition).depends_on) == (["fine"], {}, [])
    text = "\n".join(problems)
    for expected in (
        "document 1, metadata.name: 'Churn Features!' is no name",
        "Write 'Churn-Features'.",
        "document 2, metadata.name: '${{ values.name | dump }}' is a placeholder.",
        "document 3, metadata.tags: 'Machine Learning' is no tag and is left out. Write 'machine-learning'.",
        "document 3, metadata.labels.count: is 3, not text",
        "document 3, spec.dependsOn: 'no-kind' names no kind and is left out. Write 'component:no-kind'.",
        "document 4, spec.owner: names no owner. Add one, or import with `--owner TEAM`.",
        "document 5, metadata.name: asset:default/Good-Enough is defined in backstage/bad.yaml, document 3 already.",
        "document 6, kind: 'Dataset' is a kind of ours.",
        "document 7: is not a definition. Understood are",
    ):
        assert expected in text


def test_a_long_description_is_cut_for_lists_and_stands_whole_in_the_readme() -> None:
    words = "word " * 400
    definition = one(entity(description=words))
    assert len(definition.metadata.description) <= 1000
    assert definition.readme == words.strip() + "\n"


@pytest.mark.parametrize(
    "change",
    ["kind: Component\nmetadata: []\n", "kind: 7-Up\nmetadata: {name: x}\n", "kind: {a: b}\n", "metadata: {name: x}\n",
     "kind: Component\nmetadata: {name: [x]}\n", "kind: Component\nmetadata: {name: x, namespace: a_b}\n",
     "kind: Component\nmetadata: {name: x}\nspec: [1]\n", "kind: API\nmetadata: {name: x, annotations: 3}\n",
     "kind: Template\nmetadata: {name: x}\nspec: {owner: a, parameters: {properties: {'!!': {type: string}}}}\n"],
)  # fmt: skip
def test_a_misshapen_entity_is_a_problem(change: str) -> None:
    assert problems_of("apiVersion: backstage.io/v1alpha1\n" + change)


# --- Azure ML


@pytest.mark.parametrize(
    ("path", "ref", "spec_class"),
    [
        ("azureml/model.yml", "model:default/churn-lightgbm", ModelSpec),
        ("azureml/data.yml", "dataset:default/customer_days", DatasetSpec),
        ("azureml/environment.yml", "environment:default/churn-training", EnvironmentSpec),
        ("azureml/component.yml", "asset:default/train_churn", AssetSpec),
        ("azureml/pipeline.yml", "pipeline:default/Churn-nightly", PipelineSpec),
    ],
)
def test_azure_definitions_become_entries_owned_by_whom_the_import_names(path: str, ref: str, spec_class: type) -> None:
    found, problems = read(path, default_owner="risk")
    assert (problems, list(found)) == ([], [ref])
    assert isinstance(found[ref].spec, spec_class)
    assert spec_of(found[ref]).owner == "risk"
    assert found[ref].metadata.annotations["factory/imported-from"] == "azureml"
    assert documents.define(found[ref].raw, path) == found[ref]


def test_an_azure_definition_without_an_owner_asks_for_one() -> None:
    found, problems = read("azureml/model.yml")
    assert found == {}
    assert problems == ["azureml/model.yml, document 1, owner: names no owner. Add one, or import with `--owner TEAM`."]


def test_versions_stay_the_text_in_the_file() -> None:
    assert spec_of(read("azureml/model.yml", default_owner="risk")[0]["model:default/churn-lightgbm"]).version == "1.10"
    assert spec_of(read("azureml/data.yml", default_owner="risk")[0]["dataset:default/customer_days"]).version == "7"


def test_registered_things_an_azure_pipeline_names_become_relations() -> None:
    spec = spec_of(read("azureml/pipeline.yml", default_owner="risk")[0]["pipeline:default/Churn-nightly"])
    assert isinstance(spec, PipelineSpec)
    assert spec.depends_on == [
        "dataset:default/customer_days", "model:default/churn-lightgbm", "asset:default/train_churn",
        "environment:default/sklearn-1.5",
    ]  # fmt: skip
    assert [(step.name, step.uses) for step in spec.steps] == [
        ("train", "asset:default/train_churn"),
        ("evaluate", None),
    ]


def test_a_component_keeps_its_typed_interface_and_its_command() -> None:
    spec = spec_of(read("azureml/component.yml", default_owner="risk")[0]["asset:default/train_churn"])
    assert isinstance(spec, AssetSpec)
    assert [(one.name, one.type) for one in spec.inputs] == [
        ("training_data", "uri_folder"), ("learning_rate", "number"), ("seed", "integer")
    ]  # fmt: skip
    assert spec.language == "python"
    assert spec.usage is not None
    assert spec.usage.code.startswith("python train.py --data ${{inputs.training_data}}")


def test_placeholders_are_pointed_out() -> None:
    found, problems = read("azureml/placeholders.yml", default_owner="risk")
    assert list(found) == ["model:default/fine"]
    assert [problem.split(": ", 1)[1].split(" is a")[0] for problem in problems] == [
        "'{{ENDPOINT_NAME}}'", "'<MODEL_NAME>'", "'<VERSION>'"
    ]  # fmt: skip


def test_azure_definitions_without_a_place_here_are_refused_by_what_is_understood() -> None:
    found, problems = read("azureml/endpoint.yml", default_owner="risk")
    assert found == {}
    assert "is not a definition. Understood are" in problems[0]


# --- MLflow projects


@pytest.mark.parametrize("name", ["MLproject", "mlproject", "deep/in/MLPROJECT"])
def test_an_mlflow_project_becomes_a_code_asset_with_typed_inputs(name: str) -> None:
    definitions, problems = sources.read((SAMPLES / "mlproject/MLproject").read_text(), name, default_owner="risk")
    assert problems == []
    definition = definitions[0]
    assert (definition.ref, definition.metadata.title) == (
        "asset:default/Sklearn-elastic-net-wine",
        "Sklearn elastic net (wine)",
    )
    spec = spec_of(definition)
    assert isinstance(spec, AssetSpec)
    assert [(one.name, one.type) for one in spec.inputs] == [
        ("data", "path"), ("alpha", "float"), ("l1_ratio", "float"), ("validate.report", "uri")
    ]  # fmt: skip
    assert spec.requires == ["python_env: python_env.yaml"]
    assert spec.usage is not None
    assert spec.usage.code.splitlines()[0] == "mlflow run . -e main -P data=…"


def test_an_mlflow_project_without_a_name_is_called_after_its_folder() -> None:
    definitions, _ = sources.read("entry_points: {}", "projects/wine/MLproject", default_owner="risk")
    assert definitions[0].metadata.name == "wine"


def test_an_mlflow_project_has_one_environment() -> None:
    _, problems = sources.read("name: x\nconda_env: c.yaml\npython_env: p.yaml", "MLproject", default_owner="risk")
    assert "stands beside python_env" in str(problems[0])
