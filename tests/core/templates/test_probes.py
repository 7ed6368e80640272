"""Malicious templates and answers. Each probe says which wall stops it, and that the next wall holds without the first.

The first wall is the reading of snapshot and form or the lint, which keep a template from being published. The second is
what happens when it is rendered all the same: the dialect of the child process, its limits, and the look at what came out.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import Conflict, Invalid
from core.templates import walls
from core.templates.questions import blueprint_of, check_answers, define
from core.templates.rendering import Limits, RenderingFailed, resolve
from core.templates.snapshot import Snapshot, from_folder, from_zip
from tests.core.templates.making import SHORT, body, codes, foreign, render, snapshot, template

SECRET = "a-secret-of-the-portal"
"""Stands in the environment of the portal, and may stand in nothing a template makes."""

BUSY = (
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}"
)


@pytest.fixture(autouse=True)
def a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", SECRET)


def refused(made: Snapshot, problem: str, answers: dict[str, Any] | None = None) -> None:
    """The dialect of the child refuses what it is to render, and says why."""
    with pytest.raises(Invalid, match=problem) as caught:
        render(made, answers)
    assert SECRET not in str(caught.value)


def stopped(made: Snapshot, wall: str, limits: Limits = SHORT, answers: dict[str, Any] | None = None) -> None:
    """The child is stopped at this wall."""
    with pytest.raises(RenderingFailed) as caught:
        render(made, answers, limits)
    assert caught.value.code == wall, caught.value


class TestReachingOut:
    """Reading what does not belong to the template. First wall: the lint. Second wall: the child knows no such thing."""

    @pytest.mark.parametrize(
        "text",
        [
            "{{ '$SECRET_TOKEN' | expandvars }}",
            "{{ '~' | expanduser }}",
            "{{ '/etc/pass*' | fileglob }}",
            "{{ '/etc/..' | realpath }}",
        ],
    )
    def test_filters_that_read_the_environment_or_the_host_do_not_exist(self, text: str) -> None:
        assert codes(template(body=text)) == {"filter"}
        refused(template(body=text), "No filter named")

    @pytest.mark.parametrize(
        "text",
        ["{{ lookup('env', 'SECRET_TOKEN') }}", "{{ environ.SECRET_TOKEN }}", "{{ now() }}", "{{ _copier_conf.settings }}",
         "{{ _copier_python }}", "{{ _external_data.x }}", "{{ make_secret() }}"],
    )  # fmt: skip
    def test_variables_of_the_machine_the_clock_and_chance_do_not_exist(self, text: str) -> None:
        assert codes(template(body=text)) == {"unknown-variable"}
        refused(template(body=text), "is undefined|has no attribute")

    @pytest.mark.parametrize(
        "text",
        ["{% include '/etc/passwd' %}", "{% include '../outside' %}", "{% include 'other.txt' %}", "{% import 'other.txt' as x %}",
         "{% from 'other.txt' import x %}", "{% extends 'other.txt' %}", "{% include name %}"],
    )  # fmt: skip
    def test_no_tag_reads_another_file_not_even_one_of_the_template(self, text: str) -> None:
        made = template("name: {default: /etc/passwd}\n", body=text, other__txt="x")
        assert codes(made) == {"tag"}
        refused(made, "reads another file")

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("{{ ''.__class__.__mro__ }}", "attribute"),
            ("{{ ''['__class__'] }}", "attribute"),
            ("{{ '' | attr('__class__') }}", "filter"),
            ("{{ [''] | map(attribute='__class__') | first }}", "attribute"),
            ("{{ '{0.__class__}'.format('') }}", "format"),
            ("{{ '{x.__class__}'.format_map({'x': ''}) }}", "format"),
            ("{{ range.__globals__ }}", "attribute"),
            ("{{ pathjoin.__globals__ }}", "attribute"),
            ("{{ namespace.__init__.__globals__ }}", "attribute"),
            ("{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}", "attribute"),
        ],
    )
    def test_no_way_leads_from_a_value_to_python(self, text: str, code: str) -> None:
        assert code in codes(template(body=text))
        refused(template(body=text), "unsafe|No filter named|not safely callable|has no attribute")

    def test_the_name_of_an_attribute_in_an_answer_leads_nowhere_either(self) -> None:
        made = template("name: {default: x}\n", body="{{ ''[name] }}{{ [''] | map(attribute=name) | list }}")
        assert codes(made) == set()  # the lint cannot see an answer
        refused(made, "unsafe", {"name": "__class__"})

    def test_code_of_others_is_never_loaded(self) -> None:
        form = "_jinja_extensions: [antigravity.Extension]\n_external_data: {x: /etc/passwd}\nname: {default: x}\n"
        assert codes(template(form)) == {"setting"}
        config = blueprint_of(template(form)).copier_template().files["copier.yml"].content
        assert b"antigravity" not in config  # the configuration that reaches copier is written anew
        assert b"passwd" not in config

    def test_tasks_and_migrations_never_run(self, tmp_path: Path) -> None:
        form = f"_tasks: ['touch {tmp_path}/ran']\n_migrations: [{{version: v1, command: 'touch {tmp_path}/ran'}}]\nname: {{default: x}}\n"
        render(template(form, body="{{ name }}"))
        assert not list(tmp_path.iterdir())
        config = blueprint_of(template(form)).copier_template().files["copier.yml"].content
        assert b"touch" not in config

    def test_yaml_that_makes_objects_is_refused_in_forms_and_stays_text_in_answers(self) -> None:
        with pytest.raises(Invalid, match="tag"):
            define(template("name: !!python/object/apply:os.system ['id']\n"))
        made = template("name: {type: yaml, default: null}\n", body="{{ name }}")
        errors = resolve(made, {"name": "!!python/object/apply:os.system ['id']"}).errors
        assert "is not YAML" in errors["name"]
        assert "alias" in resolve(made, {"name": "[&a x, *a]"}).errors["name"]

    def test_included_yaml_is_refused(self) -> None:
        with pytest.raises(Invalid, match="!include"):
            define(template("x: !include /etc/passwd\n"))

    def test_the_child_knows_nothing_of_the_portals_environment(self) -> None:
        seen: list[bytes] = []

        def watch() -> None:
            end = time.monotonic() + 20
            while not seen and time.monotonic() < end:
                for entry in Path("/proc").glob("[0-9]*"):
                    try:
                        if (
                            b"core.templates" in (entry / "cmdline").read_bytes()
                            and f"PPid:\t{os.getpid()}\n" in (entry / "status").read_text()
                        ):
                            seen.append((entry / "environ").read_bytes())
                    except OSError:
                        continue

        if not Path("/proc/self/environ").exists():
            pytest.skip("only Linux shows the environment of a process")
        watcher = threading.Thread(target=watch)
        watcher.start()
        stopped(template(body=BUSY), "time")
        watcher.join()
        assert seen
        assert SECRET.encode() not in seen[0]
        assert b"PORTAL" not in seen[0]


class TestEscaping:
    """Writing where nothing belongs. First wall: the form of names. Second wall: names are looked at again, rendered."""

    @pytest.mark.parametrize(
        "answer", ["../../up", "/etc/cron.d/x", "a/../../up", "..", "a\\..\\b", ".git/hooks", "p\u0430th", "a\u2215b"]
    )
    def test_an_answer_leads_no_file_out_of_the_project(self, answer: str) -> None:
        made = snapshot({"copier.yml": "name: {default: x}\n", "{{ name }}/f": ""})
        assert check_answers(define(made), {"name": answer}).keys() == {"name"}
        refused(made, "part of a file's name", {"name": answer})

    @pytest.mark.parametrize("answer", ["../../up", "/etc/cron.d/x", ".git/hooks", "a\u2215b\u202e"])
    def test_an_answer_that_is_changed_on_its_way_into_a_name_does_not_either(self, answer: str) -> None:
        made = snapshot({"copier.yml": "name: {default: x}\n", "{{ name | lower }}/f": ""})
        assert check_answers(define(made), {"name": answer}) == {}  # what it becomes shows only when it is rendered
        refused(made, "has a name|lies in a folder of git's own", {"name": answer})

    @pytest.mark.parametrize("name", ["{{ '.' ~ '.' }}", "{{ up }}", "{{ '..' }}"])
    def test_a_name_that_computes_its_way_out_is_refused(self, name: str) -> None:
        made = snapshot({"copier.yml": "x: 1\nup: {default: '../..', when: false}\n", f"{name}/f": ""})
        refused(made, "leaves its folder|part of a file's name")

    def test_copier_itself_would_not_write_outside_either(self) -> None:
        """The look at names is passed by, as if it had been forgotten."""
        blueprint = blueprint_of(snapshot({"copier.yml": "x: 1\n", "{{ '..' }}/{{ '..' }}/f": ""}))
        with walls.private_folder() as folder:
            blueprint.copier_template().write(folder / walls.TEMPLATE)
            request = {
                "definition": blueprint.definition.to_dict(), "envops": {}, "names": [], "answers": {}, "source": "s",
                "commit": "c", "answers_file": "a.yml", "template": str(folder / walls.TEMPLATE),
                "project": str(folder / walls.PROJECT), "limits": {"files": 9, "bytes": 999},
            }  # fmt: skip
            done = walls.run("render", request, folder, SHORT)
            assert "is forbidden" in done["refused"] or "outside" in done["refused"]
            assert {one.name for one in folder.iterdir()} <= {walls.TEMPLATE, walls.PROJECT}

    def test_links_are_refused_in_a_folder_in_an_archive_and_in_what_comes_out(self, tmp_path: Path) -> None:
        (tmp_path / "copier.yml").write_text("_preserve_symlinks: true\nx: 1\n")
        (tmp_path / "passwd").symlink_to("/etc/passwd")
        with pytest.raises(Invalid, match="a symbolic link"):
            from_folder(tmp_path)  # what comes out of rendering is read by the same function
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            entry = zipfile.ZipInfo("passwd")
            entry.create_system, entry.external_attr = 3, 0o120777 << 16
            archive.writestr(entry, "/etc/passwd")
        with pytest.raises(Invalid, match="a symbolic link"):
            from_zip(packed.getvalue())
        config = (
            blueprint_of(template("_preserve_symlinks: true\nx: 1\n")).copier_template().files["copier.yml"].content
        )
        assert b"symlinks" not in config

    def test_settings_lead_nowhere_else(self) -> None:
        for setting in (
            "_subdirectory: ../..",
            "_subdirectory: /etc",
            "_answers_file: ../../x",
            "_answers_file: .git/config",
        ):
            assert codes(template(f"{setting}\nx: 1\n")) == {"setting"}
            with pytest.raises(Invalid):
                render(template(f"{setting}\nx: 1\n"))
        computed = snapshot({"copier.yml": "_subdirectory: \"{{ '..' }}\"\nx: 1\n", "a": ""})
        refused(computed, "forbidden|outside")

    def test_names_that_are_not_utf_8_are_refused_in_folders_and_archives(self, tmp_path: Path) -> None:
        with open(os.fsencode(tmp_path) + b"/\xff.txt", "wb"):
            pass
        with pytest.raises(Invalid, match="not UTF-8"):
            from_folder(tmp_path)
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("aaaa", "x")
        with pytest.raises(Invalid, match="not UTF-8"):
            from_zip(packed.getvalue().replace(b"aaaa", b"\xff\xfe\xfd\xfc"))

    @pytest.mark.parametrize("name", ["READ\u200bME.md", "a\uff0fb", "\u202egpj.exe", "a\u2024\u2024b"])
    def test_names_that_look_like_others_are_refused_as_they_are_and_when_computed(self, name: str) -> None:
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, "x")
        with pytest.raises(Invalid, match=r"look like others|cannot be seen"):
            from_zip(packed.getvalue())
        made = snapshot(
            {
                "copier.yml": f"x: {{default: '{name.encode('unicode_escape').decode()}'}}\n".replace("'", '"'),
                "{{ x | trim }}": "",
            }
        )
        refused(made, "look like others|cannot be seen")


class TestBombs:
    """Using up the machine. First wall: the lint, where it can be seen. Second wall: limits of the child process."""

    def test_loops_in_loops_end_at_the_wall_of_time(self) -> None:
        assert codes(template(body=BUSY)) == {"loop"}
        stopped(template(body=BUSY), "time")

    def test_a_loop_over_an_answer_ends_there_too(self) -> None:
        text = "{% set n = name | int %}{% for a in range(n) %}{% for b in range(n) %}{% for c in range(n) %}{% endfor %}{% endfor %}{% endfor %}"
        made = template("name: {default: 2}\n", body=text)
        assert codes(made) == set()  # the lint cannot see an answer
        stopped(made, "time", answers={"name": 99_999})

    def test_a_range_without_end_is_refused(self) -> None:
        made = template(body="{{ range(1000000000) | list }}")
        assert "loop" in codes(made)
        refused(made, "Range too big")

    @pytest.mark.parametrize(
        "text", ["{{ 'x' * 300000000 }}", "{{ name * 300000000 }}", "{{ [1] * 300000000 }}", "{{ 9 ** 99999999 }}"]
    )
    def test_what_grows_in_one_step_is_refused(self, text: str) -> None:
        assert codes(template(body=text)) == {"size"}
        refused(template(body=text), "something very large")

    @pytest.mark.parametrize(
        "text",
        ["{{ 'x' | center(900000000) }}", "{{ '%900000000d' | format(1) }}",
         "{% set ns = namespace(x='x' * 999) %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}"],
    )  # fmt: skip
    def test_what_grows_in_other_ways_ends_at_the_wall_of_memory(self, text: str) -> None:
        stopped(template(body=text), "memory")

    def test_a_huge_file_ends_at_the_wall_of_size(self) -> None:
        text = "{% for i in range(9) %}{{ 'x' * 999999 }}{% endfor %}"
        stopped(template(body=text), "size")

    def test_many_large_files_end_there_together(self) -> None:
        text = "{% for i in range(4) %}{{ 'x' * 999999 }}{% endfor %}"
        stopped(template(**{f"f{number}__jinja": text for number in range(7)}), "size", Limits())

    def test_too_many_files_end_at_their_wall(self) -> None:
        stopped(template(**{f"f{number}": "" for number in range(30)}), "files", Limits(files=20))

    def test_files_are_counted_from_outside_too(self, tmp_path: Path) -> None:
        """As if the child had stopped counting: what it writes is watched."""
        project = tmp_path / walls.PROJECT
        project.mkdir()
        for number in range(30):
            (project / str(number)).write_text("x")
        request = {"questions": [], "members": {}, "envops": {}, "texts": [
            {"place": "x", "text": "((" * 400_000, "upto": 0, "extra": [], "is_pattern": True}]}  # fmt: skip
        with pytest.raises(RenderingFailed) as caught:
            walls.run("lint", request | {"texts": request["texts"] * 50}, tmp_path, Limits(files=10))
        assert caught.value.code == "files"

    def test_a_macro_that_calls_itself_ends(self) -> None:
        stopped(template(body="{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}"), "depth")

    def test_a_validator_that_never_ends_is_stopped_and_named(self) -> None:
        made = template(f"first: 1\nslow: {{default: a, validator: '{BUSY}'}}\n")
        assert codes(made) == {"loop"}
        with pytest.raises(RenderingFailed, match="'slow'") as caught:
            resolve(made, {}, limits=SHORT)
        assert caught.value.code == "time"

    def test_a_pattern_that_never_ends_is_stopped_and_named(self) -> None:
        files = {path: file.content for path, file in foreign("backstage-service").files.items()}
        files["template.yaml"] = files["template.yaml"].replace(b"^[a-z][a-z0-9-]+$", b"^(a+)+$")
        with pytest.raises(RenderingFailed, match="'component_id'") as caught:
            resolve(snapshot(files), {"component_id": "a" * 29 + "-", "owner": "x"}, limits=SHORT)
        assert caught.value.code == "time"

    def test_a_pattern_in_a_validator_is_stopped_too(self) -> None:
        validator = "{{ name | regex_search('^(a+)+$') }}"
        made = template(f'name: {{default: a, validator: "{validator}"}}\n')
        with pytest.raises(RenderingFailed) as caught:
            resolve(made, {"name": "a" * 40 + "!"}, limits=SHORT)
        assert caught.value.code == "time"

    def test_the_clock_on_the_wall_stops_what_uses_no_processor_time(self) -> None:
        stopped(template(body=BUSY), "time", Limits(seconds=1.5, cpu_seconds=60))

    def test_a_bomb_of_parentheses_is_told_by_the_lint_and_by_rendering(self) -> None:
        made = template(body="{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}")
        assert codes(made) == {"depth"}
        with pytest.raises((Invalid, RenderingFailed)):
            render(made)

    def test_an_archive_that_grows_is_stopped_while_it_is_read(self) -> None:
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(200):
                archive.writestr(str(number), b"\0" * 4_000_000)
        assert len(packed.getvalue()) < 1_000_000
        with pytest.raises(Invalid, match="larger than 20 MB together"):
            from_zip(packed.getvalue())

    def test_yaml_that_grows_is_refused(self) -> None:
        with pytest.raises(Invalid, match="alias"):
            define(template("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"))


class TestSlippingThrough:
    """Being taken for something else."""

    def test_a_template_that_changed_after_its_review_is_refused(self) -> None:
        reviewed = template(body="{{ name }}")
        changed = template(body="{{ name }}!")
        with pytest.raises(Conflict, match="not what was reviewed"):
            from_zip(changed.to_zip(), digest=reviewed.digest)

    @pytest.mark.parametrize(
        "answer", ["{{ 7 * 7 }}", "{% include '/etc/passwd' %}", "{{ ''.__class__ }}", "{# x #}", "${{ x }}"]
    )
    def test_template_code_in_an_answer_stays_text(self, answer: str) -> None:
        made = template("name: {default: x}\nother: {default: '{{ name }}'}\n", body="{{ name }}|{{ other }}")
        assert body(made, {"name": answer}) == f"{answer}|{answer}"

    @pytest.mark.parametrize("name", ["cookiecutter-package", "backstage-service"])
    def test_it_stays_text_in_templates_for_other_renderers(self, name: str) -> None:
        code = "{{ 7 * 7 }}${{ 7 * 7 }}{% raw %}"
        answers = (
            {"component_id": "xy", "owner": code}
            if name == "backstage-service"
            else {"project_short_description": code}
        )
        project = render(foreign(name), answers)
        assert code.encode() in b"".join(file.content for file in project.files.values())

    @pytest.mark.parametrize("key", ["nme", "_src_path", "_commit", "__class__", "_copier_conf", "computed"])
    def test_answers_to_questions_that_are_not_asked_are_refused(self, key: str) -> None:
        made = template("name: {default: x}\ncomputed: {default: x, when: false}\n", body="{{ name }}")
        assert check_answers(define(made), {key: "x"}).keys() == {key}
        refused(made, "The answers are not right", {key: "x"})

    def test_a_question_that_occurs_twice_is_refused(self) -> None:
        for form in ("name: 1\nname: {validator: ''}\n", "name: 1\n---\nname: 2\n"):
            assert codes(template(form)) & {"yaml", "duplicate"}
            with pytest.raises(Invalid, match=r"twice|two documents"):
                render(template(form))

    def test_an_answer_cannot_break_out_of_the_record_of_answers(self) -> None:
        project = render(
            foreign("copier-library"), {"project_name": "x", "project_description": "x\n_src_path: evil\n'\"!!python/x"}
        )
        answers = yaml.safe_load(project.files[".copier-answers.yml"].content)
        assert answers["_src_path"] == "catalog:templates/x"
        assert answers["project_description"].startswith("x\n_src_path: evil")

    def test_nothing_of_this_machine_is_in_a_project(self) -> None:
        project = render(foreign("copier-library"), {"project_name": "churn"})
        everything = b"".join(file.content for file in project.files.values())
        assert b"/tmp" not in everything
        assert os.getcwd().encode() not in everything

    def test_nothing_of_a_child_is_left_over(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        stopped(template(body=BUSY), "time", Limits(seconds=1, cpu_seconds=60))
        assert not list(tmp_path.iterdir())
        processes = subprocess.run(["ps", "-eo", "ppid,args"], capture_output=True, text=True, check=True).stdout
        mine = [line for line in processes.splitlines() if line.split()[0] == str(os.getpid())]
        assert not [line for line in mine if "core.templates" in line]
