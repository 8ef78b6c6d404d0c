"""What people are asked about one person, a dose or many people, as they said it: records that options fill.

They stand below everything else, load nothing and hold no rule. So every command that asks the same thing
takes the same record, `--help` lists its fields with the words that stand below them, and whoever computes
with it checks it. None: it was not said.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

# in the order of the dossier: of two unions of the same literals Python keeps whichever came first
Route = Literal["iv", "im", "sc", "fsc"]


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that was sent or typed and is held in memory, for readers that otherwise take a path.

    What is in it may be about a person, so it is never written to disk only to be read.
    """

    name: str
    raw: bytes

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.name).stem

    def open(self, mode: Literal["rb"]) -> BinaryIO:  # noqa: ARG002  (as of a path, in the one mode there is)
        """The bytes as a stream."""
        return io.BytesIO(self.raw)


AnyFile = Path | HeldFile
"""A file on disk, or one that is held in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAsked:
    """One person."""

    weight_kg: float | None = None
    """Body weight in kg; default: the reference adult."""
    height_cm: float | None = None
    """Body height in cm."""
    sex: Literal["female", "male"] | None = None
    """For lean body mass."""
    age_year: float | None = None
    """Age in years."""
    baseline_g_per_l: float | None = None
    """The person's own IgG before treatment, in g/L; taken as exact."""
    indication: Literal["normal_igg", "primary_deficiency", "secondary_deficiency", "neuropathy"] | None = (
        None
    )
    """Why immune globulin is given, where it changes how long IgG is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseAsked:
    """A dose that is repeated."""

    route: Route = "iv"
    """Vein, under the skin, the same with hyaluronidase, muscle."""
    dose_g: float | None = None
    """Grams of one dose."""
    dose_g_per_kg: float | None = None
    """Grams of one dose per kg of body weight."""
    interval_day: float | None = None
    """Days from one dose to the next."""
    infusion_day: float | None = None
    """Days that a dose runs; default: 0.25 into a vein, else at once."""
    daily_parts: int = 1
    """Split each dose over so many consecutive days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDoseAsked(DoseAsked):
    """The same, where the dose may also be said in millilitres of a product."""

    dose_ml: float | None = None
    """Millilitres of one dose; needs --dose-ml-of."""
    dose_ml_of: str | None = None
    """Id of the product whose mL are meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseAsked:
    """How many doses there are, or a table of them."""

    doses: int | None = None
    """How many doses; default: repeated for ever (steady state)."""
    steady_state: bool = False
    """With --doses: the dose had been repeated for ever before."""
    history: AnyFile | None = None
    """CSV of doses: TIME (day) AMT (g) RATE or DUR, ROUTE, II, ADDL, SS, ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdAsked:
    """Many people."""

    people: int | None = None
    """How many virtual people, instead of one person."""
    seed: int | None = None
    """Seed of the virtual people; the same seed draws the same ones. Default: 1."""
    group: str | None = None
    """Who the virtual people are: adults or adolescents. Default: adults."""
    people_file: Path | None = None
    """CSV of people of your own: WEIGHT_KG HEIGHT_CM SEX AGE_YEAR BASELINE_G_PER_L."""

    @property
    def asked(self) -> bool:
        """Whether many people are asked about, and not one."""
        return self.people is not None or self.people_file is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientAsked:
    """One person to plan for; what is said here goes before what the person's file says."""

    weight_kg: float | None = None
    """Body weight in kg."""
    height_cm: float | None = None
    """Body height in cm."""
    sex: Literal["female", "male"] | None = None
    """For ideal weight and lean body mass."""
    age_year: float | None = None
    """Age in years."""
    baseline_g_per_l: float | None = None
    """The person's own IgG before treatment, in g/L; taken as exact."""
    pre_pregnancy_weight_kg: float | None = None
    """Body weight before pregnancy, in kg."""
    has: str | None = None
    """Conditions the person has, by id, with commas; globulin plan --template lists them."""
    has_not: str | None = None
    """Conditions the person does not have; what is named in neither counts as not known."""
    risk: str | None = None
    """Risks of the person whose reason is not named: renal, thrombosis, or both with a comma."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimenAsked:
    """What is to be given how often."""

    product: str | None = None
    """Product id; without one, all products of the route are ranked for this person."""
    regimen: str | None = None
    """Id of a regimen of the dossier, as globulin regimens lists them; options below change parts of it."""
    route: Route | None = None
    """Vein, under the skin, the same with hyaluronidase, muscle; default: the product's only one."""
    dose_g: float | None = None
    """Grams of one dose."""
    dose_g_per_kg: float | None = None
    """Grams of one dose per kg of body weight."""
    dose_mg_per_kg: float | None = None
    """The same in mg, as labels write it."""
    dose_ml: float | None = None
    """Millilitres of the product in one dose."""
    interval_day: float | None = None
    """Days from one dose to the next."""
    once: bool = False
    """A single course, not repeated."""
    split_over_days: int | None = None
    """Split each dose over so many consecutive days."""
    doses: int | None = None
    """How many doses the course has, for its cost."""
    cap_g: float | None = None
    """The most grams of one dose, whatever the weight."""
    weight_basis: Literal["actual", "ideal", "adjusted_0_4", "adjusted_0_5"] | None = None
    """Weight that the dose goes by; default: actual."""
    rounding: Literal["none", "vials", "5_g", "vials_down"] = "none"
    """Round the dose: to whole vials, to 5 g, or down to whole vials within 5%."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfusionAsked:
    """How it is given."""

    indication: str | None = None
    """Labelled use whose steps are followed, such as pi, itp, cidp; default: none, as for ME/CFS."""
    first: bool = False
    """The first infusion of this product (the default)."""
    later: bool = False
    """A later infusion of this product."""
    infusion_number: int | None = None
    """Which infusion of this product it is, where labels allow more from, say, the fifth on."""
    max_rate_mg_per_kg_min: float | None = None
    """A highest rate of one's own."""
    step_minutes: float | None = None
    """Minutes of each step where the label states none (local practice). Default: 30."""
    step_factor: float | None = None
    """Factor from step to step where the label states none (local practice). Default: 2."""
    sites: int | None = None
    """Under the skin: how many sites at once; default: the fewest that the label allows."""
    reaction_at: float | None = None
    """Minute of a reaction: plan the rest of the infusion from there."""
    pause_minutes: float | None = None
    """Minutes that nothing runs after a reaction. Default: 30."""
    resume: Literal["previous", "half"] | None = None
    """Go on at the rate tolerated before (the default), or at half the rate of the reaction."""
    raise_again: bool = False
    """After a reaction, go up the steps again, not above the rate at which it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAsked:
    """What it costs."""

    price_list: str | None = None
    """Price list id; default: the newest of the dossier."""
    price_per_g: float | None = None
    """A price of one's own for a gram; needs --currency."""
    price_per_vial: str | None = None
    """Prices of one's own by vial, as 5=460,10=910 (grams=price); needs --currency."""
    currency: str | None = None
    """Currency of a price of one's own, such as USD; nothing is converted."""
