"""The lint: every name, body and question is read, and what is wrong is told with file, line and the way to mend it."""

from __future__ import annotations

import json

import pytest

from core.config import ROOT
from core.templates.lint import Finding, lint
from core.templates.snapshot import from_folder
from tests.core.templates.making import codes, cookiecutter, foreign, snapshot, template

SHIPPED = sorted(ROOT.glob("catalog/templates/*/template"))


def errors(made: object) -> list[Finding]:
    return [one for one in lint(made) if one.severity == "error"]  # type: ignore[arg-type]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda path: path.parent.name)
def test_nothing_is_found_in_a_template_of_ours(folder) -> None:
    assert lint(from_folder(folder)) == []


@pytest.mark.parametrize(
    ("name", "warnings"),
    [("copier-library", {"not-run"}), ("cookiecutter-package", {"not-run"}), ("backstage-service", {"field"})],
)
def test_a_template_in_the_style_of_public_ones_has_no_errors(name: str, warnings: set[str]) -> None:
    found = lint(foreign(name))
    assert {one.code for one in found} == warnings
    assert {one.severity for one in found} == {"warning"}


def test_a_plain_repository_may_hold_any_text() -> None:
    assert lint(snapshot({"a.jinja": "{% include '/etc/passwd' %}", "{{ b": "{{ x"})) == []


@pytest.mark.parametrize(
    ("text", "code", "problem"),
    [
        ("{{ name | uper }}", "filter", "no filter 'uper'"),
        ("{{ name is strng }}", "test", "no test 'strng'"),
        ("{{ nme }}", "unknown-variable", "no question 'nme'"),
        ("{{ name", "syntax", ""),
        ("{% if name %}", "syntax", ""),
        ("{% endif %}", "tag", "'endif'"),
        ("{% include 'x' %}", "tag", "'include' is not allowed"),
        ("{% import 'x' as y %}", "tag", "'import'"),
        ("{% from 'x' import y %}", "tag", "'from'"),
        ("{% extends 'x' %}", "tag", "'extends'"),
        ("{% do name %}", "tag", "'do'"),
        ("{% debug %}", "tag", "'debug'"),
        ("{% now 'utc' %}", "tag", "'now'"),
        ("{% yield x from name %}{% endyield %}", "tag", "'yield'"),
        ("{{ name.__class__ }}", "attribute", "begins with an underscore"),
        ("{{ name['__class__'] }}", "attribute", "begins with an underscore"),
        ("{{ name | map(attribute='x.__class__') }}", "attribute", "begins with an underscore"),
        ("{{ [name] | groupby('_x') }}", "attribute", "begins with an underscore"),
        ("{{ _copier_conf.src_path }}", "unknown-variable", "no _copier_conf.src_path"),
        ("{{ _copier_python }}", "unknown-variable", "no question '_copier_python'"),
        ("{{ '{0.__class__}'.format(name) }}", "format", "hidden"),
        ("{{ name.format(1) }}", "format", "hidden"),
        ("{{ [1].append(2) }}", "mutation", "changes a value"),
        ("{% for x in range(20000) %}{% endfor %}", "loop", "too long"),
        ("{% for x in range(9999) %}{% for y in range(9999) %}{% endfor %}{% endfor %}", "loop", "99,980,001 times"),
        ("{{ 'x' * 2000000 }}", "size", "very long"),
        ("{{ name * 2000000 }}", "size", "very long"),
        ("{{ name | center(2000000) }}", "size", "very long"),
        ("{{ 9 ** 999 }}", "size", "very large"),
        ("{{ 9 ** 'x' }}", "size", "very large"),
        ("{{ [1] | map('uper') | list }}", "filter", "no filter 'uper'"),
        ("{{ [1] | select('strng') | list }}", "test", "no test 'strng'"),
        ("{{ name | regex_replace('(', '') }}", "pattern", "not valid"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "depth", "too deeply"),
        ("{{ lipsum() }}", "unknown-variable", "no question 'lipsum'"),
        ("{{ name | attr('x') }}", "filter", "no filter 'attr'"),
        ("{{ [1] | random }}", "filter", "no filter 'random'"),
        ("{{ '%Y' | strftime }}", "filter", "no filter 'strftime'"),
    ],
)
def test_what_is_wrong_in_a_body_is_told_with_its_line(text: str, code: str, problem: str) -> None:
    found = [one for one in errors(template(body=f"one\ntwo\n{text}")) if one.code == code]
    assert found
    assert (found[0].path, found[0].line) == ("body.txt.jinja", 1 if code == "depth" else 3)
    assert problem in found[0].message
    assert found[0].hint


@pytest.mark.parametrize(
    "text",
    [
        "{{ name | lower | replace('-', '_') | trim | title | indent(4) | default('x') }}",
        "{{ [3, 1] | sort | unique | first }}{{ [1] | last }}{{ [name] | join(',') | length }}{{ '1' | int + '1.5' | float }}",
        "{{ {'a': name} | tojson }}{{ {'a': name} | to_nice_yaml }}{{ name | string | upper }}",
        "{% set x = name ~ '!' %}{% macro m(a, b=1) %}{{ a }}{{ caller() }}{% endmacro %}{% call m(x) %}y{% endcall %}",
        "{% for key, value in {'a': 1}.items() %}{{ loop.index }}{{ key }}{{ value }}{% else %}none{% endfor %}",
        "{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
        "{% raw %}{{ not.code }} {% include 'x' %}{% endraw %}{# {{ comment }} #}",
        "{{ _copier_answers | to_nice_yaml }}{{ _copier_conf.answers_file }}",
        "{{ name.split('-') | map('upper') | join }}{{ 'a' if name is defined else 'b' }}{{ name.startswith('x') }}",
        "{{ '{:02d}'.format(3) }}{{ '%s' | format(name) }}{{ 'x' * 20 }}{{ 2 ** 10 }}",
    ],
)
def test_usual_code_is_not_complained_about(text: str) -> None:
    assert errors(template(body=text)) == []


def test_a_misspelt_name_comes_with_the_nearest_right_one() -> None:
    [found] = errors(template("project_name: {default: x}\n", body="{{ projct_name }}"))
    assert found.hint == "Did you mean 'project_name'?"


def test_names_of_files_and_folders_are_read_too() -> None:
    found = errors(snapshot({"copier.yml": "x: 1\n", "src/{{ y }}/{% include 'z' %}.py": ""}))
    assert {(one.path, one.code) for one in found} == {
        ("src/{{ y }}/{% include 'z' %}.py", "unknown-variable"), ("src/{{ y }}/{% include 'z' %}.py", "tag"),
    }  # fmt: skip


def test_bodies_that_are_copied_are_not_code() -> None:
    assert errors(template(plain__txt="{{ nothing }} {% include 'x' %}")) == []


def test_files_beside_the_folder_that_is_rendered_are_not_looked_at() -> None:
    made = snapshot({"copier.yml": "_subdirectory: in\nx: 1\n", "in/a": "", "docs/b.jinja": "{{ nothing }}"})
    assert errors(made) == []


@pytest.mark.parametrize(
    ("form", "line", "code"),
    [
        ("a: {default: '{{ b }}'}\nb: 1\n", 1, "unknown-variable"),
        ("a: 1\nb:\n  default: 1\n  validator: '{{ c }}'\n", 4, "unknown-variable"),
        ("a: 1\nb:\n  default: 1\n  when: '{{ a | expandvars }}'\n", 4, "filter"),
        ("b:\n  help: '{% include x %}'\n  default: 1\n", 2, "tag"),
        ("b:\n  choices: '{{ range(99999) }}'\n  default: 1\n", 2, "loop"),
        ("b:\n  choices:\n    A: {value: a, validator: '{{ x }}'}\n", 2, "unknown-variable"),
        ("a: {default: 1, validator: '{{ a }}'}\n_exclude: ['{{ x }}']\n", 2, "unknown-variable"),
        ("a: {default: x, secret: true}\nb: {default: '{{ a }}'}\n", 2, "secret"),
        ("a: 1\n_skip_if_exists: ['{{ a ']\n", 2, "syntax"),
    ],
)
def test_code_in_a_form_is_read_with_what_it_may_know(form: str, line: int, code: str) -> None:
    found = errors(template(form))
    assert [(one.path, one.line, one.code) for one in found] == [("copier.yml", line, code)]


def test_a_validator_may_read_its_own_answer_and_an_exclude_the_operation() -> None:
    form = "a: {default: 1, validator: '{{ a }}'}\n_exclude: [\"{% if _copier_operation == 'update' %}x{% endif %}\"]\n"
    assert errors(template(form)) == []


def test_problems_of_the_form_and_of_bodies_are_told_together() -> None:
    found = errors(template("now: 1\nx: {default: 1, type: strr}\n", body="{{ x | uper }}"))
    assert {one.code for one in found} == {"question-name", "type", "filter"}


def test_what_is_left_out_is_a_warning_with_its_line() -> None:
    found = lint(template("_preserve_symlinks: true\n_tasks: [x]\nx:\n  default: yes\n  hlp: me\n"))
    assert [(one.severity, one.line, one.code) for one in found] == [
        ("warning", 1, "setting"), ("warning", 2, "not-run"), ("warning", 4, "boolean"), ("warning", 5, "attribute"),
    ]  # fmt: skip


def test_a_rendered_body_must_be_text_of_a_reasonable_length() -> None:
    made = template(a__jinja=b"\xff\xfe", b__jinja="x" * (1024 * 1024 + 1))
    assert {(one.path, one.code) for one in errors(made)} == {("a.jinja", "encoding"), ("b.jinja", "size")}


def test_the_manifest_belongs_to_the_portal() -> None:
    assert codes(template(FACTORY__yaml="a: 1")) == {"manifest"}
    assert codes(snapshot({"copier.yml": "x: 1", "FACTORY.yaml.jinja": ""})) == {"manifest"}


def test_a_secret_names_no_file() -> None:
    assert codes(snapshot({"copier.yml": "x: {default: a, secret: true}\n", "{{ x }}": ""})) == {"secret"}


class TestCookiecutter:
    def test_findings_name_the_file_where_it_stands(self) -> None:
        [found] = errors(cookiecutter({}, a__py="\n{{ cookiecutter.nam }}"))
        assert (found.path, found.line, found.hint) == ("{{cookiecutter.name}}/a.py", 2, "Did you mean 'name'?")

    def test_private_variables_are_known(self) -> None:
        made = cookiecutter(
            {"_a": "1", "__b": "{{ cookiecutter.name }}"}, a="{{ cookiecutter._a }}{{ cookiecutter.__b }}"
        )
        assert errors(made) == []
        assert codes(cookiecutter({}, a="{{ cookiecutter._a }}")) == {"unknown-variable"}

    def test_the_clock_is_refused_with_a_way_out(self) -> None:
        [found] = errors(cookiecutter({}, LICENSE="Copyright {% now 'utc', '%Y' %}"))
        assert found.code == "tag"
        assert "ask for it" in found.hint

    def test_a_default_reads_only_what_was_asked_before(self) -> None:
        made = cookiecutter({"a": "{{ cookiecutter.b }}", "b": "x"}, x="")
        assert [(one.path, one.code) for one in errors(made)] == [("cookiecutter.json", "unknown-variable")]


def test_backstage_expressions_are_read_where_they_stand() -> None:
    files = {path: file.content for path, file in foreign("backstage-service").files.items()}
    files["template.yaml"] = files["template.yaml"].replace(b"${{ parameters.port }}", b"${{ user.entity.name }}")
    files["skeleton/x.txt"] = b"\n${{ values.prt }} {{ untouched }}"
    found = {(one.path, one.line, one.code) for one in errors(snapshot(files))}
    assert found == {("template.yaml", 1, "unknown-variable"), ("skeleton/x.txt", 2, "unknown-variable")}


def test_a_pattern_of_a_schema_must_be_valid() -> None:
    files = {path: file.content for path, file in foreign("backstage-service").files.items()}
    files["template.yaml"] = files["template.yaml"].replace(b"^[a-z][a-z0-9-]+$", b"^[a-z")
    assert [(one.line, one.code) for one in errors(snapshot(files))] == [(17, "pattern")]


def test_a_file_of_json_that_yaml_cannot_read_has_findings_all_the_same() -> None:
    made = snapshot({"cookiecutter.json": '{\n\t"a": "{{ cookiecutter.c }}"}', "{{cookiecutter.a}}/x": ""})
    assert json.loads(made.files["cookiecutter.json"].content)
    assert codes(made) == {"unknown-variable"}
