"""Forms of four kinds, read into questions; and the first look at answers, which runs no template code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import Invalid
from core.templates.questions import Definition, Question, check_answers, define
from tests.core.templates.making import cookiecutter, foreign, snapshot, template


def question(form: str, name: str = "x") -> Question:
    return next(one for one in define(template(form)).questions if one.name == name)


def asked(definition: Definition) -> dict[str, Question]:
    return {one.name: one for one in definition.questions if not one.computed}


@pytest.mark.parametrize("name", ["copier-library", "cookiecutter-package", "backstage-service"])
def test_a_definition_goes_through_json_unchanged(name: str) -> None:
    definition = define(foreign(name))
    assert Definition.from_dict(json.loads(json.dumps(definition.to_dict()))) == definition


def test_a_repository_without_a_form_asks_nothing() -> None:
    assert define(snapshot({"README.md": "{{ text }}"})) == Definition("plain")


class TestCopier:
    def test_questions_keep_their_order_types_and_attributes(self) -> None:
        found = asked(define(foreign("copier-library")))
        assert list(found)[:3] == ["project_name", "project_description", "author_email"]
        assert found["project_name"].required
        assert found["project_name"].placeholder == "My Library"
        assert found["with_docs"].type == "bool"
        assert found["copyright_year"].type == "int"
        assert found["docs_theme"].when == "{{ with_docs }}"
        assert found["index_token"].secret
        assert found["python_versions"].multiselect
        assert found["license"].choices == (("Apache 2.0", "Apache-2.0"), ("MIT", "MIT"), ("None of them", ""))
        assert found["docs_theme"].choices == (("material", "material"), ("Read the Docs", "readthedocs"))

    def test_what_holds_template_code_is_known(self) -> None:
        found = asked(define(foreign("copier-library")))
        assert found["package_name"].templated == {"default"}
        assert found["author_email"].templated == {"validator"}
        assert not found["license"].templated

    def test_tasks_and_migrations_are_steps_for_people(self) -> None:
        form = "_migrations:\n- version: v1\n  command: rm old\n_tasks:\n- git init\n- [make, setup]\nx: 1\n"
        assert define(template(form)).manual_steps == (
            "Run after copying: git init", "Run after copying: make setup", "Run when updating: rm old",
        )  # fmt: skip

    def test_questions_that_name_files_are_known(self) -> None:
        assert define(foreign("copier-library")).path_variables == {"package_name"}

    def test_a_question_in_a_condition_names_no_file(self) -> None:
        made = snapshot({"copier.yml": "ci: {default: github}\n", "{% if ci == 'x' %}a{% endif %}": ""})
        assert not define(made).path_variables

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("text", "str"),
            (True, "bool"),
            (3, "int"),
            (0.5, "float"),
            ([1], "yaml"),
            (None, "yaml"),
            ({"a": 1}, "yaml"),
        ],
    )
    def test_a_question_without_a_type_has_that_of_its_default(self, value: Any, expected: str) -> None:
        assert question(f"x: {{default: {json.dumps(value)}}}").type == expected

    def test_a_value_alone_is_a_question_with_this_default(self) -> None:
        assert question("x: 5").default == 5

    def test_a_question_that_is_never_asked_is_computed(self) -> None:
        assert question("x: {default: 1, when: false}").computed
        assert question("x: {default: 1, when: 'no'}").computed

    def test_settings_mark_secrets_too(self) -> None:
        assert define(template("_secret_questions: [x]\nx: ''\n")).secrets == {"x"}

    def test_a_choice_may_have_a_reason_not_to_be_chosen(self) -> None:
        found = question("x: {choices: {A: {value: a, validator: '{{ no }}'}, B: b}}")
        assert found.choices == (("A", "a"), ("B", "b"))
        assert found.choice_validators == {"A": "{{ no }}"}

    def test_several_documents_are_one_form(self) -> None:
        found = define(template("_exclude: [a]\nx: 1\n---\n_exclude: [b]\ny: 2\n"))
        assert [one.name for one in found.questions] == ["x", "y"]

    @pytest.mark.parametrize(
        ("form", "line", "problem"),
        [
            ("x: 1\nx: 2\n", 2, "occurs twice"),
            ("x: 1\n---\nx: 2\n", 1, "two documents"),
            ("x: &a 1\ny: *a\n", 2, "alias"),
            ("x: !!python/object/apply:os.system [id]\n", 1, "tag"),
            ("x: 1\ny: !include /etc/passwd\n", 2, "tag"),
            ("x: 1\n_jinja_extensions: [os.path]\n", 2, "loads Python code"),
            ("_external_data: {a: b.yml}\n", 1, "reads other files"),
            ("x: 1\ny:\n  default: 1\n  type: strr\n", 4, "type cannot be 'strr'"),
            ("now: 1\n", 1, "cannot be the name"),
            ("a-b: 1\n", 1, "cannot be the name"),
            ("_subdirectory: ../up\nx: 1\n", 1, "leaves its folder"),
            ("_subdirectory: nowhere\nx: 1\n", 1, "no folder 'nowhere'"),
            ("_answers_file: /etc/x\n", 1, "begins with '/'"),
            ("_envops: {extensions: [os]}\n", 1, "extensions cannot be"),
            ("_envops: {block_start_string: '[[', variable_start_string: '[['}\n", 1, "are the same"),
            ("_min_copier_version: '99.0'\n", 1, "needs copier 99.0"),
            ("x: {choices: []}\n", 1, "no choice"),
            ("x: {choices: [[a, b, c]]}\n", 1, "is no choice"),
            ("- x\n", 1, "not a mapping"),
            ("x: [\n", 2, "not valid YAML"),
            ("x: " + "[" * 100, 1, "nested deeper"),
        ],
    )
    def test_a_wrong_form_is_refused_with_file_line_and_problem(self, form: str, line: int, problem: str) -> None:
        with pytest.raises(Invalid) as caught:
            define(template(form))
        assert caught.value.message.startswith(f"copier.yml, line {line}: ")
        assert problem in caught.value.message
        assert caught.value.hint

    def test_a_form_that_is_no_text_or_too_large_is_refused(self) -> None:
        for content in (b"\xff\xfe", b"x: " + b"y" * 300_000):
            with pytest.raises(Invalid, match=r"copier\.yml"):
                define(snapshot({"copier.yml": content}))

    def test_two_forms_are_refused(self) -> None:
        with pytest.raises(Invalid, match="both"):
            define(snapshot({"copier.yml": "x: 1", "copier.yaml": "x: 1"}))


class TestCookiecutter:
    def test_variables_become_questions(self) -> None:
        found = asked(define(foreign("cookiecutter-package")))
        assert found["full_name"].default == "Your Name"
        assert found["project_name"].help == "What is it called?"
        assert found["use_docker"].type == "bool"
        assert found["details"].type == "json"
        assert found["open_source_license"].default == "MIT license"
        assert found["open_source_license"].choices[0] == ("MIT, short and permissive", "MIT license")

    def test_computed_defaults_read_the_questions_before_them(self) -> None:
        found = asked(define(foreign("cookiecutter-package")))
        assert found["project_slug"].default.startswith("{{ project_name.lower()")

    def test_private_variables_are_never_asked(self) -> None:
        found = {one.name: one for one in define(foreign("cookiecutter-package")).questions if one.computed}
        assert found["cookiecutter_python"].default == "3.11"
        assert found["cookiecutter__import"].default == "{{ project_slug | slugify(separator='_') }}"
        assert "cookiecutter" in found

    def test_hooks_are_steps_for_people_with_their_text(self) -> None:
        [step] = define(foreign("cookiecutter-package")).manual_steps
        assert "hooks/post_gen_project.py" in step
        assert "unlink()" in step

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ('{"a": 1, "a": 2}', "occurs twice"),
            ('{"a": NaN}', "NaN"),
            ('{"a": }', "not JSON"),
            ('["a"]', "not a mapping"),
            ('{"a": []}', "no choice"),
            ('{"templates": {"one": {"path": "./one"}}}', "several templates"),
            ('{"template": ["a (./a)"]}', "several templates"),
            ('{"_extensions": ["local_extensions.Now"], "a": "b"}', "not loaded"),
            ('{"cookiecutter": "x"}', "occurs twice"),
            ("[" * 100_000, "cannot be read"),
        ],
    )
    def test_a_wrong_form_is_refused(self, text: str, problem: str) -> None:
        with pytest.raises(Invalid, match=problem) as caught:
            define(snapshot({"cookiecutter.json": text, "{{cookiecutter.a}}/x": ""}))
        assert caught.value.message.startswith("cookiecutter.json, line ")

    def test_a_template_without_its_folder_is_refused(self) -> None:
        with pytest.raises(Invalid, match="0 folders like"):
            define(snapshot({"cookiecutter.json": '{"a": "b"}', "src/x": ""}))

    def test_the_extensions_that_cookiecutter_always_has_are_harmless(self) -> None:
        assert define(cookiecutter({"_extensions": ["cookiecutter.extensions.SlugifyExtension"]}, a="x"))


class TestBackstage:
    def test_properties_of_all_pages_become_questions(self) -> None:
        found = asked(define(foreign("backstage-service")))
        assert found["component_id"].required
        assert found["component_id"].pattern == "^[a-z][a-z0-9-]+$"
        assert found["component_id"].max_length == 30
        assert found["component_id"].help == "Name. Unique name of the component"
        assert found["description"].multiline
        assert (found["port"].type, found["port"].minimum, found["port"].maximum) == ("int", 1024, 65535)
        assert found["runtime"].choices == (("Python 3.11", "py311"), ("Python 3.12", "py312"))
        assert found["features"].multiselect
        assert found["registry_password"].secret

    def test_steps_that_publish_and_register_are_for_people(self) -> None:
        [step] = define(foreign("backstage-service")).manual_steps
        assert step.startswith("Publish (publish:github)")

    def test_a_parameter_that_names_a_file_through_a_value_is_known(self) -> None:
        assert define(foreign("backstage-service")).path_variables == {"component_id"}

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            ("url: ./skeleton", "url: https://example.org/skeleton", "is no folder of the template"),
            ("url: ./skeleton", "url: ../../skeleton", "is no folder of the template"),
            ("type: integer", "$ref: https://example.org/schema.json", "reads another document"),
            ("fetch:template", "fetch:plain", "No step renders"),
            ("type: integer", "type: complex", "type 'complex'"),
            ("kind: Template", "kind: Templates", "0 documents of kind Template"),
            ("^[a-z][a-z0-9-]+$", "a" * 501, "longer than 500"),
            ("        runtime:", "        bad-name:", "cannot be the name"),
        ],
    )
    def test_what_is_not_understood_is_refused(self, old: str, new: str, problem: str) -> None:
        files = dict(foreign("backstage-service").files)
        changed = files["template.yaml"].content.decode().replace(old, new)
        with pytest.raises(Invalid, match=problem):
            define(snapshot({name: file.content for name, file in files.items()} | {"template.yaml": changed}))


FORM = """
name: {type: str, default: a}
age: {type: int, default: 1}
rate: {type: float, default: 0.5}
go: {type: bool, default: true}
data: {type: json, default: {}}
free: {type: yaml, default: null}
one: {type: int, choices: [1, 2], default: 1}
many: {type: str, multiselect: true, choices: [a, b], default: []}
slug: {type: str, default: x}
computed: {type: str, default: x, when: false}
"""


class TestFirstLook:
    """Of answers to FORM, where ``slug`` names a folder."""

    definition = define(snapshot({"copier.yml": FORM, "src/{{ slug }}/x": "", "{{ computed }}": ""}))

    @pytest.mark.parametrize(
        "answers",
        [
            {},
            {
                "name": "{{ 7*7 }}",
                "age": "12",
                "rate": 3,
                "go": "yes",
                "data": {"a": [1]},
                "free": "a: 1",
                "slug": "my_pkg-1.0",
            },
            {"one": "2", "many": ["b", "a"], "slug": "", "name": "Ünïcode\nand lines\t"},
        ],
    )
    def test_right_answers_have_no_problem(self, answers: dict[str, Any]) -> None:
        assert check_answers(self.definition, answers) == {}

    @pytest.mark.parametrize(
        ("name", "answer", "problem"),
        [
            ("nme", "x", "no such question. Did you mean 'name'?"),
            ("_src_path", "x", "no such question"),
            ("computed", "x", "computes this"),
            ("name", "x" * 10_001, "longer than 10,000"),
            ("name", "a\x00b", "not text"),
            ("name", "a\x1bb", "not text"),
            ("name", ["a"], "not a single value"),
            ("name", object(), "not text, a finite number"),
            ("name", None, "not a text"),
            ("age", "1.5", "not a whole number"),
            ("age", 10**20, "too large"),
            ("age", "9" * 5000, "not a whole number"),
            ("rate", "nan", "not a finite number"),
            ("rate", float("inf"), "finite number"),
            ("data", {"a": "\x07"}, "not text"),
            ("data", {"\x07": 1}, "not text"),
            ("data", ["x" * 10_001], "longer than 10,000"),
            ("one", 3, "none of the choices: 1, 2"),
            ("many", "a", "not a list"),
            ("many", ["c"], "none of the choices: a, b"),
            ("slug", "../up", "part of a file's name"),
            ("slug", "p\u0430th", "part of a file's name"),
            ("slug", "a/b", "part of a file's name"),
            ("slug", "a\n", "part of a file's name"),
            ("slug", "..", "part of a file's name"),
            ("slug", "a.", "part of a file's name"),
        ],
    )
    def test_a_wrong_answer_is_told_beside_its_question(self, name: str, answer: Any, problem: str) -> None:
        found = check_answers(self.definition, {name: answer})
        assert list(found) == [name]
        assert problem in found[name]

    def test_limits_of_a_schema_are_kept(self) -> None:
        definition = define(foreign("backstage-service"))
        found = check_answers(definition, {"component_id": "a" * 31, "port": 80, "features": ["metrics"]})
        assert found == {
            "component_id": "The answer has 31 characters, and at most 30 are allowed.",
            "port": "The answer is less than 1024.",
        }
