import pytest
from model_card_writer import SECTIONS, is_empty, write


@pytest.fixture
def content():
    return {
        "details": {"name": "churn-scorer", "version": "3", "owner": "retention team"},
        "intended_use": "Rank customers for a call. Not for pricing.",
        "factors": ["region", "tenure"],
        "metrics": [{"name": "AUC", "value": 0.81234567, "dataset": "d41d", "rows": 4000, "interval": [0.79, 0.83]}],
        "evaluation_data": "Second half of 2025, all regions.",
        "training_data": "First half of 2025.",
        "quantitative_analyses": [{"factor": "region north", "AUC": 0.8}, {"factor": "region south", "AUC": 0.78}],
        "ethical_considerations": "No sensitive column is an input.",
        "caveats": "Not tested on business customers.",
    }


def test_a_full_card_has_every_section_and_misses_nothing(content):
    card = write(content)
    assert card.complete
    assert [line[3:] for line in card.markdown.splitlines() if line.startswith("## ")] == [
        title for title, _ in SECTIONS.values()
    ]


def test_an_empty_card_misses_every_section_and_says_what_each_asks():
    card = write({})
    assert card.missing == tuple(SECTIONS)
    assert card.markdown.count("*Not documented. Say ") == len(SECTIONS)
    assert "## Not yet documented" in card.markdown


@pytest.mark.parametrize("section", SECTIONS)
def test_leaving_out_a_section_names_exactly_that_section(content, section):
    del content[section]
    assert write(content).missing == (section,)


@pytest.mark.parametrize("placeholder", ["TBD", " todo ", "n/a", "", None, [], {}, [""], {"a": "?"}])
def test_a_placeholder_counts_as_missing(content, placeholder):
    content["caveats"] = placeholder
    assert write(content).missing == ("caveats",)


def test_a_metric_without_interval_or_rows_is_reported_by_its_place(content):
    content["metrics"].append({"name": "F1", "value": 0.0, "dataset": "d41d"})
    assert write(content).missing == ("metrics[1].rows", "metrics[1].interval")


def test_zero_and_false_are_values_and_not_gaps():
    assert not is_empty(0)
    assert not is_empty(0.0)
    assert not is_empty(False)


def test_details_without_an_owner_are_incomplete(content):
    content["details"]["owner"] = "TBD"
    assert write(content).missing == ("details.owner",)


def test_a_list_of_mappings_becomes_a_table_with_the_union_of_their_keys(content):
    content["quantitative_analyses"] = [{"group": "a", "AUC": 0.8}, {"group": "b", "rows": 10}]
    markdown = write(content).markdown
    assert "| group | AUC | rows |\n| --- | --- | --- |\n| a | 0.8 | not documented |\n" in markdown


def test_numbers_are_rounded_and_intervals_stay_on_one_line(content):
    assert "| AUC | 0.8123 | d41d | 4000 | 0.79, 0.83 |" in write(content).markdown


def test_text_can_break_neither_the_table_nor_the_page(content):
    content["metrics"][0]["name"] = "a|b\nc"
    content["caveats"] = "# Fake heading\n<script>alert(1)</script>"
    markdown = write(content).markdown
    assert "a\\|b c" in markdown
    assert "<script>" not in markdown
    assert "\n# Fake" not in markdown


def test_a_misspelt_section_is_refused_with_the_nearest_name(content):
    content["intended_uses"] = content.pop("intended_use")
    with pytest.raises(ValueError, match="did you mean 'intended_use'"):
        write(content)


@pytest.mark.parametrize(("section", "value"), [("metrics", {"AUC": 0.8}), ("metrics", "AUC 0.8"), ("details", "x")])
def test_a_section_of_the_wrong_shape_is_refused(content, section, value):
    content[section] = value
    with pytest.raises(ValueError, match=f"{section} must be"):
        write(content)
