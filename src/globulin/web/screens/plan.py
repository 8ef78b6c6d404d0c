"""*Plan*: a person, health questions, a product and dose, and then the plan, one thing at a time.

Each step is a form of its own; what it sends is kept as a new draft, and the page that follows is read from
that draft. So back, forward and reload show what was there, and no address holds more than a random id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from globulin.errors import FaultsError, InputError
from globulin.formats.saved_file import SUFFIX, read_saved, saved_text
from globulin.web import forms, views
from globulin.web.desk import AtHand, Desk
from globulin.web.drafts import Texts
from globulin.web.forms import Filled
from globulin.web.opened import opened_shelf
from globulin.web.screens import compare_fields, plan_answers, plan_fields, plan_questions
from globulin.web.screens.plan_fields import PlanForms, Step
from globulin.web.screens.plan_work import Paper, Worked, paper, worked_out

if TYPE_CHECKING:
    from globulin.formats.saved_file import SavedPlan

router = APIRouter(include_in_schema=False)

SCREEN: Final = "plan"
_FORMS: Final = ("person", "health", "dose")
"""The steps that are pages of their own."""
STEPS: Final = (("person", "Person"), ("health", "Health"), ("dose", "Product and dose"), ("result", "Plan"))
PAPERS: Final[dict[Paper, str]] = {
    "plan": "Plan, for whoever gives it",
    "patient_sheet": "Patient sheet, in plain words",
    "letter": "Letter of medical necessity",
}
_NEXT: Final[Mapping[Step, str]] = {
    "person": "health",
    "health": "dose",
    "dose": "result",
    "reaction": "result",
}


@dataclass(frozen=True, slots=True)
class State:
    """A draft as it is read: the texts, each step, and the draft's own id ('' before there is one)."""

    draft: str
    texts: Texts
    forms: PlanForms
    steps: dict[Step, Filled]

    @property
    def unfinished(self) -> Step | None:
        """The first step that was not sent yet, or has something wrong in it; health may be skipped."""
        for step, filled in self.steps.items():
            unseen = step in ("person", "dose") and not plan_answers.visited(self.forms, step, self.texts)
            if filled.errors or unseen:
                return step
        return None

    @property
    def shown_beside(self) -> bool:
        """Whether all that is wrong stands in a field beside the plan, so that it can be put right there."""
        seen = all(plan_answers.visited(self.forms, step, self.texts) for step in ("person", "dose"))
        beside = {"", *(each.name for each in (*self.forms.panel, *self.forms.reaction))}
        return seen and all(filled.errors.keys() <= beside for filled in self.steps.values())

    def asked(self) -> SavedPlan:
        """What was asked; the steps have no faults."""
        return plan_answers.asked_of(self.steps, plan_answers.letter_of(self.texts))

    def blamed(self, problem: InputError) -> State:
        """The same with what a computation refused, at the step and field that it names."""
        for step, filled in self.steps.items():
            faulted = plan_answers.blamed(filled, problem)
            if set(faulted.errors) - {""}:
                return replace(self, steps={**self.steps, step: faulted})
        dose = plan_answers.blamed(self.steps["dose"], problem)
        return replace(self, steps={**self.steps, "dose": dose})


@lru_cache(maxsize=4)
def _forms(dossier: Path | None) -> PlanForms:
    return plan_fields.plan_forms(opened_shelf(dossier))


def _read(desk: Desk, draft: str, texts: Texts) -> State:
    asked = _forms(desk.dossier)
    steps = {step: plan_answers.read_step(asked, step, texts) for step in get_args(Step)}
    return State(draft, texts, asked, steps)


def _found(desk: Desk, draft: str) -> State:
    kept = desk.drafts.find(SCREEN, draft)
    if kept is None:
        raise HTTPException(404)
    return _read(desk, draft, kept.texts)


def _kept(desk: Desk, texts: Texts) -> State:
    return _read(desk, desk.drafts.keep(SCREEN, texts), texts)


async def _worked(desk: Desk, state: State) -> tuple[State, Worked | None]:
    """The plan of a state without faults; or the state with the fault that working it out found."""
    asked = state.asked()
    try:
        # a list of one's own stands in a folder, and may change there
        keep = asked.price.price_list is None
        return state, await desk.work.run(worked_out, desk.dossier, asked, views.today(), keep=keep)
    except FaultsError:
        raise
    except InputError as problem:
        return state.blamed(problem), None


def _page(
    request: Request,
    state: State,
    step: str,
    *,
    form: Filled,
    worked: Worked | None = None,
    part: str | None = None,
    address: str | None = None,
    status: int = 200,
    **more: Any,
) -> Response:
    return views.page(
        request,
        f"plan/{step}.html",
        part=part,
        address=address,
        status=status,
        draft=state.draft,
        step=step,
        steps=_progress(state),
        form=form,
        worked=worked,
        names=plan_fields,
        papers=PAPERS,
        **more,
    )


def _progress(state: State) -> list[tuple[str, str, bool]]:
    """Each step: its address, its name, and whether one can go there."""
    done = {"person", "health"} if state.draft else {"person"}
    if plan_answers.visited(state.forms, "person", state.texts) and not state.steps["person"].errors:
        done.add("dose")
    if state.unfinished is None:
        done.add("result")
    return [(step, name, step in done and bool(state.draft)) for step, name in STEPS]


@router.get("/plan")
async def start(request: Request, desk: AtHand) -> Response:
    """The first step, empty."""
    return _page(request, _read(desk, "", {}), "person", form=Filled(plan_fields.PERSON), opening="")


@router.post("/plan")
async def begun(request: Request, desk: AtHand) -> Response:
    """The first step, filled in."""
    pairs = (await forms.posted(request)).pairs
    return _after(_kept(desk, forms.read(pairs, plan_fields.PERSON).texts), "person")


@router.post("/plan/open")
async def opened(request: Request, desk: AtHand) -> Response:
    """A saved plan, shown again."""
    posted = await forms.posted(request)
    forms.read(posted.pairs, ())
    try:
        if posted.file is None:
            raise InputError("choose the file of a saved plan first")
        return views.see(address_of(desk, read_saved(posted.file)))
    except InputError as problem:
        empty = _read(desk, "", {})
        words = f"{str(problem)[0].upper()}{str(problem)[1:]}."
        form = Filled(plan_fields.PERSON)
        return _page(request, empty, "person", status=422, form=form, opening=words)


def address_of(desk: Desk, saved: SavedPlan) -> str:
    """Where a saved plan is shown from now on. Raises InputError for what this dossier does not have."""
    texts = plan_answers.texts_of(saved, _forms(desk.dossier), desk.shelf)
    return _next_address(_kept(desk, texts))


def asked_in(desk: Desk, draft: str) -> SavedPlan:
    """What a draft asks; there is no such page (404) where something in it is missing or wrong."""
    return _whole(desk, draft).asked()


@router.get("/plan/{draft}")
async def whole(draft: str, desk: AtHand) -> Response:
    """Where a draft stands."""
    return _onward(_found(desk, draft))


@router.get("/plan/{draft}/result")
async def result(draft: str, request: Request, desk: AtHand) -> Response:
    """The plan, or the products to choose from, or what is wrong beside it."""
    state = _found(desk, draft)
    if not state.shown_beside:
        return _onward(state)
    return await _result(request, desk, state)


async def _result(request: Request, desk: Desk, state: State, part: str | None = None) -> Response:
    worked = None
    if state.unfinished is None:
        state, worked = await _worked(desk, state)
    panel = _panel(state)
    address = f"/plan/{state.draft}/result"
    return _page(
        request,
        state,
        "result",
        part=part,
        address=address,
        worked=worked,
        form=panel,
        reaction=state.steps["reaction"],
    )


def _panel(state: State) -> Filled:
    """The weight and the dose as one form."""
    person, dose = state.steps["person"], state.steps["dose"]
    errors = {name: said for name, said in person.errors.items() if name == "weight_kg"}
    texts = {**dose.texts, "weight_kg": person.texts.get("weight_kg", ())}
    return Filled(state.forms.panel, texts, {}, {**errors, **dose.errors})


@router.post("/plan/{draft}/result")
async def changed(draft: str, request: Request, desk: AtHand) -> Response:
    """Something was changed beside the plan."""
    before = _found(desk, draft)
    state = await _merged(request, desk, before, before.forms.panel)
    if views.is_part(request):
        return await _result(request, desk, state, "working")
    return views.see(f"/plan/{state.draft}/result")


@router.post("/plan/{draft}/reaction")
async def reacted(draft: str, request: Request, desk: AtHand) -> Response:
    """A reaction, and how the infusion goes on; its field stands beside the steps."""
    before = _found(desk, draft)
    state = await _merged(request, desk, before, before.forms.reaction)
    if views.is_part(request):
        return await _result(request, desk, state, "working")
    return views.see(f"/plan/{state.draft}/result")


@router.post("/plan/{draft}/choose")
async def chosen(draft: str, request: Request, desk: AtHand) -> Response:
    """A product of the ranking."""
    before = _found(desk, draft)
    product = tuple(each for each in before.forms.dose if each.name == "product")
    return _after(await _merged(request, desk, before, product), "dose")


@router.post("/plan/{draft}/papers/{name}")
async def printed(draft: str, name: Paper, desk: AtHand) -> Response:
    """A document of the plan, as PDF."""
    state = _whole(desk, draft)
    if state.steps["dose"].values.get("product") is None:
        return views.see(f"/plan/{draft}/result")
    try:
        pdf = await desk.work.run(paper, desk.dossier, state.asked(), views.today(), name, keep=False)
    except FaultsError:
        raise
    except InputError:
        return views.see(f"/plan/{draft}/result")
    return _download(pdf, "application/pdf", f"{name}.pdf")


@router.post("/plan/{draft}/save")
async def saved(draft: str, desk: AtHand) -> Response:
    """The plan as a file to go on with."""
    return _download(saved_text(asked_in(desk, draft)).encode(), "application/json", f"plan{SUFFIX}")


@router.post("/plan/{draft}/compare")
async def to_compare(draft: str, desk: AtHand) -> Response:
    """The same person on the comparison, with this plan as the first of its regimens."""
    state = _whole(desk, draft)
    return views.see(
        f"/compare/{desk.drafts.keep(compare_fields.SCREEN, compare_fields.begun_with(state.texts))}"
    )


@router.get("/plan/{draft}/{step}")
async def shown(draft: str, step: str, request: Request, desk: AtHand) -> Response:
    """A step as it was filled in."""
    state = _found(desk, draft)
    if step not in _FORMS:
        raise HTTPException(404)
    if state.unfinished is None:
        state, _ = await _worked(desk, state)
    groups: tuple[plan_questions.QuestionGroup, ...] = ()
    if step == "health":
        groups = plan_questions.open_to(
            state.forms.groups, desk.shelf, state.steps["person"].values.get("sex")
        )
    return _page(request, state, step, form=state.steps[cast("Step", step)], groups=groups, opening="")


@router.post("/plan/{draft}/{step}")
async def sent(draft: str, step: str, request: Request, desk: AtHand) -> Response:
    """A step, filled in."""
    before = _found(desk, draft)
    if step not in _FORMS:
        raise HTTPException(404)
    state = await _merged(request, desk, before, before.forms.of(cast("Step", step)))
    if step == "dose" and state.unfinished is None:
        # what cannot be worked out is shown at the step that asked for it
        faulted, worked = await _worked(desk, state)
        if worked is None:
            return _onward(faulted)
    return _after(state, cast("Step", step))


def _onward(state: State) -> Response:
    return views.see(_next_address(state))


def _next_address(state: State) -> str:
    """That of the first step that is not filled in rightly and has a page, or of the plan."""
    at = state.unfinished if state.unfinished in _FORMS else "result"
    return f"/plan/{state.draft}/{at}"


async def _merged(request: Request, desk: Desk, before: State, fields: tuple[forms.Field, ...]) -> State:
    """A new draft: the one before with these fields as they were sent; a box not ticked is not sent."""
    read = forms.read((await forms.posted(request)).pairs, fields)
    names = {each.name for each in fields}
    others = {name: said for name, said in before.texts.items() if name not in names}
    boxes = {each.name: ("",) for each in fields if each.kind == "check"}
    return _kept(desk, {**others, **boxes, **read.texts})


def _after(state: State, step: Step) -> Response:
    """On to the next step, or the same again where something in it is wrong."""
    return views.see(f"/plan/{state.draft}/{step if state.steps[step].errors else _NEXT[step]}")


def _whole(desk: Desk, draft: str) -> State:
    """A draft without faults, to make a file of."""
    state = _found(desk, draft)
    if state.unfinished is not None:
        raise HTTPException(404)
    return state


def _download(content: bytes, kind: str, name: str) -> Response:
    return Response(
        content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
