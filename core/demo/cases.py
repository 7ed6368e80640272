"""What the demo's people say in the review cases of their models: data alone.

Answers are invented like the organisation itself, and hold no figure that a run measures. What nobody did, because
nothing serves in the demo, is said not to apply, with that reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

PIN = "try-7351"
"""The signing PIN of everybody in the demo: no secret, so that whoever tries the portal can sign as any of them."""

CHECKLIST = "checklist:default/model-release"

_NOTHING_SERVES = (
    "Nothing serves in the demo organisation: its versions are trained and evaluated, and no image loads them."
)
_PUBLIC = (
    "The data set ships with scikit-learn and was published for teaching and research, which covers training a model and "
    "showing what it does. Nothing of the factory's own people is read. Before anybody's real data take its place, purpose "
    "and basis are recorded anew, and this answer ends."
)
_CLASSES = "The model selects patients and gives no numbers; MOD-13 and MOD-14 compare what it does."
_NO_CLASSES = "The model gives a number and selects nobody; MOD-26 compares its errors."
_NO_CHANCES = "The model gives a number and no probability, so there is none to calibrate."


@dataclass(frozen=True)
class Story:
    """One case: on the version with ``alias``, by its ``owner``, and what becomes of it once it is in review.

    ``days_ago`` answers items that ask for a day. Where ``ending`` is ``stays``, a reviewer says ``words`` on ``item``;
    where it is ``changes``, a model validator asks for them with these words; where it is ``conditions``, the model
    validator approves with the condition ``words``, which the check ``item`` judges.
    """

    project: str
    alias: str
    owner: str
    ending: Literal["stays", "changes", "conditions"]
    item: str
    words: str
    answers: Mapping[str, Any]
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    days_ago: Mapping[str, int] = field(default_factory=dict)


_COMMON: dict[str, Any] = {
    "MOD-7": _PUBLIC,
    "MOD-16": "a format that holds no code, such as skops, ONNX or safetensors",
}
_UNTRIED = {"MOD-19": _NOTHING_SERVES, "MOD-21": _NOTHING_SERVES}

STORIES = (
    Story(
        "intake-origin", "champion", "Mateo Fernández", "conditions", "ece",
        "Calibrate the probabilities on rows of their own; until then the laboratory is shown the origin alone.",
        _COMMON | {
            "MOD-1": "Decides which deliveries the laboratory looks at first. It is not meant to refuse a delivery: that "
                     "stays with the process engineer. No person is affected.",
            "MOD-2": "The origin on the papers was confirmed by the laboratory for these rows. Mixed deliveries are not among "
                     "them and may be told apart badly.",
            "MOD-24": 0.9,
            "MOD-11": "The smallest of the three origins; it was looked at by hand, and none of its rows was taken for another.",
            "MOD-15": "The process engineer may overrule every answer and stop the screening within minutes; each overruling "
                      "is counted, and a week without one is looked into.",
            "MOD-22": "One laboratory first, for two weeks; it stops when the engineer overrules one delivery in ten.",
        },
        _UNTRIED, {"MOD-17": 9},
    ),
    Story(
        "follow-up-priority", "champion", "Freja Lindqvist", "stays", "MOD-13",
        "One group is hardly ever called, and its whole interval lies below the limit. Before anybody signs: where did the "
        "follow-ups of this group get lost? The challenger, trained with weights, is worth a case of its own.",
        _COMMON | {
            "MOD-1": "Ranks patients with diabetes for follow-up calls. Nurses make the calls, talk to the patient and decide "
                     "what follows. It is not meant to leave anybody uncalled, to end a treatment or to be shown to insurers. "
                     "Patients are affected by how soon they are called, nurses by the order of their day.",
            "MOD-2": "Progression above the median stands for need. It may miss patients whose follow-up was never recorded.",
            "MOD-3": "https://clinic.factory.example/notices/follow-up-calls",
            "MOD-24": 0.6,
            "MOD-11": "Patients of one sex code whose disease progresses quickly: MOD-13 and MOD-14 show it on rows that were "
                      "not trained on. The team does not call it acceptable. It suspects that many of their follow-ups were "
                      "never recorded, asks the reviewers for advice, and shows the challenger beside it.",
            "MOD-28": "Equal opportunity: whoever needs the call should get it, whatever the group. Two nurses and the "
                      "patients' council were asked and agreed. Equal selection alone would not see who is missed, and equal "
                      "probabilities would not see it either where one group was recorded less often than the other.",
            "MOD-15": "Nurses may call in any order and say why in one word; the head nurse may switch the ranking off for a "
                      "ward at once, without asking anybody. Once a month a list in random order is mixed in, and whoever "
                      "follows it without a remark is asked whether there is time enough to look.",
            "MOD-22": "One ward first, for four weeks; it stops when two patients in need were called last.",
        },
        _UNTRIED | {"MOD-26": _CLASSES}, {"MOD-17": 6},
    ),
    Story(
        "progression-forecast", "champion", "Linh Nguyen", "changes", "MOD-24",
        "The interval of the error reaches beyond this target, so these rows do not show that it is met. Say with whom the "
        "target was agreed, and whether planning still works at the upper end; or evaluate on more rows.",
        _COMMON | {
            "MOD-1": "Plans how many follow-up appointments the clinic holds free a year ahead, per month and in sum. It is "
                     "not meant for deciding about the treatment of one patient, nor for telling anybody how their disease "
                     "will go. Patients are affected through waiting times, and staff through the plan.",
            "MOD-2": "Progression after a year stands for the care that will be needed; other illnesses are not seen.",
            "MOD-24": 55,
            "MOD-11": "Patients whose disease progresses fastest: their progression is forecast too low, as linear models do at "
                      "the end of their range. Planners see it in the plot of errors, add a margin for these months, and "
                      "accept it because a free appointment costs less than a patient who waits.",
            "MOD-28": "Equal errors: appointments should fall short for no group, so the mean errors of the groups are "
                      "compared. The clinic's planners were asked. Ratios of selection do not fit, because nobody is "
                      "selected, and calibration does not, because the model states no probability of anything.",
            "MOD-15": "Planners may set the forecast aside for any month, without asking, and write down why; the "
                      "biostatistician reads these notes every week. When a quarter passes without a single note, she asks "
                      "whether the forecast is still looked at, and repeats the training that new planners get.",
            "MOD-22": "One clinic first, for a quarter; it stops when appointments run short in two weeks of a month.",
        },
        _UNTRIED | {"MOD-12": _NO_CHANCES} | dict.fromkeys(("MOD-13", "MOD-14", "MOD-27"), _NO_CLASSES),
        {"MOD-17": 15},
    ),
)  # fmt: skip
