"""Whatever people do in whatever order: only the steps of the table happen, and the past can be told from the log."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlmodel import select

from core import db
from core.activity.tables import Activity
from core.datasets import queries, states
from core.datasets.tables import DataRequest
from core.errors import PortalError
from tests.core.datasets.house import START, House

Reading = set[tuple[int, str]]


def replayed(until: datetime) -> Reading:
    """Who could read by which grant at a moment, from the events of the log alone."""
    periods: dict[tuple[int, str], tuple[datetime, datetime]] = {}
    with db.reading() as session:
        lines = session.exec(select(Activity).order_by(Activity.seq)).all()  # type: ignore[arg-type]
    for line in lines:
        data: dict[str, Any] = json.loads(line.data)
        if line.event == "data-granted":
            period = (datetime.fromisoformat(data["since"]), datetime.fromisoformat(data["until"]))
            periods |= {(data["grant"], person): period for person in data["people"]}
        elif line.event == "data-revoked":
            for person in data["people"]:
                since, _ = periods[data["grant"], person]
                periods[data["grant"], person] = (since, datetime.fromisoformat(data["at"]))
        elif line.event == "data-expired":
            at = datetime.fromisoformat(data["at"])
            for (grant, person), (since, end) in list(periods.items()):
                if grant == data["grant"]:
                    periods[grant, person] = (since, min(end, at))
    return {key for key, (since, end) in periods.items() if since <= until < end}


class Access(RuleBasedStateMachine):
    """People of the house do anything to any request, at any time."""

    house: House

    @initialize()
    def begin(self) -> None:
        self.requests: list[int] = []
        self.seen: dict[int, str] = {}
        self.moments: list[datetime] = [self.house.clock.at]
        self.auditor = self.house.person("auditor")
        self.everybody = [self.house.ada, self.house.owner, self.house.second]

    @rule(
        who=st.integers(0, 2), other=st.booleans(), days=st.integers(1, 40), production=st.booleans(),
    )  # fmt: skip
    def ask(self, who: int, other: bool, days: int, production: bool) -> None:
        people = tuple(one.ref for one in self.everybody[:2]) if other else ()
        more = {"environment": "production"} if production else {}
        self.requests.append(self.house.ask(self.everybody[who], duration=days, people=people, **more))

    @rule(
        verb=st.sampled_from(["submit", "approve", "reject", "grant", "revoke", "withdraw", "renew"]),
        who=st.integers(0, 2), which=st.integers(0, 30), days=st.integers(1, 40),
    )  # fmt: skip
    def act(self, verb: str, who: int, which: int, days: int) -> None:
        if not self.requests:
            return
        more: dict[str, Any] = {
            "reject": {"reason": "No."}, "revoke": {"reason": "Over."}, "grant": {"evidence": "T-1"},
            "renew": {"duration": days},
        }.get(verb, {})  # fmt: skip
        request_id = self.requests[which % len(self.requests)]
        try:
            made = self.house.do(verb, request_id, actor=self.everybody[who], **more)
        except PortalError:
            return
        if verb == "renew":
            self.requests.append(made.id)

    @rule(hours=st.sampled_from([1, 6, 24, 24 * 5, 24 * 20]), sweeps=st.booleans())
    def time_passes(self, hours: int, sweeps: bool) -> None:
        self.house.clock.forward(hours=hours)
        self.moments.append(self.house.clock.at)
        if sweeps:
            self.house.watch()

    @invariant()
    def only_steps_of_the_table_happened(self) -> None:
        with db.reading() as session:
            now_there = dict(session.exec(select(DataRequest.id, DataRequest.state)).all())
        for request_id, state in now_there.items():
            before = self.seen.get(request_id, "draft")
            assert state == before or reaches(before, state), (before, state)
        self.seen = now_there

    @invariant()
    def nobody_decided_about_their_own(self) -> None:
        with db.reading() as session:
            for one in session.exec(select(DataRequest).where(DataRequest.decided_by != None)):  # noqa: E711
                assert one.decided_by != one.requested_by
                assert str(one.decided_by).removeprefix("person:") not in one.people

    def teardown(self) -> None:
        for moment in self.moments if hasattr(self, "moments") else []:
            for at in (moment, moment - timedelta(minutes=1)):
                with db.reading() as session:
                    found = queries.readers(session, self.auditor, at=at, size=500).items
                assert {(one.grant_id, f"person:{one.person_id}") for one in found} == replayed(at), at


def reaches(before: str, after: str) -> bool:
    """Whether the table leads from one state to another, in one step or several."""
    return any(one == after or reaches(one, after) for one in states.NEXT[before].values())


def test_no_order_of_acts_breaks_the_rules_and_the_log_tells_every_past_moment(house: House) -> None:
    Access.house = house
    house.clock.at = START
    run_state_machine_as_test(
        Access,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
