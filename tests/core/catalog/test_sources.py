"""Collecting definitions from texts, folders and git repositories, whatever they hold."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import git as leashed_git
from core.catalog import sources
from core.catalog.documents import MAX_BYTES, Problem
from core.config import settings
from core.errors import Invalid, Unavailable

SAMPLES = Path(__file__).parent / "samples"
ASSET = """\
apiVersion: factory/v1
kind: asset
metadata: {{name: {name}, namespace: {namespace}, description: Does a thing.}}
spec: {{owner: risk, version: 1.10}}
"""
COMPONENT = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: scorer}
spec: {type: service, lifecycle: production, owner: risk, dependsOn: [component:default/judge]}
"""


def put(folder: Path, path: str, text: str | bytes) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def asset(name: str, namespace: str = "default") -> str:
    return ASSET.format(name=name, namespace=namespace)


def found_in(folder: Path, **given: str) -> tuple[dict[str, list[str]], list[Problem]]:
    """Path → references, and all problems."""
    references, problems = {}, []
    for file in sources.read_folder(folder, **given):  # type: ignore[arg-type]
        definitions, found = file.read()
        references[file.path] = [one.ref for one in definitions]
        problems += found
    return references, problems


# --- texts


def test_one_text_may_hold_our_entries_beside_foreign_ones() -> None:
    definitions, problems = sources.read(asset("ours") + "---\n" + COMPONENT, "all.yaml", readme="# Read me\n")
    assert problems == []
    assert [(one.ref, one.document, one.readme) for one in definitions] == [
        ("asset:default/ours", 1, "# Read me\n"), ("asset:default/scorer", 2, "")
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["services: {web: {image: nginx}}", "- a", "text", "7", "apiVersion: v1\nkind: Pod"])
def test_a_named_text_that_is_no_definition_is_told_what_is_understood(text: str) -> None:
    definitions, problems = sources.read(text, "compose.yaml")
    assert definitions == []
    assert "Understood are entries of ours (apiVersion factory/v1), Backstage" in str(problems[0])


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object:os.system x",
        "!!bool x",
        "? [a]\n: b",
        '"\\0"',
        "a: .nan",
        "x: &a [1]\ny: *a",
        "a: b: c",
        "",
        "\x00",
    ],
)
def test_yaml_that_could_harm_is_a_problem(text: str) -> None:
    definitions, problems = sources.read(text, "x.yaml")
    assert definitions == []
    assert problems


def test_keys_and_versions_are_text_whatever_yaml_makes_of_them() -> None:
    definitions, problems = sources.read(
        asset("x").replace("name: x", "name: x, labels: {on: a, 1: b, ~: c}"), "x.yaml"
    )
    assert problems == []
    assert definitions[0].metadata.labels == {"on": "a", "1": "b", "~": "c"}
    assert definitions[0].raw["spec"]["version"] == "1.10"


def test_of_two_definitions_with_one_reference_the_first_stays_and_the_second_is_named() -> None:
    definitions, problems = sources.read(asset("Thing") + "---\n" + asset("thing"), "x.yaml")
    assert [one.ref for one in definitions] == ["asset:default/Thing"]
    assert "x.yaml, document 2, metadata.name: asset:default/thing is defined in x.yaml, document 1" in str(problems[0])


PIECES = st.sampled_from(
    [":", " ", "\n", "  ", "- ", "{", "}", "[", "]", "'", '"', "&a ", "*a", "!!int ", "!", "|", ">", "#", "---\n", "? ", "~",
     "null", "1", "-1", ".inf", "true", "name", "<<", "=", "\\", "\t", "$text", "azureml:a:1", "{{X}}", "\u2028", "ü", "x" * 400]
)  # fmt: skip
MUTATED = sorted(path for path in SAMPLES.rglob("*") if path.is_file())


def assert_answered(text: str, origin: str) -> None:
    definitions, problems = sources.read(text, origin, default_owner="risk")
    assert all(isinstance(one, Problem) for one in problems)
    assert definitions or problems
    assert all(one.raw["kind"].lower() == one.kind for one in definitions)


@given(st.text(max_size=300) | st.lists(PIECES, max_size=60).map("".join), st.sampled_from(["x.yaml", "MLproject"]))
def test_any_text_is_answered_with_definitions_or_problems(text: str, origin: str) -> None:
    assert_answered(text, origin)


@given(st.data())
def test_any_mutilation_of_a_real_file_is_answered_with_definitions_or_problems(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(MUTATED))
    text = path.read_text("utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 30))
        text = text[:start] + data.draw(PIECES) + text[end:]
    assert_answered(text, path.name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_any_value_in_the_place_of_another_is_answered_with_definitions_or_problems(data: st.DataObject) -> None:
    import yaml

    path = data.draw(st.sampled_from(MUTATED))
    raws = list(yaml.safe_load_all(path.read_text("utf-8")))
    holder: object = data.draw(st.sampled_from(raws))
    while isinstance(holder, dict | list) and holder:
        keys = sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or data.draw(st.booleans()):
            holder[key] = data.draw(JSON)
            break
        holder = holder[key]
    assert_answered(yaml.safe_dump_all(raws, allow_unicode=True), path.name)


# --- folders


def test_a_folder_gives_our_entries_and_foreign_ones_and_passes_over_everything_else(tmp_path: Path) -> None:
    put(tmp_path, "assets/one/entry.yaml", asset("one"))
    put(tmp_path, "assets/one/README.md", "# One\n")
    put(tmp_path, "assets/one/template/catalog-info.yaml", COMPONENT)
    put(tmp_path, "assets/sales.two/entry.yaml", asset("two", "sales"))
    put(tmp_path, "nested/catalog/assets/three/entry.yaml", asset("three"))
    put(tmp_path, "svc/catalog-info.yml", COMPONENT)
    put(tmp_path, "wine/MLproject", "name: wine\n")
    put(tmp_path, "teams.yaml", "- {id: risk, name: Risk}\n")
    put(tmp_path, ".github/workflows/ci.yaml", COMPONENT)
    put(tmp_path, "web/node_modules/x/catalog-info.yaml", COMPONENT)
    put(tmp_path, "compose.yaml", "services: {web: {image: nginx}}\n")
    put(tmp_path, "chart/templates/pod.yaml", "{{- if .Values.x }}\nkind: Pod\n")
    put(tmp_path, "endpoint.yml", (SAMPLES / "azureml/endpoint.yml").read_bytes())
    put(tmp_path, "picture.yaml", b"\xff\xfe\x00")
    references, problems = found_in(tmp_path, default_owner="risk")
    assert problems == []
    assert references == {
        "endpoint.yml": [],
        "assets/one/entry.yaml": ["asset:default/one"],
        "assets/sales.two/entry.yaml": ["asset:sales/two"],
        "nested/catalog/assets/three/entry.yaml": ["asset:default/three"],
        "svc/catalog-info.yml": ["asset:default/scorer"],
        "wine/MLproject": ["asset:default/wine"],
    }


def test_references_hold_across_the_files_of_a_folder(tmp_path: Path) -> None:
    put(tmp_path, "a/catalog-info.yaml", COMPONENT)
    put(tmp_path, "b/catalog-info.yaml", COMPONENT.replace("scorer", "judge").replace("service", "ml-model"))
    definitions = [one for file in sources.read_folder(tmp_path) for one in file.read()[0]]
    assert [one.ref for one in definitions] == ["asset:default/scorer", "model:default/judge"]
    assert definitions[0].raw["spec"]["dependsOn"] == ["model:default/judge"]


def test_an_entry_of_ours_must_stand_in_its_place(tmp_path: Path) -> None:
    put(tmp_path, "assets/wrong/entry.yaml", asset("right", "sales"))
    put(tmp_path, "assets/typo/entry.yaml", asset("typo").replace("factory/v1", "factry/v1"))
    _, problems = found_in(tmp_path)
    assert ["Write 'apiVersion: factory/v1'" in str(problems[0]), problems[1].hint] == [
        True, "Move it to assets/sales.right/entry.yaml."
    ]  # fmt: skip


@pytest.mark.parametrize("folder", ["a.b", "default.a.b"])
def test_a_name_with_a_dot_may_stand_alone_or_after_its_namespace(tmp_path: Path, folder: str) -> None:
    put(tmp_path, f"assets/{folder}/entry.yaml", asset("a.b"))
    assert found_in(tmp_path) == ({f"assets/{folder}/entry.yaml": ["asset:default/a.b"]}, [])


def test_the_fingerprint_changes_with_the_file_and_with_its_readme_and_with_nothing_else(tmp_path: Path) -> None:
    def digest() -> str:
        return next(sources.read_folder(tmp_path)).digest

    file = put(tmp_path, "assets/one/entry.yaml", asset("one"))
    seen = [digest()]
    put(tmp_path, "assets/one/README.md", "# One\n")
    seen.append(digest())
    os.utime(file, (0, 0))
    put(tmp_path, "assets/one/one.py", "x = 1\n")
    assert digest() == seen[-1]
    put(tmp_path, "assets/one/entry.yaml", asset("one") + "# changed\n")
    seen.append(digest())
    assert len(set(seen)) == 3


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path, "outside/assets/secret/entry.yaml", asset("secret"))
    folder = tmp_path / "folder"
    put(folder, "assets/one/entry.yaml", asset("one"))
    put(tmp_path, "secret.md", "secret")
    (folder / "assets/one/README.md").symlink_to(tmp_path / "secret.md")
    (folder / "assets/secret").symlink_to(outside.parent)
    (folder / "linked.yaml").symlink_to(outside)
    files = list(sources.read_folder(folder))
    assert [file.path for file in files] == ["assets/one/entry.yaml"]
    assert files[0].read()[0][0].readme == ""


def test_a_file_that_cannot_be_taken_is_a_problem_and_the_others_come_in(tmp_path: Path) -> None:
    put(tmp_path, "assets/big/entry.yaml", asset("big") + "#" * MAX_BYTES)
    put(tmp_path, "assets/latin/entry.yaml", asset("latin").encode() + b"# \xe9\n")
    put(tmp_path, "assets/one/entry.yaml", asset("one"))
    put(tmp_path, "broken.yaml", "apiVersion: backstage.io/v1alpha1\nkind: {{ kind }}: x\n")
    put(tmp_path, "svc/catalog-info.yaml", COMPONENT)
    put(tmp_path, "svc/README.md", "\x1b[31mred")
    references, problems = found_in(tmp_path)
    assert [refs for refs in references.values() if refs] == [["asset:default/one"], ["asset:default/scorer"]]
    assert [str(one).split(":")[0] for one in problems] == [
        "broken.yaml, document 1", "assets/big/entry.yaml, document 1", "assets/latin/entry.yaml, document 1",
        "svc/catalog-info.yaml, document 1, README.md",
    ]  # fmt: skip


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 2)
    for number in range(3):
        put(tmp_path, f"{number}.yaml", "a: b")
    with pytest.raises(Invalid, match="more than 2 YAML files"):
        list(sources.read_folder(tmp_path))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="not a folder"):
        list(sources.read_folder(tmp_path / "nowhere"))


# --- git


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Sam", "-c", "user.email=sam@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    shutil.copytree(SAMPLES / "backstage", folder)
    put(folder, "data/big.bin", os.urandom(1000))
    put(folder, "README.md", "# Churn\n")
    put(folder, ".gitattributes", "*.yaml filter=lfs\n")
    (folder / "link.yaml").symlink_to("/etc/passwd")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_local_repository_gives_its_definition_files_and_nothing_else(repository: Path, prefix: str) -> None:
    with sources.fetch_git(f"{prefix}{repository}", local=True) as folder:
        there = {path.name for path in folder.iterdir()}
        references, _ = found_in(folder)
        assert not (folder / "link.yaml").is_symlink()
    assert "data" not in there
    assert "README.md" in there
    assert "asset:default/churn-features" in references["catalog-info.yaml"]
    assert "link.yaml" not in references
    assert not folder.exists()


def test_hooks_and_submodules_of_a_repository_do_nothing(repository: Path, tmp_path: Path) -> None:
    put(repository, ".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = file:///nowhere\n')
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "a submodule")
    hook = put(repository, ".git/hooks/post-checkout", f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    with sources.fetch_git(str(repository), local=True) as folder:
        assert (folder / "catalog-info.yaml").is_file()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("http://github.com/a/b", "not an https URL"),
        ("ssh://github.com/a/b", "not an https URL"),
        ("ext::sh -c touch% /tmp/x", "not an https URL"),
        ("--upload-pack=touch /tmp/x", "not an https URL"),
        ("file:///etc", "not an https URL"),
        ("/etc", "not an https URL"),
        ("git@github.com:a/b.git", "not an https URL"),
        ("https://github.com/a b", "not an https URL"),
        ("https://github.com/a\nb", "not an https URL"),
        ("https://[github.com/a", "not a URL"),
        ("https://github.com:99999/a", "not a URL"),
        ("https://evil.example.com/a/b", "not admitted"),
        ("https://github.com.evil.example.com/a/b", "not admitted"),
        ("https://github.com:8443/a/b", "not admitted"),
        ("https://127.0.0.1/a/b", "not admitted"),
        ("https:///a/b", "not admitted"),
        ("https://token@github.com/a/b", "carries credentials"),
        ("https://sam:secret@github.com/a/b", "carries credentials"),
        ("https://github.com\\@evil.example.com/a/b", "carries credentials"),
        ("https://github.com/a/b?access_token=secret", "carries credentials"),
    ],
)
def test_only_https_to_admitted_hosts_without_credentials_is_fetched(location: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as refusal, sources.fetch_git(location):
        pass
    assert "secret" not in str(refusal.value)


def test_a_local_location_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="not a repository"), sources.fetch_git(str(tmp_path / "none"), local=True):
        pass


def test_a_folder_that_is_no_repository_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"), sources.fetch_git(str(tmp_path), local=True):
        pass


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, threading.Event]]:
    """A host that accepts connections and never answers; the event tells when a caller hung up."""
    hung_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):  # the caller may be ended before it calls, or in the middle of a word
                connection, _ = server.accept()
                while connection.recv(4096):
                    pass
            hung_up.set()

        threading.Thread(target=serve, daemon=True).start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("PORTAL_GIT_HOSTS", host)
        settings.cache_clear()
        yield f"https://{host}/team/repository.git", hung_up
    settings.cache_clear()


def test_a_host_that_never_answers_is_given_up_and_no_process_stays(silent_server: tuple[str, threading.Event]) -> None:
    url, hung_up = silent_server
    with pytest.raises(Unavailable, match="did not answer in time"), sources.fetch_git(url, timeout=1.0):
        pass
    assert hung_up.wait(10)


def test_a_repository_that_grows_too_large_is_given_up(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leashed_git, "MAX_BYTES", -1)
    with pytest.raises(Unavailable, match="too large"), sources.fetch_git(str(repository), local=True):
        pass


def test_without_git_the_refusal_says_so(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="git cannot be started"), sources.fetch_git(str(repository), local=True):
        pass
