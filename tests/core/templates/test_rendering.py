"""Forms looked at with answers, and projects rendered: what copier would give, the same every time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from core.config import ROOT
from core.errors import Invalid
from core.templates.rendering import RenderingFailed, answers_hash, render, resolve
from core.templates.snapshot import File, from_folder
from tests.core.templates.making import FOREIGN, SHORT, body, cookiecutter, foreign, snapshot, template
from tests.core.templates.making import render as rendered

SHIPPED = sorted(ROOT.glob("catalog/templates/*/template"))


def made_by_copier(folder: Path, target: Path) -> dict[str, File]:
    """What copier's own command makes of the template with its defaults."""
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--skip-tasks", "--quiet"]
    data = ["--data", "project_name=churn"] if folder.parent == FOREIGN else []
    subprocess.run([*command, *data, str(folder), str(target)], check=True, capture_output=True, cwd=target.parent)
    return dict(from_folder(target).files)


@pytest.mark.parametrize("folder", [FOREIGN / "copier-library", *SHIPPED], ids=lambda path: path.parent.name)
def test_a_project_is_what_copier_makes_of_the_template(folder: Path, tmp_path: Path) -> None:
    theirs = made_by_copier(folder, tmp_path / "theirs")
    ours = dict(rendered(from_folder(folder), {"project_name": "churn"} if folder.parent == FOREIGN else {}).files)
    for own in (".copier-answers.yml", "FACTORY.yaml"):
        ours.pop(own)
        theirs.pop(own, None)
    assert ours == theirs


def test_the_same_answers_give_the_same_bytes() -> None:
    made = foreign("copier-library")
    first, second = (rendered(made, {"project_name": "churn"}).to_zip() for _ in range(2))
    assert first == second


def test_answers_are_recorded_with_where_the_template_comes_from() -> None:
    project = rendered(foreign("copier-library"), {"project_name": "churn", "index_token": "s3cr3t"})
    answers = yaml.safe_load(project.files[".copier-answers.yml"].content)
    assert (answers["_src_path"], answers["_commit"]) == ("catalog:templates/x", "1234abc")
    assert answers["package_name"] == "churn"
    assert "index_token" not in answers


@pytest.mark.parametrize("name", ["cookiecutter-package", "backstage-service"])
def test_a_template_that_records_no_answers_gets_a_record(name: str) -> None:
    given = {"component_id": "churn", "owner": "lab"} if name == "backstage-service" else {}
    answers = yaml.safe_load(rendered(foreign(name), given).files[".copier-answers.yml"].content)
    assert answers["_commit"] == "1234abc"
    assert not {"cookiecutter", "values", "parameters"} & answers.keys()


def test_a_manifest_tells_what_made_the_project() -> None:
    manifest = {"template": "template:default/x", "version": "1.10", "checklists": ["a"]}
    project = render(template(body="{{ name }}"), {"name": "b"}, source="s", commit="c", manifest=manifest)
    found = yaml.safe_load(project.files["FACTORY.yaml"].content)
    assert found == manifest | {"answers_hash": answers_hash({"name": "b"})}


def test_a_template_may_not_write_the_manifest_itself() -> None:
    with pytest.raises(Invalid, match="the portal's own"):
        rendered(template(FACTORY__yaml="version: 99"))


def test_secrets_are_in_the_files_that_use_them_and_nowhere_else() -> None:
    made = foreign("copier-library")
    project = rendered(made, {"project_name": "churn", "index_token": "s3cr3t"})
    assert [path for path, file in project.files.items() if b"s3cr3t" in file.content] == [".env"]
    other = rendered(made, {"project_name": "churn", "index_token": "0th3r"})
    assert project.files["FACTORY.yaml"] == other.files["FACTORY.yaml"]


def test_no_refusal_quotes_a_secret() -> None:
    made = template(
        "token: {default: '', secret: true}\n"
        "key: {default: 0, type: int, secret: true}\nname: {default: x, validator: '{{ token }}'}\n"
    )
    errors = resolve(made, {"token": "s3cr3t", "key": "0th3r"}).errors
    assert set(errors) == {"key", "name"}
    assert "s3cr3t" not in str(errors)
    assert "0th3r" not in str(errors)
    with pytest.raises(Invalid) as caught:
        rendered(template("token: {default: '', secret: true}\n", body="{{ token | from_json }}"), {"token": "s3cr3t"})
    assert "s3cr3t" not in str(caught.value)


def test_a_hash_of_answers_does_not_depend_on_their_order_or_on_secrets() -> None:
    assert answers_hash({"a": 1, "b": "ü"}) == answers_hash({"b": "ü", "a": 1, "token": "x"}, {"token"})
    assert answers_hash({"a": 1}) != answers_hash({"a": "1"})


def test_a_plain_repository_is_copied_as_it_is() -> None:
    made = snapshot({"{{ name }}.md": "{% include 'x' %}", "run.jinja": b"\x00{{"})
    project = rendered(made)
    assert {path: file for path, file in project.files.items() if path in made.files} == dict(made.files)
    assert yaml.safe_load(project.files[".copier-answers.yml"].content) == {
        "_commit": "1234abc", "_src_path": "catalog:templates/x",
    }  # fmt: skip


def test_a_cookiecutter_template_renders_bodies_and_names() -> None:
    project = rendered(foreign("cookiecutter-package"), {"project_name": "Churn Model", "use_docker": True}).files
    assert project["churn_model/__init__.py"].content == b'"""Churn Model."""\n'
    assert project["Dockerfile"].content == b"FROM python:3.11\n"
    readme = project["README.rst"].content.decode()
    assert readme.startswith("===========\nChurn Model\n===========\n")
    assert "Python 3.11, {{ stays }}, churn_model, package." in readme


def test_what_cookiecutter_copies_without_rendering_stays() -> None:
    project = rendered(foreign("cookiecutter-package")).files
    assert b"${{ secrets.TOKEN }}" in project[".github/workflows/ci.yml"].content
    assert project["page.html"].content == b"<p>{{ left.alone }}</p>\n"
    assert project["data.bin"].content == b"\x00\x01\xff"


def test_a_file_that_a_cookiecutter_answer_leaves_out_is_not_there() -> None:
    assert "Dockerfile" not in rendered(foreign("cookiecutter-package")).files


def test_a_cookiecutter_template_with_its_own_delimiters_is_understood() -> None:
    options = {"variable_start_string": "[[", "variable_end_string": "]]", "trim_blocks": True}
    made = cookiecutter(
        {"_jinja2_env_vars": options, "up": "[[ cookiecutter.name|upper ]]"}, a="[[ cookiecutter.up ]] {{ x }}"
    )
    made = snapshot(
        {
            path.replace("{{cookiecutter.name}}", "[[cookiecutter.name]]{{}}"): f.content
            for path, f in made.files.items()
        }
    )
    assert rendered(made).files["a"].content == b"CHURN {{ x }}"


def test_a_backstage_skeleton_renders_with_the_values_of_its_step() -> None:
    answers = {"component_id": "churn-api", "owner": "lab", "features": ["metrics"], "port": 9000}
    project = rendered(foreign("backstage-service"), answers).files
    assert project["src/churn-api.py"].content == b'PORT = 9000\nREPO = "service"\n'
    info = project["catalog-info.yaml"].content.decode()
    for line in (
        'name: "churn-api"',
        "Answers with ${{ predictions }}.",
        "owner: group:lab",
        "metrics: 9001",
        "{{ untouched }}",
    ):
        assert line in info
    assert project[".github/ci.yml"].content == b"run: echo ${{ secrets.X }}\n"


def test_an_executable_file_stays_executable() -> None:
    assert rendered(foreign("copier-library"), {"project_name": "churn"}).files["scripts/build"].executable


def test_settings_choose_folder_suffix_and_delimiters() -> None:
    form = "_subdirectory: '[[ kind ]]'\n_templates_suffix: .tmpl\n_envops: {variable_start_string: '[[', variable_end_string: ']]'}\n"
    files = {"a/x.tmpl": "[[ kind ]] {{ kind }}", "a/y.jinja": "[[ kind ]]", "b/z": ""}
    project = rendered(snapshot({"copier.yml": f"{form}kind: {{choices: [a, b], default: a}}\n", **files})).files
    assert project["x"].content == b"a {{ kind }}"
    assert project["y.jinja"].content == b"[[ kind ]]"
    assert "z" not in project


@pytest.mark.parametrize("root", ["in", "./in/", "in/"])
def test_the_folder_that_is_rendered_may_be_written_in_several_ways(root: str) -> None:
    made = snapshot({"copier.yml": f"_subdirectory: {root}\nx: 1\n", "in/a": "", "b": ""})
    assert set(rendered(made).files) == {"a", ".copier-answers.yml", "FACTORY.yaml"}


def test_every_body_is_rendered_when_the_suffix_is_empty_but_those_that_are_no_text() -> None:
    made = snapshot({"copier.yml": "_templates_suffix: ''\nx: 1\n", "a.txt": "{{ x }}", "b.bin": b"\xff{{ x }}"})
    project = rendered(made).files
    assert (project["a.txt"].content, project["b.bin"].content) == (b"1", b"\xff{{ x }}")


def test_the_form_itself_is_never_part_of_the_project() -> None:
    project = rendered(snapshot({"copier.yml": "_exclude: [secret.txt]\nx: 1\n", "a": "", "secret.txt": ""})).files
    assert set(project) == {"a", ".copier-answers.yml", "FACTORY.yaml"}


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(Invalid, match="Two files of the template become 'a'"):
        rendered(snapshot({"copier.yml": "x: a\n", "{{ x }}": "1", "a": "2"}))


def test_a_failure_names_file_and_line_as_the_author_knows_them() -> None:
    with pytest.raises(Invalid, match=r"body\.txt\.jinja, line 3: 'nme' is undefined") as caught:
        body(template(body="a\nb\n{{ nme }}"))
    assert caught.value.code == "template"
    with pytest.raises(Invalid, match=r"\{\{cookiecutter\.name\}\}/x\.py, line 2: "):
        rendered(cookiecutter({}, x__py="\n{{ cookiecutter.nme }}"))


def test_wrong_answers_are_refused_by_their_question() -> None:
    with pytest.raises(Invalid, match=r"author_email: This is no e-mail address") as caught:
        rendered(foreign("copier-library"), {"project_name": "churn", "author_email": "x"})
    assert caught.value.code == "answers"
    with pytest.raises(Invalid, match=r"project_name: This question needs an answer"):
        rendered(foreign("copier-library"))


class TestResolving:
    """Forms, looked at with the answers so far."""

    def test_defaults_follow_the_answers_before_them(self) -> None:
        form = resolve(foreign("copier-library"), {"project_name": "Churn Model"})
        found = {one.question.name: one for one in form.fields}
        assert found["package_name"].default == "churn_model"
        assert form.answers["package_name"] == "churn_model"
        assert not form.errors

    def test_a_question_whose_condition_fails_is_not_asked_and_its_answer_does_not_count(self) -> None:
        form = resolve(
            foreign("copier-library"), {"project_name": "x", "with_docs": False, "docs_theme": "readthedocs"}
        )
        found = {one.question.name: one for one in form.fields}
        assert found["with_docs"].visible
        assert not found["docs_theme"].visible
        assert form.answers["docs_theme"] == "material"

    def test_every_wrong_answer_is_told_beside_its_question(self) -> None:
        form = resolve(foreign("copier-library"), {"author_email": "nobody", "license": "GPL", "nme": 1})
        assert set(form.errors) == {"project_name", "author_email", "license", "nme"}
        assert form.errors["author_email"] == "This is no e-mail address"

    def test_what_waits_for_an_answer_is_no_error_of_its_own(self) -> None:
        form = resolve(template("a: {type: str}\nb: {default: '{{ a }}x'}\nc: {default: '{{ b }}y'}\n"), {})
        assert form.errors == {"a": "This question needs an answer."}
        assert [one.default for one in form.fields] == [None, None, None]

    def test_choices_and_defaults_may_be_computed(self) -> None:
        made = template(
            "size: {choices: [s, l], default: l}\n"
            "nodes: {type: int, choices: \"{% if size == 'l' %}[10, 20]{% else %}[1, 2]{% endif %}\", default: '{{ 20 }}'}\n"
            "zones: {type: str, multiselect: true, choices: [a, b, c], default: '[a, c]'}\n"
        )
        nodes, zones = resolve(made, {}).fields[1:]
        assert nodes.choices == (("10", 10), ("20", 20))
        assert nodes.default == 20
        assert zones.default == ["a", "c"]
        assert resolve(made, {"size": "s", "nodes": 20}).errors["nodes"].startswith("'20' is none of the choices: 1, 2")

    def test_a_choice_with_a_reason_against_it_is_not_offered(self) -> None:
        choices = "{A: a, B: {value: b, validator: \"{% if cloud == 'x' %}Not there.{% endif %}\"}}"
        made = template(f"cloud: {{default: x}}\nkind: {{choices: {choices}, default: a}}\n")
        assert resolve(made, {}).fields[1].choices == (("A", "a"),)
        assert resolve(made, {"kind": "b"}).errors == {"kind": "'b' cannot be chosen: Not there."}
        assert not resolve(made, {"cloud": "y", "kind": "b"}).errors

    def test_texts_for_people_may_be_computed(self) -> None:
        made = template("a: {default: x}\nb: {default: 1, help: 'About {{ a }}', placeholder: '{{ a }}?'}\n")
        found = resolve(made, {}).fields[1].question
        assert (found.help, found.placeholder) == ("About x", "x?")

    def test_an_answer_that_spoils_a_file_name_is_told_beside_its_question(self) -> None:
        made = snapshot({"copier.yml": "a: {default: x}\nb: {default: y}\n", "{{ a | replace('x', '..') }}/f": ""})
        assert resolve(made, {}).errors == {
            "a": "With this answer the file '../f' has a name that leaves its folder or has an empty part."
        }

    def test_a_computed_name_is_blamed_on_the_question_it_comes_from(self) -> None:
        form = "title: {type: str}\nother: {default: 1}\nslug: {default: '{{ title | lower }}', when: false}\n"
        errors = resolve(snapshot({"copier.yml": form, "{{ slug }}/f": ""}), {"title": "Über uns"}).errors
        assert list(errors) == ["title"]
        assert "part of a file's name" in errors["title"]

    def test_answers_in_yaml_and_json_are_read(self) -> None:
        made = template("a: {type: yaml, default: null}\nb: {type: json, default: {}}\n")
        form = resolve(made, {"a": "- 1\n- x", "b": '{"k": [1]}'})
        assert form.answers == {"a": [1, "x"], "b": {"k": [1]}}
        assert set(resolve(made, {"a": "a: [", "b": "{"}).errors) == {"a", "b"}

    def test_a_schema_has_its_pattern(self) -> None:
        errors = resolve(foreign("backstage-service"), {"component_id": "Churn", "owner": "lab"}).errors
        assert errors == {"component_id": "The answer does not match ^[a-z][a-z0-9-]+$"}
        errors = resolve(foreign("backstage-service"), {"component_id": "churn\n", "owner": "lab"}).errors
        assert list(errors) == ["component_id"]

    def test_a_fault_of_the_template_is_told_at_the_question_that_has_it(self) -> None:
        errors = resolve(template("a: {default: '{{ 1 / 0 }}'}\nb: {default: 1}\n"), {}).errors
        assert errors == {"a": "The template's '{{ 1 / 0 }}' fails: division by zero."}

    def test_a_template_without_questions_is_looked_at_without_a_process(self) -> None:
        assert resolve(snapshot({"a": ""}), {}).fields == ()


def test_the_manifest_is_json_and_yaml_that_others_read() -> None:
    project = render(template(body=""), {}, source="s", commit="c", manifest={"title": "Ünïcode: yes", "n": None})
    found = yaml.safe_load(project.files["FACTORY.yaml"].content)
    assert json.loads(json.dumps(found))["title"] == "Ünïcode: yes"


def test_a_wall_says_at_which_question_it_stood() -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(RenderingFailed, match=r"did not end in the time it has, at the question 'slow'") as caught:
        resolve(template(f"quick: 1\nslow: {{default: '{loop}'}}\n"), {}, limits=SHORT)
    assert caught.value.code == "time"
