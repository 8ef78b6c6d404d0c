"""A plan in words and figures, once for the terminal and for every document made of it."""

from __future__ import annotations

from collections.abc import Sequence

from globulin.dossier.provenance import known
from globulin.pages import words
from globulin.planning.costing import PlanCost
from globulin.planning.infusion import InfusionPlan, InfusionStep
from globulin.planning.monitoring import Monitoring
from globulin.planning.outlook import Evidence, Prediction, Spread, TrialAtDose
from globulin.planning.plan import Plan
from globulin.planning.refusal import Refusal
from globulin.planning.screening import Finding, Screening, Verdict
from globulin.planning.sites import SitePlan
from globulin.planning.vials import VialSet

VERDICTS: dict[Verdict, str] = {"clear": "Clear", "caution": "Caution", "stop": "Stop"}
CHECK_LABEL = f"{words.SHORT_NOTICE} Check against the current label."
NO_BENEFIT = "A rise in IgG is not a benefit."
LOCAL_PRACTICE = "\N{DAGGER} Local practice, not the label: check it against your own rules."
NOTHING_AGAINST = "Nothing that was asked speaks against it."
TIMES = "\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}"
FOUND = {
    "favours": "better than the control",
    "no_clear_difference": "no clear difference",
    "against": "worse than the control",
    "not_usable": "nothing that can be used",
}


def duration(minutes: float) -> str:
    """Minutes as `2 h 15 min`; whole minutes, rounded."""
    hours, left = divmod(round(minutes), 60)
    if not hours:
        return f"{left} min"
    return f"{hours} h {left} min" if left else f"{hours} h"


def person(plan: Plan) -> str:
    """Who, as far as it was said."""
    who = plan.patient
    parts = [f"{words.number(who.weight_kg, 4)} kg"]
    if who.height_cm is not None:
        parts.append(f"{words.number(who.height_cm, 4)} cm")
    if who.sex is not None:
        parts.append(who.sex)
    if who.age_year is not None:
        parts.append(f"{words.number(who.age_year)} years")
    return ", ".join(parts)


def product(plan: Plan) -> str:
    """Product, maker and strength."""
    strength = known(plan.product.concentration_mg_per_ml)
    mg = "" if strength is None else f", {words.number(strength)} mg/mL"
    return f"{plan.product.name} ({plan.product.maker}){mg}"


def grams(plan: Plan) -> str:
    """The whole dose of one interval: `28 g`."""
    return f"{words.number(plan.dose.grams, 4)} g"


def rhythm(plan: Plan) -> str:
    """`every 4 weeks`, or that it is given once."""
    interval = plan.dose.interval_day
    return "once" if interval is None else f"every {words.day_words(interval)}"


def each_infusion(plan: Plan) -> str:
    """What one infusion or injection holds, and on how many days."""
    parts = plan.dose.per_infusion_g
    one = f"{words.number(parts[0], 4)} g in {words.number(plan.volume_ml, 4)} mL"
    return one if len(parts) == 1 else f"{one}, on {len(parts)} days, one after the other"


def vials(each: VialSet) -> str:
    """Vials to open for one infusion and what is left of them."""
    opened = " and ".join(
        f"{vial.count}{TIMES}{words.number(vial.grams)} g ({words.number(vial.ml)} mL)" for vial in each.vials
    )
    left = f"; {words.number(each.waste_g)} g left over" if each.waste_g > 0 else "; nothing left over"
    short = f"; {words.number(each.short_g)} g less than worked out" if each.short_g > 0 else ""
    return f"{opened}{left}{short}"


def dosing_weight(plan: Plan) -> str:
    """Why this body weight; empty where neither the dose nor its speed goes by weight."""
    if plan.asked.dose.g_per_kg is None and plan.route != "iv":
        return ""
    return " ".join([plan.dose.weight.why, *plan.dose.weight.chosen.flags])


def opened(plan: Plan) -> str:
    """Vials to open for one infusion, or why they are not known."""
    if plan.no_vials is not None:
        return no_answer(plan.no_vials)
    return "; or ".join(dict.fromkeys(vials(each) for each in plan.vials))


def higher_risks(findings: Sequence[Finding]) -> list[str]:
    """What was looked at and why: the name of a hazard is not the person's history."""
    return list(
        dict.fromkeys(
            f"{words.uncapital(found.name)}"
            + (f", because of {words.listed(list(found.because))}" if found.because else "")
            for found in findings
        )
    )


def verdict(screening: Screening) -> str:
    """The verdict with what stands behind it."""
    held = sum(finding.known for finding in screening.findings)
    asked = len(screening.questions)
    behind = [words.counted(held, "reason")] if held else []
    behind += [f"{words.counted(asked, 'question')} still open"] if asked else []
    tail = f": {words.listed(behind)}" if behind else ""
    stops = dict.fromkeys(found.name for found in screening.findings if found.verdict == "stop")
    return f"{VERDICTS[screening.verdict]}{tail}." + (f" {words.listed(list(stops))}." if stops else "")


def askable(screening: Screening) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Findings that stand, and those that only wait for an answer to one of the questions."""
    waiting = {name for question in screening.questions for name in question.why.split("; ")}
    stand = tuple(found for found in screening.findings if found.known or found.name not in waiting)
    return stand, tuple(found for found in screening.findings if found not in stand)


def step(given: InfusionStep) -> list[str]:
    """A row of the step table: from, to, mL/h, mg/kg/min, mL so far, g so far, remark."""
    remarks = ["\N{DAGGER}"] * given.local_practice + ([given.note] if given.note else [])
    running = given.mg_per_kg_min > 0
    return [
        words.fixed(given.from_minute, 0),
        words.fixed(given.to_minute, 0),
        words.number(given.ml_per_h) if running else "stopped",
        words.number(given.mg_per_kg_min),
        words.fixed(given.ml_so_far, 0 if given.ml_so_far >= 100 else 1),
        words.fixed(given.g_so_far, 1 if given.g_so_far >= 1 else 2),
        " ".join(remarks),
    ]


def limits(plan: Plan, given: InfusionPlan) -> list[str]:
    """The fastest rates that may run, in sentences."""
    ramp = given.ramp
    said = [f"The label's maximum is {words.number(ramp.maximum)} mg/kg/min."]
    if ramp.cap is not None:
        why = "set for this plan" if ramp.cap == plan.asked.own_cap else "of the label for people at risk"
        said.append(f"Never above {words.number(ramp.cap)} mg/kg/min here: the limit {why}.")
    if plan.if_at_risk is not None:
        said.append(
            "The open questions may show a risk for kidneys or clots. Then the label's lower maximum holds,"
            f" and it takes {duration(plan.if_at_risk.total_minutes)}."
        )
    return said


def sites(given: SitePlan) -> list[tuple[str, str]]:
    """How a volume is spread over sites, as labelled lines; what is not known says so."""

    def amount(value: float | None, unit: str) -> str:
        return words.NOT_KNOWN if value is None else f"{words.number(value)} {unit}".strip()

    lines = [("Sites", amount(given.sites, "")), ("At each site", amount(given.ml_per_site, "mL"))]
    if given.sessions > 1:
        lines.append(("Sessions", f"{given.sessions}, one a day"))
    if given.route != "im":
        total = amount(given.ml_per_h_total, "mL/h")
        together = f"{amount(given.ml_per_h_per_site, 'mL/h')} at each site, {total} together"
        lines.append(("Rate", total if given.ml_per_h_total is None else together))
        time = words.NOT_KNOWN if given.minutes is None else duration(given.minutes)
        fast = given.fastest_minutes
        lines.append(
            (
                "Time",
                time if fast in (None, given.minutes) else f"{time}; at the fastest {duration(fast or 0)}",
            )
        )
    lines.append(("Needles", given.needles))
    if given.ramp_up:
        steps = [
            f"week {step.week}: {words.number(step.grams)} g ({words.number(step.ml)} mL)"
            for step in given.ramp_up
        ]
        lines.append(("Build-up", "; ".join(steps)))
    return lines


def cost(given: PlanCost) -> list[tuple[str, str]]:
    """Money as labelled lines, the drug and giving it apart."""

    def money(amount: float) -> str:
        return words.money(amount, given.currency)

    waste = given.waste_money_per_infusion
    wasted = f", {money(waste)} of it left in the vials" if waste > 0 else ""
    lines = [("Drug, one infusion", f"{money(given.drug_per_infusion)}{wasted}")]
    for name, amount in (
        ("Drug, 28 days", given.drug_per_28_days),
        ("Drug, a year", given.drug_per_year),
        ("Drug, the course", given.drug_per_course),
    ):
        if amount is not None:
            lines.append((name, money(amount)))
    fee = given.administration_per_infusion
    lines.append(("Giving it, one infusion", given.administration_note if fee is None else money(fee)))
    lines.append(("Prices", priced(given)))
    return lines


def priced(given: PlanCost) -> str:
    """Which prices, of when."""
    code = f", code {given.code}" if given.code else ""
    per_gram = f"{words.fixed(given.price_per_g)} {given.currency} a gram"
    return f"{given.price_list}, {given.price_date}{code}: {per_gram}"


def no_answer(refused: Refusal) -> str:
    """Why something cannot be planned."""
    return words.sentence(f"Not planned: {refused.reason}")


def band(spread: Spread, places: int = 1) -> str:
    """A level or a rise with the range of the models and, where known, of people."""
    models = words.bounds(spread.models_low, spread.models_high, places)
    text = f"{words.fixed(spread.value, places)} g/L (models: {models}"
    if spread.people_low is not None and spread.people_high is not None:
        text += f"; 90% of people: {words.bounds(spread.people_low, spread.people_high, places)}"
    return f"{text})"


def prediction(given: Prediction) -> list[tuple[str, str]]:
    """Predicted IgG as labelled lines."""
    own = "" if given.baseline_known else ", assumed: the person's own level is not known"
    lines = [
        ("IgG before", f"{words.fixed(given.baseline_g_per_l, 1)} g/L{own}"),
        ("Mean rise", band(given.rise_mean_g_per_l)),
        ("Trough", band(given.trough_g_per_l)),
        ("Peak", band(given.peak_g_per_l)),
    ]
    for name, days in (("Settled after", given.plateau_day), ("Nine tenths gone after", given.washout_day)):
        if days is not None:
            lines.append((name, weeks(days)))
    return lines


def weeks(days: tuple[float, float]) -> str:
    """A span of days in weeks."""
    low, high = (f"{day / 7:.0f}" for day in days)
    return f"{low} weeks" if low == high else f"{low} to {high} weeks"


def trials_counted(evidence: Evidence) -> str:
    """How many trials found what, in a sentence."""
    if not evidence.trials:
        return "No randomised trial in ME/CFS or fibromyalgia is known."
    findings = [
        f"{_how_many(count)} {words_found}"
        for found, words_found in (
            ("favours", "found people better on immune globulin"),
            ("against", "found them worse"),
            ("no_clear_difference", "found no clear difference"),
            ("not_usable", "printed nothing that can be used"),
        )
        if (count := sum(trial.found == found for trial in evidence.trials))
    ]
    trials = words.counted(len(evidence.trials), "randomised trial")
    return f"Of {trials} in ME/CFS and fibromyalgia, {words.listed(findings)}."


def _how_many(count: int) -> str:
    return words.counted(count, "of them").split()[0]


def pooled(evidence: Evidence) -> str:
    """The trials taken together, with the doubt first; empty where nothing can be pooled."""
    found = evidence.pooled
    if found is None:
        return ""
    none = " No effect is possible too." if found.ci_lower < 0 < found.ci_upper else ""
    return (
        f"Taken together ({words.counted(evidence.pooled_trials, 'trial')}): standardised mean difference"
        f" (SMD) {words.estimate(found.estimate, found.ci_lower, found.ci_upper)}; above zero favours immune"
        f" globulin.{none}"
    )


def trial(given: TrialAtDose) -> str:
    """One trial with what it found, in a few words."""
    effect = given.effect
    size = ""
    if (
        effect is not None
        and effect.smd is not None
        and effect.ci_lower is not None
        and effect.ci_upper is not None
    ):
        size = f" (SMD {words.estimate(effect.smd, effect.ci_lower, effect.ci_upper)})"
    return f"{given.name}: {FOUND[given.found]}{size}"


def judged(watched: Monitoring) -> list[str]:
    """When it can be judged, and by what, in sentences."""
    said = []
    if watched.settled_week is not None:
        said.append(
            f"Not before week {watched.settled_week}: until then the level may still be moving, by one model"
            " or another."
        )
    if watched.washout_day is not None:
        said.append(f"Nine tenths of the rise are gone {weeks(watched.washout_day)} after the last dose.")
    if watched.trial_times:
        times = [f"{each.name}: {each.time}" for each in watched.trial_times]
        said.append(f"The trials looked: {'; '.join(times)}.")
    return said


def review_and_stop(plan: Plan) -> tuple[str | None, str | None]:
    """Week of the review and the rule for stopping, as the plan or the patient's file says them."""
    watched, given = plan.monitoring, plan.patient.letter
    week = watched.review_week if watched.review_week is not None or given is None else given.review_week
    rule = watched.stop_rule if watched.stop_rule is not None or given is None else given.stop_rule
    return None if week is None else f"week {words.number(week)} after the first dose", rule


def measure_lines(watched: Monitoring) -> list[str]:
    """Scores that can show a response, each with the change that is worth having."""
    return [
        f"{each.name}: {words.number(each.change)} {_unit(each.change, each.unit)}, {each.meaning}"
        for each in watched.measures
    ]


def _unit(value: float, unit: str) -> str:
    return unit.removesuffix("s") if value == 1 else unit


def dose_steps(steps: Sequence[str]) -> str:
    """How the grams came about."""
    return " ".join(step.replace(" x ", TIMES) for step in steps)
