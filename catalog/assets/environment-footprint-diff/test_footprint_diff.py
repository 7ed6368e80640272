import pytest
from footprint_diff import compare, normal_name, parse


def test_added_removed_and_changed_packages_are_told_apart():
    result = compare(["numpy==2.0.0", "six==1.16.0"], ["numpy==2.1.0", "torch==2.5.0"])
    assert result.added == {"torch": "==2.5.0"}
    assert result.removed == {"six": "==1.16.0"}
    assert [(one.name, one.before, one.after) for one in result.changed] == [("numpy", "==2.0.0", "==2.1.0")]


def test_a_list_does_not_differ_from_itself_in_another_order_case_or_punctuation():
    one = ["Scikit_Learn==1.5.0", "ruamel.yaml==0.18.6"]
    assert compare(one, ["ruamel-yaml==0.18.6", "scikit-learn==1.5.0  # pinned"]).empty


def test_exchanging_the_lists_mirrors_the_difference():
    one, other = ["a==1.0", "b==2.0"], ["b==1.0", "c==1.0"]
    there, back = compare(one, other), compare(other, one)
    assert (there.added, there.removed) == (back.removed, back.added)
    assert there.changed[0].downgrade
    assert not back.changed[0].downgrade


@pytest.mark.parametrize(
    ("before", "after", "level", "downgrade"),
    [
        ("==1.9.0", "==2.0.0", "major", False),
        ("==1.9.0", "==1.10.0", "minor", False),
        ("==1.9.1", "==1.9.0", "patch", True),
        ("==1.9.0.1", "==1.9.0.2", "patch", False),
        ("==2024.1", "==1!1.0", "major", False),
        ("==1.0rc1", "==1.0", "other", False),
        (">=1.0", "==2.0", "other", False),
        ("==1.*", "==2.0", "other", False),
        ("", "==2.0", "other", False),
    ],
)
def test_a_change_is_graded_by_the_first_number_that_differs(before, after, level, downgrade):
    (change,) = compare([f"p{before}"], [f"p{after}"]).changed
    assert (change.level, change.downgrade) == (level, downgrade)


def test_the_bytes_are_those_of_what_came_less_those_of_what_went():
    result = compare(["a==1", "b==1"], ["b==2", "C==1"], {"a": 100, "b": 10}, {"b": 15, "C": 1000})
    assert result.bytes_added == 1000 + 15 - 100 - 10
    assert result.without_size == ()


def test_an_unknown_size_is_named_and_not_taken_for_zero():
    result = compare(["a==1"], ["a==1", "b==1", "c==1"], {}, {"b": 5})
    assert result.bytes_added is None
    assert result.without_size == ("c",)


def test_sizes_of_packages_that_stay_are_not_asked_for():
    assert compare(["a==1"], ["a==1"]).bytes_added == 0


def test_comments_extras_markers_hashes_and_continued_lines_are_understood():
    lines = [
        "# all of it",
        "",
        'uvicorn[standard] == 0.30.0 ; python_version >= "3.9"',
        "numpy==2.1.0 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def",
        "mylib @ git+https://example.org/mylib.git@v1#egg=mylib",
        "plain",
    ]
    assert parse(lines) == {
        "uvicorn": "== 0.30.0",
        "numpy": "==2.1.0",
        "mylib": "@ git+https://example.org/mylib.git@v1#egg=mylib",
        "plain": "",
    }


@pytest.mark.parametrize("line", ["-r other.txt", "-e .", "--index-url https://example.org", "==1.0", "a b"])
def test_a_line_that_is_no_requirement_is_refused(line):
    with pytest.raises(ValueError, match="is no requirement"):
        parse([line])


def test_two_versions_of_one_package_are_refused():
    with pytest.raises(ValueError, match="occurs as"):
        parse(["a==1", "A==2"])


def test_normal_names_are_stable_under_a_second_pass():
    for name in ("Foo__Bar", "a.-_b", "X"):
        assert normal_name(normal_name(name)) == normal_name(name)
