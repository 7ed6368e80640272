"""States, verdicts and decisions of review cases as icon, word and colour."""

from __future__ import annotations

from core.reviews.queries import ItemView
from pages.parts import badges

STATES = {
    "draft": ("Draft", ":material/draft:", "gray"),
    "submitted": ("Submitted, waits for reviewers", ":material/hourglass_top:", "blue"),
    "in review": ("In review", ":material/rate_review:", "blue"),
    "changes requested": ("Changes requested", ":material/edit_note:", "orange"),
    "approved": ("Approved", ":material/verified:", "green"),
    "approved with conditions": ("Approved with conditions", ":material/rule:", "green"),
    "rejected": ("Rejected", ":material/thumb_down:", "red"),
    "withdrawn": ("Withdrawn", ":material/undo:", "gray"),
    "suspended": ("Suspended", ":material/pause_circle:", "red"),
    "revoked": ("Revoked", ":material/block:", "red"),
    "expired": ("Expired", ":material/event_busy:", "orange"),
    "superseded": ("Superseded", ":material/update:", "gray"),
}
STATUSES = {
    "pass": ("passes", ":material/check_circle:", "green"),
    "fail": ("fails", ":material/cancel:", "red"),
    "inconclusive": ("inconclusive", ":material/help:", "orange"),
    "missing": ("evidence missing", ":material/do_not_disturb_on:", "orange"),
    "answered": ("answered", ":material/check:", "green"),
    "open": ("open", ":material/radio_button_unchecked:", "gray"),
    "carried": ("carried over, to be attested", ":material/redo:", "orange"),
    "not applicable": ("said not to apply", ":material/remove_circle:", "gray"),
    "waived": ("waived", ":material/gpp_maybe:", "orange"),
}
DECISIONS = {
    "submit": "Submit",
    "approve": "Approve",
    "approve with conditions": "Approve with conditions",
    "reject": "Reject",
}
DECIDED = {
    "submit": "submitted it",
    "approve": "approved it",
    "approve with conditions": "approved it with conditions",
    "reject": "rejected it",
}


def state(name: str) -> str:
    """A state as a badge."""
    return badges.text(*STATES[name])


def status(view: ItemView) -> str:
    """How an item stands as a badge."""
    return badges.text(*STATUSES[view.status])


def verdict(name: str, count: int) -> str:
    """How many checks found this, as a badge."""
    _, icon, colour = STATUSES[name]
    return badges.text(f"{count} {_COUNTED[name]}", icon, colour)


_COUNTED = {"fail": "failing", "inconclusive": "inconclusive", "missing": "without evidence"}
