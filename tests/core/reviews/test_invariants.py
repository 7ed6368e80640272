"""The invariants of the design under everything that people may try, in any order, at any time, on the real store.

A machine acts through the public verbs alone; after each step an oracle that asks no guard looks at log and rows. Then
guards are taken away one by one, and the machine has to notice each time.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlmodel import Session, col, select

from core import db
from core.access.policy import Actor
from core.checks import registry
from core.checks.findings import Finding
from core.errors import PortalError
from core.evidence import keeping
from core.evidence.tables import CiFact, EvidenceCheck, EvidenceSnapshot
from core.people import actions as people
from core.reviews import (
    answering,
    assigning,
    conditions,
    deciding,
    ending,
    opening,
    pins,
    pool,
    requesting,
    signatures,
    signing,
    states,
    waivers,
    watching,
)  # fmt: skip
from core.reviews.items import FrozenItem
from core.reviews.standing import last_answers
from core.reviews.tables import Condition, ReviewCase, Waiver
from tests.conftest import SYSTEM, actor_now, forget_settings
from tests.core.datasets.house import START, Clock, Make
from tests.core.reviews.bank import PEOPLE, PIN, QUORUM, Bank, build
from tests.core.reviews.clock import stopped
from tests.core.reviews.oracle import Oracle

STEPS = 10_000
PER_RUN = 80
NAMES = tuple(PEOPLE)
VERDICTS = ("pass", "fail", "inconclusive")
BETWEEN = ("", "", "", "a reviewer agrees", "something is waived", "CI names the next signer", "MLflow is not asked")
ITEMS = (
    FrozenItem("DATA-1", "Data", "The data are known", "Where from?", "text", blocking=True),
    FrozenItem("FAIR-1", "Fairness", "Groups fare alike", "", "metric", check="fair", blocking=True),
    FrozenItem("SAFE-1", "Safety", "Somebody can stop it", "Who?", "text", blocking=True),
)
MUCH = st.integers(0, 10**6)
WHO = st.none() | st.sampled_from(NAMES)
"""Anybody, or whoever may: a machine that is only ever refused comes to nothing."""


ACTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {}
WEIGHED: list[str] = []


def act(often: int = 2, **arguments: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Something that people do, with what it may be done with, ``often`` in comparison with other acts.

    Not a rule of its own: of those, hypothesis leaves out a good part in each run, and without everybody's part nothing
    comes to its end.
    """

    def register(method: Callable[..., None]) -> Callable[..., None]:
        ACTS[method.__name__] = st.fixed_dictionaries(arguments)
        WEIGHED.extend([method.__name__] * often)
        return method

    return register


class Listed(NamedTuple):
    """What the machine looks at of a case."""

    id: int
    state: str
    version: str
    snapshot_id: int | None


class Reviews(RuleBasedStateMachine):
    """Everybody of the bank does anything to any case, whether they may or not."""

    template: ClassVar[Path]
    folder: ClassVar[Path]
    world: ClassVar[Bank]
    steps: ClassVar[int] = 0
    reached: ClassVar[Counter[str]] = Counter()

    @initialize()
    def begin(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)
        forget_settings()
        self.bank = self.world
        self.bank.clock.at = START
        self.oracle = Oracle(self.bank.clock)
        self.oracle.look()
        self.forms: list[tuple[str, str, int]] = []
        self.away = ""

    @rule(data=st.data())
    def do(self, data: st.DataObject) -> None:
        """Do one of all the acts below."""
        chosen = data.draw(st.sampled_from(WEIGHED))
        getattr(self, chosen)(**data.draw(ACTS[chosen]))

    # --- the small ways ----------------------------------------------------------------------------------------------

    def cases(self) -> list[Listed]:
        listed = select(ReviewCase.id, ReviewCase.state, ReviewCase.version, ReviewCase.snapshot_id)
        with db.reading() as session:
            return [Listed(*row) for row in session.execute(listed.order_by(col(ReviewCase.id)))]

    def case(self, which: int, *wanted: str) -> Listed:
        """One of the cases: mostly one in a ``wanted`` state, where there is one."""
        found = self.cases()
        fitting = [one for one in found if one.state in wanted] if which % 5 else []
        return (fitting or found)[which % len(fitting or found)]

    def waited_for(self, case: Listed, which: int) -> str:
        """Somebody whose signature the case waits for, or anybody."""
        with db.reading() as session:
            waited = assigning.waited_for(session, case)
        names = [name for name in NAMES if self.bank.who[name].id in waited] or NAMES
        return names[which % len(names)]

    def actor(self, name: str) -> Actor:
        """A person as an edge has them; whoever is away keeps acting as if their page were still open."""
        return self.bank.who[name]

    def attempt(self, verb: Callable[..., Any], name: str, **more: Any) -> Any:
        """Do it if one may; nothing of it stays if one may not."""
        try:
            return self.bank.do(verb, self.actor(name), **more)
        except PortalError:
            return None
        finally:
            self.look()

    def look(self) -> None:
        type(self).steps += 1
        self.oracle.look()

    def _verify(self, case: Listed) -> None:
        if case.snapshot_id is not None:
            keeping.verify(case.snapshot_id)

    # --- the team ----------------------------------------------------------------------------------------------------

    @act(1, version=st.sampled_from("123"), high=st.booleans(), applies=st.booleans())
    def open(self, version: str, high: bool, applies: bool) -> None:
        if sum(one.state in states.OPEN for one in self.cases()) < 4:
            open_case(self.bank, version, high=high, applies=applies)
        self.look()

    @act(
        who=st.sampled_from(["olga", "mo", "vera"]),
        which=MUCH,
        item=st.sampled_from(["DATA-1", "SAFE-1"]),
        na=st.booleans(),
    )
    def answer(self, who: str, which: int, item: str, na: bool) -> None:
        case = self.case(which, *states.WITH_OWNER)
        with db.reading() as session:
            last = last_answers(session, case.id).get(item)
        revision = last.revision if last else 0
        words = said(na, f"Known {which}.")
        self.attempt(answering.answer, who, case_id=case.id, item_id=item, revision=revision, **words)

    @act(who=st.sampled_from(["olga", "mo"]), which=MUCH, verdict=st.sampled_from(["pass", "pass", "fail", "inconclusive"]),
          ran=st.sampled_from([None, None, "mo", "vera", "viktor"]))  # fmt: skip
    def attach(self, who: str, which: int, verdict: str, ran: str | None) -> None:
        case = self.case(which, *states.WITH_OWNER)
        with db.writing() as session:
            snapshot = copy(self.bank, session, case.version, verdict, [self.bank.who[ran].name] if ran else [])
        self.attempt(opening.attach, who, case_id=case.id, snapshot_id=snapshot.id)

    @act(1, which=MUCH, who=st.sampled_from(["vera", "viktor", "rita"]))
    def tell_who_committed(self, which: int, who: str) -> None:
        self._committed(self.case(which), who)

    def _committed(self, case: Listed, who: str) -> None:
        """CI tells, perhaps after a signature, that a reviewer committed."""
        with db.writing() as session:
            fact = CiFact(
                model="churn", version=case.version, repository="r", commit="c", workflow="w",
                committers=[self.bank.who[who].name], told_by=SYSTEM.ref,
            )  # fmt: skip
            session.add(fact)
        self.look()

    @act(1, who=st.sampled_from(["olga", "mo", "rita"]), which=MUCH)
    def withdraw(self, who: str, which: int) -> None:
        self.attempt(requesting.withdraw, who, case_id=self.case(which).id, reason="No longer needed.")

    # --- signing -----------------------------------------------------------------------------------------------------

    @act(3, who=WHO, which=MUCH, decision=st.sampled_from(list(deciding.MEANINGS)), days=st.integers(-1, 40))
    def prepare(self, who: str | None, which: int, decision: str, days: int) -> None:
        case = self.case(which, *(states.WITH_OWNER if decision == "submit" else ["in review"]))
        signer = who or ("olga" if decision == "submit" else self.waited_for(case, which))
        form = self._prepare(signer, case, decision, days)
        if form is not None:
            self.forms.append((signer, form.nonce, case.id))

    def _prepare(self, who: str, case: Listed, decision: str, days: int = 10) -> Any:
        details: dict[str, Any] = {"reason": "Seen."}
        if decision == "approve with conditions":
            due = (self.bank.clock() + timedelta(days=days)).date()
            condition = {"text": "Explain.", "owner": self.bank.mo.ref, "due_on": due, "environments": ["test"]}
            details["conditions"] = [condition]
        meaning = deciding.MEANINGS[decision][0]
        return self.attempt(signing.prepare, who, case_id=case.id, meaning=meaning, decision=decision, details=details)

    @act(
        3,
        which=MUCH,
        who=WHO,
        pin=st.sampled_from([PIN, PIN, "wrong"]),
        compared=st.booleans(),
        waits=st.sampled_from([0, 0, 3, 11]),
    )
    def sign(self, which: int, who: str | None, pin: str, compared: bool, waits: int) -> None:
        """Use any form that was ever made, mostly as its own person."""
        if not self.forms:
            return
        owner, nonce, case_id = self.forms[-1 - which % min(len(self.forms), 5)]
        self.bank.clock.forward(minutes=waits)
        if compared:
            self._verify(next(one for one in self.cases() if one.id == case_id))
        self.attempt(signing.sign, who or owner, nonce=nonce, pin=pin)

    @act(
        2,
        which=MUCH,
        decision=st.sampled_from(["approve", "approve with conditions", "reject"]),
        pin=st.sampled_from([PIN, PIN, "wrong"]),
    )
    def go_on(self, which: int, decision: str, pin: str) -> None:
        """Whoever has the ball does what is next."""
        self._next(self.case(which, *states.WITH_OWNER, "in review"), which, decision, pin)

    @act(3, which=MUCH, conditions_=st.booleans(), again=st.booleans(), between=st.sampled_from(BETWEEN))
    def go_through(self, which: int, conditions_: bool, again: bool, between: str) -> None:
        """A case, perhaps one that was suspended, goes all the way, as most do; perhaps something comes between."""
        chosen = self.case(which, "suspended") if again else self.case(which, *states.WITH_OWNER, "in review")
        if chosen.state == "suspended":
            self.attempt(ending.reopen, "rita", case_id=chosen.id, reason="It was noise.")
        for turn in range(3):
            case = next(one for one in self.cases() if one.id == chosen.id)
            if turn == 2 and between:
                self._come_between(case, between)
            self._next(case, turn, "approve with conditions" if conditions_ and turn == 2 else "approve")
        if conditions_ and which % 2:
            for name in ("vera", "viktor", "rita", "rob"):  # whoever of them has signed
                self.meet_a_condition(name, 0)

    def _come_between(self, case: Listed, what: str) -> None:
        """Something that changes what the first signer saw, before the second one signs."""
        if what == "a reviewer agrees":
            self._agree(self.waited_for(case, 0), case, "SAFE-1")
        elif what == "CI names the next signer":
            self._committed(case, self.waited_for(case, 2))
        elif what == "MLflow is not asked":
            self.bank.clock.forward(minutes=3)
            self._sign_straight(self.waited_for(case, 2), case, "approve", compared=False)
        else:
            more = {"case_id": case.id, "item_id": "DATA-1", "wish": self.bank.wish()}
            asked = self.attempt(waivers.request, "olga", **more)
            if asked is not None:
                self.attempt(waivers.approve, "max", waiver_id=asked.id)

    def _next(self, case: Listed, which: int, decision: str, pin: str = PIN) -> None:
        if case.state in states.WITH_OWNER:
            self._sign_straight("olga", case, "submit", pin)
        elif case.state == "in review":
            self._sign_straight(self.waited_for(case, which), case, decision, pin)

    def _sign_straight(self, who: str, case: Listed, decision: str, pin: str = PIN, *, compared: bool = True) -> None:
        form = self._prepare(who, case, decision)
        if form is None:
            return
        if compared:
            self._verify(case)
        self.attempt(signing.sign, who, nonce=form.nonce, pin=pin)

    @act(who=WHO, which=MUCH, items=st.sets(st.sampled_from(["DATA-1", "FAIR-1", "SAFE-1", "MOON-1"]), max_size=2))
    def ask_for_changes(self, who: str | None, which: int, items: set[str]) -> None:
        case = self.case(which, "in review")
        self.attempt(
            requesting.request_changes, who or self.waited_for(case, which), case_id=case.id,
            items=dict.fromkeys(items, "Say more."),
        )  # fmt: skip

    @act(3, who=WHO, which=MUCH, item=st.sampled_from(["DATA-1", "SAFE-1"]))
    def agree(self, who: str | None, which: int, item: str) -> None:
        case = self.case(which, "in review")
        self._agree(who or self.waited_for(case, which), case, item)

    def _agree(self, who: str, case: Listed, item: str) -> None:
        with db.reading() as session:
            last = last_answers(session, case.id).get(item)
        revision = last.revision if last else 0
        self.attempt(answering.agree, who, case_id=case.id, item_id=item, revision=revision)

    # --- seats -------------------------------------------------------------------------------------------------------

    @act(who=WHO, which=MUCH, whom=st.sampled_from(NAMES), role=st.sampled_from(list(QUORUM)), away=st.booleans())
    def seat(self, who: str | None, which: int, whom: str, role: str, away: bool) -> None:
        more = {"case_id": self.case(which, "submitted", "in review").id, "person_id": self.bank.who[whom].id}
        if away:
            self.attempt(assigning.release, who or whom, **more, reason="Busy.")
        else:
            self.attempt(assigning.seat, who or "rob", **more, role=role)

    @act(
        1,
        who=st.sampled_from(NAMES),
        whom=st.sampled_from(NAMES),
        role=st.sampled_from(list(QUORUM)),
        days=st.integers(0, 20),
    )
    def delegate(self, who: str, whom: str, role: str, days: int) -> None:
        today = self.bank.clock().date()
        self.attempt(
            assigning.delegate, who, to_id=self.bank.who[whom].id, role=role, starts_on=today,
            ends_on=today + timedelta(days=days),
        )  # fmt: skip

    # --- risk --------------------------------------------------------------------------------------------------------

    @act(3, who=WHO, which=MUCH, hours=st.sampled_from([1, 48, 48, 72, 24 * 90, 24 * 91]), oneself=st.booleans(),
          item=st.sampled_from([one.id for one in ITEMS]), control=st.sampled_from(["People look.", "People look.", ""]))  # fmt: skip
    def ask_for_a_waiver(self, who: str | None, which: int, hours: int, oneself: bool, item: str, control: str) -> None:
        """Ask for a waiver, perhaps by somebody who may approve some, and who tries to approve this one at once."""
        wish = self.bank.wish(expires_at=self.bank.clock() + timedelta(hours=hours), control=control)
        who = who or ("olga", "mo")[oneself]
        case_id = self.case(which, *states.OPEN).id
        asked = self.attempt(waivers.request, who, case_id=case_id, item_id=item, wish=wish)
        if asked is not None and oneself:
            self.attempt(waivers.approve, who, waiver_id=asked.id)

    @act(who=WHO, which=MUCH, hours=st.sampled_from([1, 48, 72, 73]), second=WHO)
    def break_the_glass(self, who: str | None, which: int, hours: int, second: str | None) -> None:
        """Two people let everything pass; a third one looks at it later, perhaps too early."""
        wish = self.bank.wish(expires_at=self.bank.clock() + timedelta(hours=hours))
        case_id = self.case(which, *states.OPEN).id
        asked = self.attempt(waivers.break_glass, who or "max", case_id=case_id, wish=wish)
        if isinstance(asked, Waiver):  # and not a PIN that is locked
            self.attempt(waivers.second, second or "mia", waiver_id=asked.id)
            self.attempt(waivers.review, "rita", waiver_id=asked.id, note="It was an emergency.")

    @act(
        4,
        who=WHO,
        which=MUCH,
        verb=st.sampled_from(["approve", "approve", "second", "second", "refuse", "end", "review"]),
    )
    def decide_on_a_waiver(self, who: str | None, which: int, verb: str) -> None:
        with db.reading() as session:
            found = session.execute(
                select(Waiver.id, Waiver.requested_by).order_by(col(Waiver.id).desc()).limit(3)
            ).all()
        if found:
            waiver_id, asked_by = found[which % len(found)]
            oneself = next(name for name in NAMES if self.bank.who[name].ref == asked_by)
            who = who or {"end": "olga", "review": "rita"}.get(verb, ("mia", oneself)[which % 2])
            words = {"refuse": {"reason": "No."}, "end": {"reason": "Over."}, "review": {"note": "Seen."}}
            self.attempt(getattr(waivers, verb), who, waiver_id=waiver_id, **words.get(verb, {}))

    @act(3, who=WHO, which=MUCH, verb=st.sampled_from(["suspend", "reopen", "revoke"]))
    def end(self, who: str | None, which: int, verb: str) -> None:
        case = self.case(which, *(("suspended",) if verb == "reopen" else states.APPROVED))
        people_ = [who] if who else {"suspend": ["vera"], "reopen": ["rita"], "revoke": ["max", "max", "mia"]}[verb]
        for name in people_:
            self.attempt(getattr(ending, verb), name, case_id=case.id, reason="Drift.")

    @act(3, who=WHO, which=MUCH)
    def meet_a_condition(self, who: str | None, which: int) -> None:
        with db.reading() as session:
            waiting = col(Condition.met_at).is_(None) & col(Condition.voided_at).is_(None)
            ids = list(session.exec(select(Condition.id).where(waiting).order_by(col(Condition.id).desc())))
        if ids:
            who = who or ("vera", "viktor", "rita", "rob")[which % 4]
            self.attempt(conditions.meet, who, condition_id=ids[which % len(ids)], note="Seen.")

    # --- the world ---------------------------------------------------------------------------------------------------

    @act(
        hours=st.sampled_from([-2, 0, 1, 1, 5, 24, 24 * 4, 24 * 30, 24 * 200]),
        mlflow=st.sampled_from(["same"] * 4 + ["changed", "unreachable"]),
    )
    def time_passes(self, hours: int, mlflow: str) -> None:
        self.bank.clock.forward(hours=hours)
        type(self).outcome = mlflow
        watching.watch(SYSTEM)
        type(self).outcome = "same"
        self.look()
        self.oracle.after_the_watch()

    outcome: ClassVar[str] = "same"

    @act(1, which=MUCH, now=st.sampled_from([True, False, False]))
    def grow_old(self, which: int, now: bool) -> None:
        """An approval outlives its days while nothing else happens to it; rarely, because it ends all others too."""
        if now and self.case(which, *states.APPROVED).state in states.APPROVED:
            self.time_passes(24 * 26, "same")

    @act(1, who=st.sampled_from(["vera", "viktor", "rita", "rob", "max"]))
    def come_and_go(self, who: str) -> None:
        """Somebody leaves; whoever is away comes back first, so that somebody is there to decide."""
        verb, name = (people.reactivate_person, self.away) if self.away else (people.deactivate_person, who)
        self.bank.do(verb, SYSTEM, person_id=self.bank.who[name].id)
        self.away = "" if self.away else who
        self.look()

    def teardown(self) -> None:
        if hasattr(self, "oracle"):
            type(self).reached.update(self.oracle.reached)


def open_case(bank: Bank, version: str, *, high: bool, applies: bool) -> None:
    """Open a case with two items answered, of which one may be said not to apply, and evidence that passes."""
    with db.writing() as session:
        case = ReviewCase(
            checklist_id=bank.checklist_id, project_id="churn", kind="model", name="churn", version=version,
            tier="high" if high else "limited", items=[one.as_data() for one in ITEMS], quorum=QUORUM,
            environments=["test", "production"], owner=bank.olga.ref, opened_at=bank.clock(),
            validity_days=25,
        )  # fmt: skip
        session.add(case)
        session.flush()
        more: dict[str, Any] = {"actor": bank.olga, "case_id": case.id}
        opening.attach(session, **more, snapshot_id=copy(bank, session, version, "pass", []).id or 0)
        for item, known in (("DATA-1", True), ("SAFE-1", applies)):
            answering.answer(session, **more, item_id=item, revision=0, **said(not known))


def said(not_applicable: bool, words: str = "Known.") -> dict[str, Any]:
    """An answer, or why there is none."""
    return {"not_applicable": True, "note": "Not here."} if not_applicable else {"value": words}


def copy(bank: Bank, session: Session, version: str, verdict: str, people_: list[str]) -> EvidenceSnapshot:
    """Evidence on a version; every other copy is of another subject than the one before."""
    number = len(session.exec(select(EvidenceSnapshot.id)).all())
    made = EvidenceSnapshot(
        model="churn", version=version, subject_digest=f"{version}-{number // 2}", digest=f"{number:064}",
        content={"metrics": {"verdict": {"value": VERDICTS.index(verdict)}}, "people": people_},
        taken_at=bank.clock(), taken_by=bank.olga.ref,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def fair(name: str, snapshot: Any, _parameters: Any, *, tier: str, item: str = "") -> Finding:
    """The only check there is: it says what the evidence says."""
    measure = snapshot.metrics.get("verdict")
    if measure is None or measure.value is None:
        return Finding(name, "missing", "no evidence")
    return Finding(name, VERDICTS[int(measure.value)], "measured")  # type: ignore[arg-type]


def compare(snapshot_id: int) -> EvidenceCheck:
    """MLflow says what the machine wants it to."""
    with db.writing() as session:
        made = EvidenceCheck(snapshot_id=snapshot_id, outcome=Reviews.outcome, checked_at=db.now())
        session.add(made)
    return made


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, person: Make) -> type[Reviews]:
    """The machine with a bank in one migrated store, of which every run gets a copy."""
    monkeypatch.setattr(pins, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(registry, "run", fair)
    monkeypatch.setattr(keeping, "verify", compare)
    clock: Clock = stopped(monkeypatch)
    db.migrate()
    Reviews.world = build(person, clock)
    mo = Reviews.world.mo
    with db.writing() as session:  # somebody who may both ask for a waiver and approve one, but not the same
        people.grant_role(session, actor=SYSTEM, person_id=mo.id, role="manager")
    Reviews.world.who["mo"] = actor_now(mo.id)
    for version in ("1", "2"):
        open_case(Reviews.world, version, high=version == "2", applies=False)
    db.engine().dispose()
    forget_settings()
    Reviews.template, Reviews.folder = tmp_path / "template", tmp_path / "data"
    shutil.copytree(Reviews.folder, Reviews.template)
    Reviews.steps, Reviews.reached, Reviews.outcome = 0, Counter(), "same"
    return Reviews


def run(machine: type[Reviews], runs: int, **more: Any) -> None:
    chosen = settings(
        max_examples=runs, stateful_step_count=PER_RUN, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate,), **more,
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.slow
def test_no_order_of_acts_breaks_an_invariant_in_ten_thousand_steps(machine: type[Reviews]) -> None:
    run(machine, STEPS * 11 // 10 // PER_RUN)  # some of what is drawn has nothing to act on
    assert machine.steps >= STEPS
    for what in (
        "approved", "approved with conditions", "rejected", "withdrawn", "changes requested", "suspended", "revoked",
        "expired", "superseded", "signatures-voided", "condition-met", "waiver-approved", "break-glass-reviewed",
        "signing-pin-failed", "case-agreed",
    ):  # fmt: skip
        assert machine.reached[what], f"the machine never came to: {what}"


MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "no blocking item stands against an approval": (states, "against_approval", lambda items, *, tier: []),
    "nobody is barred": (pool, "barred", lambda session, case: frozenset()),
    "every step is possible from every state": (
        states, "after", lambda state, step: next(ways[step] for ways in states.NEXT.values() if step in ways),
    ),
    "signatures survive what is changed after them": (signatures, "void_stale", lambda session, case: None),
    "whoever asks for a waiver may approve it": (waivers, "_require_other", lambda session, actor, case, waiver: None),
    "evidence is not compared again": (deciding, "require_verified", lambda session, case, decision: None),
}  # fmt: skip
"""What is taken away → where, and what stands there instead."""


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_machine_finds_a_guard_that_was_taken_away(
    machine: type[Reviews], monkeypatch: pytest.MonkeyPatch, mutant: str
) -> None:
    monkeypatch.setattr(*MUTANTS[mutant])
    with pytest.raises(AssertionError, match=r"\d+"):
        run(machine, 60, derandomize=True)
