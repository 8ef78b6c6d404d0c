"""A screen that shows every part there is, to look at, to press and to attack."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from globulin.web import forms, views
from globulin.web.desk import AtHand

FIELDS = (
    forms.Field(
        name="weight_kg",
        label="Body weight",
        kind="number",
        unit="kg",
        low=2,
        high=400,
        example="62",
        required=True,
        hint="Measured, not wished for. The dose goes by it.",
    ),
    forms.Field(name="doses", label="Number of doses", kind="whole", low=1, high=500, example="13"),
    forms.Field(name="note", label="A note", hint="It stays on this machine."),
    forms.Field(
        name="product",
        label="Product",
        kind="list",
        choices=(forms.Choice("gammagard", "Gammagard Liquid"), forms.Choice("privigen", "Privigen")),
    ),
    forms.Field(
        name="route",
        label="Route",
        kind="choice",
        required=True,
        choices=(
            forms.Choice("iv", "Into a vein", "intravenous, IV"),
            forms.Choice("sc", "Under the skin", "subcutaneous, SC"),
        ),
    ),
    forms.Field(
        name="risk",
        label="Risks",
        kind="several",
        choices=(forms.Choice("renal", "Kidneys"), forms.Choice("thrombosis", "Clots")),
    ),
    forms.Field(name="migraine", label="Migraine", kind="three"),
    forms.Field(name="pill", label="Contraceptive pill with an oestrogen", kind="three"),
    forms.Field(name="once", label="A single course, not repeated", kind="check"),
    forms.Field(name="levels", label="Measured levels", kind="long", hint="One line each: day, g/L"),
)

PAGE = """
{% extends "base.html" %}
{% block title %}Sample{% endblock %}
{% block kind %}broad{% endblock %}
{% block content %}
{{ p.head("Plan a treatment", "Start with the person. What you type stays in the memory of this machine.") }}
<div class="sides">
<form method="post" action="/sample" autocomplete="off">
{{ p.faults(form) }}
{% call p.group("The person") %}
{{ p.field(form["weight_kg"]) }}{{ p.field(form["doses"]) }}{{ p.field(form["note"]) }}
{% endcall %}
{% call p.group("What speaks against it", "Leave open what was not asked; it counts as not known.") %}
{{ p.field(form["migraine"]) }}{{ p.field(form["pill"]) }}
{% endcall %}
{% call p.group("What is given") %}
{{ p.field(form["product"]) }}{{ p.field(form["route"]) }}
{{ p.field(form["risk"]) }}{{ p.field(form["once"]) }}
{{ p.field(form["levels"]) }}
{% endcall %}
<div class="actions">{{ p.button("Make the plan") }} {{ p.button("Save to a file", "") }}</div>
</form>
<div id="result" aria-live="polite">
{% block result %}
<p class="busy">Working it out…</p>
<h2>The plan</h2>
<p>{{ p.verdict("caution", "Caution") }} {{ p.verdict("clear", "Nothing against it") }}
{{ p.verdict("stop", "Stop") }}</p>
{{ p.figure("25", "g", "every 28 days, 250 mL of a 10% product") }}
{% call p.notice("caution") %}
<p><strong>Migraine.</strong> Aseptic meningitis is more frequent in people with migraine.</p>
{% endcall %}
{{ p.rows([("Dose", "24.8 g, rounded to 25 g"), ("Time in the chair", "3 hours 25 minutes")]) }}
{{ p.table("Steps of the infusion", ("Step", "Rate, mL/h", "Minutes"),
 (("1", "18.6", "30"), ("2", "37", "30")),
 numeric=(1, 2)) }}
{% call p.fold("How this was worked out") %}<p>62 kg times 0.4 g/kg.</p>{% endcall %}
{% call p.fold("Sources") %}<p>The label.</p>{% endcall %}
{{ p.empty("Nothing is compared yet. Add a second regimen to see them side by side.") }}
{% endblock %}
</div>
</div>
{% endblock %}
"""

router = APIRouter(include_in_schema=False)


def drawn(request: Request, form: forms.Filled, **more: Any) -> HTMLResponse:
    # the sample is no template of the app
    template = views._environment().from_string(PAGE)
    return HTMLResponse(template.render(here=request.url.path, form=form, **more))


@router.get("/sample")
async def start(request: Request, desk: AtHand) -> Response:
    return drawn(request, forms.Filled(FIELDS))


@router.post("/sample")
async def asked(request: Request, desk: AtHand) -> Response:
    filled = forms.read((await forms.posted(request)).pairs, FIELDS)
    return views.see(f"/sample/{desk.drafts.keep('sample', filled.texts)}")


@router.get("/sample/{draft}")
async def shown(draft: str, request: Request, desk: AtHand) -> Response:
    kept = desk.drafts.find("sample", draft)
    if kept is None:
        raise HTTPException(404)
    return drawn(request, forms.read(forms.pairs_of(kept.texts), FIELDS))
