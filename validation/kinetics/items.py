"""The published sources: who was given what, what was assumed, what a check is worth, why it misses.

`unclaimed` lists the published numbers that no row has claimed and no reason leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from validation.kinetics import deficiency, normal_igg
from validation.kinetics.rows import PUBLISHED, Row
from validation.ledger import Path, numbers, spelled


class Item(NamedTuple):
    """One published source. main: the rows that stand for it in the summary, as (what, model)."""

    id: str
    who: str
    regimen: str
    assumed: str
    worth: str
    why: str
    rows: Callable[[], list[Row]]
    main: tuple[tuple[str, str], ...]


_SIX_HOURS = "A dose by vein runs for 6 hours, one under the skin enters its depot at once."
_WEIGHTS = "No mean weight is printed: 70 kg, range from 60 to 80 kg (men of 165, 170, 175 cm)."

ITEMS = (
    Item(
        "O1",
        "US label of Hizentra, 18 people with primary antibody deficiency, before the change of route",
        "152 mg/kg a week by vein (Privigen; 86 to 254)",
        f"Given as 608 mg/kg every 28 days. {_WEIGHTS} {_SIX_HOURS}",
        "Little: these people are very probably among those that Landersdorfer 2013 and Zhang 2020"
        " were fitted to (an inference from the trials named). It checks that parameters were copied"
        " right.",
        "Peaks are 10 to 22% low. A likely part of it: a label averages over people whose volumes"
        " differ, and the mean of their peaks is above the peak of a typical one. Dose / area is high,"
        " but the label's own mean dose over its own mean area is 1.47, not 1.3.",
        deficiency.o1,
        (("trough, g/L", "landersdorfer_2013"), ("area over 7 days, g/L x day", "landersdorfer_2013")),
    ),
    Item(
        "O1b",
        "The same 18 people, on treatment under the skin",
        "228 mg/kg a week under the skin (Hizentra; 141 to 381)",
        f"{_WEIGHTS} {_SIX_HOURS}",
        "As O1.",
        "Luo 2020 is furthest off. Peaks are low for the reason of O1.",
        deficiency.o1b,
        (("trough, g/L", "landersdorfer_2013"), ("area over 7 days, g/L x day", "landersdorfer_2013")),
    ),
    Item(
        "O2",
        "US label of Privigen, primary antibody deficiency: 22 people every 4 weeks, 3 every 3 weeks",
        "by vein; the study gave 200 to 888 mg/kg, the mean of these people is not printed",
        "The dose is worked back from the label's own clearance times area: 473 mg/kg every 28 days,"
        f" 427 mg/kg every 21 days (the clearance has two digits: within 4%). {_WEIGHTS} {_SIX_HOURS}",
        "Some: levels are a test only as far as the dose is right; the clearance is used up by it.",
        "Peaks are low as in O1. Three people are too few for the second group. The label does not"
        " say how its half-lives were found, so both readings are given: total IgG falls towards the"
        " person's own IgG, more slowly than what was given.",
        deficiency.o2,
        (
            ("q4w: peak, g/L", "deficient"),
            ("q4w: trough, g/L", "deficient"),
            ("q4w: area over the interval, g/L x day", "deficient"),
        ),
    ),
    Item(
        "O3",
        "US label of HyQvia, people of 12 years and older, 68 of them by vein",
        "139 mg/kg a week by vein, every 3 to 4 weeks",
        "Given as 556 mg/kg every 28 days. 66 kg with a lean body mass of 47 kg, the reference of Li"
        f" 2022; range from 60 to 80 kg. {_SIX_HOURS}",
        "Little for Li 2022, which was made from eight trials by vein, under the skin and with"
        " hyaluronidase.",
        "Everybody is taken to be treated every 28 days; those treated every 21 days have higher"
        " troughs. A half-life of 42 days is not that of IgG from outside in this model but near that"
        " of total IgG.",
        deficiency.o3,
        (("peak, g/L", "li_2022"), ("trough, g/L", "li_2022"), ("area over 7 days, g/L x day", "li_2022")),
    ),
    Item(
        "O3b",
        "The same label, 60 people treated under the skin with hyaluronidase",
        "147 mg/kg a week under the skin with hyaluronidase, every 3 to 4 weeks",
        "Given as 588 mg/kg every 28 days; persons as in O3.",
        "As O3; no other published model has this route.",
        "As O3. The label's 93.3% is not the ratio of its own mean areas per dose, which is 87.5%:"
        " the models' 86% is near that. Half-lives as in O2.",
        deficiency.o3b,
        (("peak, g/L", "li_2022"), ("trough, g/L", "li_2022"), ("area over 7 days, g/L x day", "li_2022")),
    ),
    Item(
        "O4",
        "Wasserman 2010, 32 people with primary antibody deficiency, Gamunex",
        "under the skin weekly, 137% of the dose by vein",
        f"The dose is not printed in what was seen: 475 mg/kg every 28 days by vein. {_WEIGHTS} {_SIX_HOURS}",
        "A fair test of the ratio, which hardly moves with dose and weight; not of the troughs, which do.",
        "Models expect 93 to 98% of the area at this dose, the trial found 89% (90% interval 86 to"
        " 92%): uptake from under the skin is somewhat lower there than in the models.",
        deficiency.o4,
        (("mean level under the skin / by vein", "deficient"),),
    ),
    Item(
        "O5",
        "Berger 2013, uptake of four products from under the skin",
        "under the skin",
        "F of the six models with treatment under the skin: the median, range from the lowest to the"
        " highest.",
        "A consistency check: several of these products were in the trials of the models.",
        "Dumas 2019 (0.739) lies above all products; it has one compartment and was fitted to steady"
        " states only.",
        deficiency.o5,
        (("F, Hizentra", "median of six"),),
    ),
    Item(
        "O6",
        "Meta-regressions over trials, quoted by Berger 2013",
        "100 mg/kg a month more",
        f"A month is 28 days; weekly under the skin, mean level. {_WEIGHTS} {_SIX_HOURS}",
        "A test across trials, of the part that the person's own IgG does not touch.",
        "Known miss under the skin: four models give 22 to 39% too much; by vein three give 14 to 47%"
        " too little, and no model has both right. A slope over trials also holds differences between"
        " people: if those with low levels are given more, it is flatter than that of one person."
        " Whether this was so is not known.",
        deficiency.o6,
        (
            ("trough by vein, g/L per 100 mg/kg a month", "landersdorfer_2013"),
            ("level under the skin, g/L per 100 mg/kg a month", "landersdorfer_2013"),
        ),
    ),
    Item(
        "O7",
        "Sidhu 2014: the model of Landersdorfer 2013, simulated with its spread",
        "the weekly dose under the skin in 1 to 7 parts a week, or every 2, 3 or 4 weeks",
        "120 mg/kg a week, 70 kg; ratios hardly move with either.",
        "Checks the arithmetic: it is the same model.",
        "Nothing misses; published are 95% intervals over simulated people.",
        deficiency.o7,
        (
            ("every 2 weeks: trough, to weekly", "landersdorfer_2013"),
            ("every 4 weeks: trough, to weekly", "landersdorfer_2013"),
        ),
    ),
    Item(
        "O8",
        "UK label of Gammanorm 16.5%, 60 adults",
        "496.9 mg/kg a month by pump, about weekly; 476.2 mg/kg a month by syringe, about 2.7 a week",
        f"A month is {deficiency.MONTH_DAY:g} days. {_WEIGHTS}",
        "A fair test: none of the models is known to have used this trial.",
        "4 to 6% low with Landersdorfer 2013; a month of 28 days would bring 4 to 5% more.",
        deficiency.o8,
        (
            ("pump, once a week: trough, g/L", "landersdorfer_2013"),
            ("syringe, 2.7 a week: trough, g/L", "landersdorfer_2013"),
        ),
    ),
    Item(
        "O9",
        "Bezrodnik 2013, the same people first by vein, then under the skin",
        "556 mg/kg a month by vein, then 139 mg/kg a week under the skin (16% product)",
        "A month is 28 days. No weight is printed: 60 kg, range to 80 kg. Levels under the skin at"
        f" steady state. {_SIX_HOURS}",
        "The hardest test: the same dose by another route.",
        "Known miss: at the same dose the models expect a trough under the skin from 6% below to 9%"
        " above that by vein, since only about two thirds are taken up. Measured were 28 to 37% more."
        " Nothing in what was seen tells why.",
        deficiency.o9,
        (
            ("by vein: trough, g/L", "landersdorfer_2013"),
            ("under the skin, week 16: trough, g/L", "landersdorfer_2013"),
        ),
    ),
    Item(
        "O10",
        "US label of Xembify: rule for a person of 70 kg",
        "5 mL (1 g) a week more under the skin for every 1.0 g/L missing",
        "70 kg; mean level at steady state.",
        "Not an observation: a rule for dosing.",
        "Known miss, by a third to a half. 1 g/L for 1 g a week needs a clearance per F of 0.143"
        " L/day; the models have 0.21 to 0.29.",
        deficiency.o10,
        (("rise for 1 g a week, g/L", "landersdorfer_2013"), ("rise for 1 g a week, g/L", "li_2022")),
    ),
    Item(
        "O11",
        "GamaSTAN into a muscle, 28 volunteers: antibody to hepatitis A",
        "0.2 mL/kg into a muscle",
        "A trace of IgG that changes nothing, ka 0.44 per day. Range over 60 to 80 kg.",
        "None: ka was chosen to fit this very number.",
        "The peak is flat and was sampled at few times. With ka from 0.3 to 1.0 per day it moves from"
        " about 5 to 2 days.",
        normal_igg.o11,
        (("hours to the peak of a trace", "fcrn_kim_2007"),),
    ),
    Item(
        "O12",
        "Thürmann 1995, six healthy volunteers, own IgG 12.4 g/L",
        "0.4 g/kg once by vein",
        f"{_WEIGHTS} {_SIX_HOURS} Day 29 counts from the start.",
        "A good test of what is said for people with normal IgG, with six people.",
        "Known miss on day 29: the recycling sets give a rise of 0.7 to 0.9 g/L where 2.8 g/L were"
        " measured; a model of antibody deficiency, which does not apply, comes closer (2.1 g/L). If"
        " one level scatters by 12% (the residual error of Tortorici 2021), the mean rise of six"
        " people has a standard error of about 1 g/L: the miss is two of them.",
        normal_igg.o12,
        (("end of the infusion, g/L", "fcrn_kim_2007"), ("day 29, g/L", "fcrn_kim_2007")),
    ),
    Item(
        "O13",
        "Thürmann 1995, twelve healthy volunteers, antibody to hepatitis B as a trace",
        "by vein",
        "A trace of IgG that changes nothing, own IgG 12.1 g/L (12.5 with Tortorici 2021)."
        " No weight is printed: 70 kg, range from 60 to 80 kg.",
        "A test for Kim 2007 and the blocker-anchored set. The compromise fit had the clearance among"
        " its four targets.",
        "Kim 2007 and blocker-anchored break IgG down 24% too fast, the compromise 12% too slowly."
        " Tortorici 2021 has the clearance of a rise, which speeds up breakdown; for a trace it is not"
        " meant.",
        normal_igg.o13,
        (
            ("half-life, days", "fcrn_kim_2007"),
            ("clearance, mL/min", "fcrn_kim_2007"),
            ("half-life, days", "fcrn_compromise_fit"),
        ),
    ),
    Item(
        "O14",
        "Kuitwaard 2009, 174 people with Guillain-Barré syndrome",
        "2 g/kg by vein over 5 days",
        f"Five equal parts; two weeks from the first. {_WEIGHTS} {_SIX_HOURS}",
        "The largest test in people who make IgG; acute illness may raise breakdown.",
        "15 to 25% high but for the blocker-anchored set; the printed SD between people is 5.6 g/L, a"
        " standard error of 0.4. A model of antibody deficiency (Landersdorfer 2013) is off by 87%:"
        " it does not apply to people with normal IgG.",
        normal_igg.o14,
        (
            ("rise at two weeks, g/L", "fcrn_kim_2007"),
            ("rise at two weeks, g/L", "normal"),
            ("rise at two weeks, g/L", "landersdorfer_2013"),
        ),
    ),
    Item(
        "O15",
        "van der Zeeuw 2026: published models compared in one standard patient",
        "400 mg/kg every 28 days by vein; 100 mg/kg a week under the skin",
        "Man of 70 kg and 170 cm. The own IgG is 4 g/L in every model, also where it has none."
        f" {_SIX_HOURS} Swing: peak over trough, less 1. Without Cheng 2026 (children) and Tortorici"
        " 2021 (normal IgG).",
        "Checks that all eight were copied right.",
        "Nothing misses beyond what the length of the infusion and rounding do.",
        deficiency.o15,
        (("median swing by vein, %", "eight models"), ("median swing under the skin, %", "six models")),
    ),
    Item(
        "O16",
        "Efgartigimod, a drug that blocks FcRn",
        "one dose; several doses",
        "FcRn saves no IgG at all, for ever: the largest fall that a set allows.",
        "A limit, not a test: a real block is neither full nor for ever, so the fall must be at least"
        " what was seen. The two derived sets had it among their targets.",
        "Kim 2007 allows 59% at most where 75% were seen: its share of IgG broken down without FcRn"
        " is too small.",
        normal_igg.o16,
        (
            ("fall after several doses", "fcrn_kim_2007"),
            ("fall after several doses", "fcrn_blocker_anchored"),
        ),
    ),
)

LEFT_OUT: dict[Path, str] = {
    ("O2", "metrics", "q4w", "CL_mL_kg_d"): "used to work back the dose",
    ("O2", "metrics", "q3w", "CL_mL_kg_d"): "used to work back the dose",
    ("O4", "metrics", "CI90"): "the interval of a ratio that is compared",
    ("O14", "metrics", "delta_sd"): "how much people differ; typical persons are compared here",
    (
        "O16",
        "metrics",
        "efgartigimod_single",
    ): "one dose blocks for some days: the kinetics of the blocker would be needed",
}
"""Published numbers without a prediction, and why."""


def unclaimed(rows: Iterable[Row]) -> list[str]:
    """Published numbers that no row claims and no reason leaves out."""
    claimed = {row.path for row in rows} | LEFT_OUT.keys()
    return [
        spelled(path) for path, _ in published() if not any(path[: len(known)] == known for known in claimed)
    ]


def published() -> Iterator[tuple[Path, float]]:
    """Every published number, with its path; one is printed with a remark and is a text in the file."""
    for name, entry in PUBLISHED.items():
        yield from numbers(entry["metrics"], (name, "metrics"))
    yield ("O13", "metrics", "V_L"), 5.4
