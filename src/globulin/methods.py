"""The papers that the computations are written from, so that every result can cite its methods."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A method, what it is used for here, and the paper it is written from."""

    id: str
    used_for: str
    citation: str


METHODS = (
    Method(
        "hedges_1981",
        "Standardised mean difference with the exact small-sample factor.",
        "Hedges LV. Distribution theory for Glass's estimator of effect size and related estimators."
        " J Educ Stat 1981;6(2):107-128.",
    ),
    Method(
        "hasselblad_1995",
        "Odds ratio to standardised mean difference.",
        "Hasselblad V, Hedges LV. Meta-analysis of screening and diagnostic tests."
        " Psychol Bull 1995;117(1):167-178.",
    ),
    Method(
        "viechtbauer_2005",
        "Between-trial variance by restricted maximum likelihood (REML).",
        "Viechtbauer W. Bias and efficiency of meta-analytic variance estimators in the random-effects model."
        " J Educ Behav Stat 2005;30(3):261-293.",
    ),
    Method(
        "hartung_knapp_2001",
        "Hartung-Knapp interval.",
        "Hartung J, Knapp G. A refined method for the meta-analysis of controlled clinical trials with"
        " binary outcome. Stat Med 2001;20(24):3875-3889.",
    ),
    Method(
        "higgins_2002",
        "I2, the share of variation between trials that is more than chance.",
        "Higgins JPT, Thompson SG. Quantifying heterogeneity in a meta-analysis."
        " Stat Med 2002;21(11):1539-1558.",
    ),
    Method(
        "higgins_2009",
        "Prediction interval for the effect in a new trial.",
        "Higgins JPT, Thompson SG, Spiegelhalter DJ. A re-evaluation of random-effects meta-analysis."
        " J R Stat Soc A 2009;172(1):137-159.",
    ),
    Method(
        "rover_2020",
        "Bayesian random-effects summary by numerical integration.",
        "Roever C. Bayesian random-effects meta-analysis using the bayesmeta R package."
        " J Stat Softw 2020;93(6):1-51.",
    ),
    Method(
        "spiegelhalter_1994",
        "Sceptical prior.",
        "Spiegelhalter DJ, Freedman LS, Parmar MKB. Bayesian approaches to randomized trials."
        " J R Stat Soc A 1994;157(3):357-416.",
    ),
    Method(
        "gibaldi_1982",
        "Linear disposition and its steady state by superposition.",
        "Gibaldi M, Perrier D. Pharmacokinetics. 2nd ed. New York: Marcel Dekker; 1982.",
    ),
    Method(
        "kim_2007",
        "Saturable recycling of IgG by FcRn.",
        "Kim J, Hayton WL, Robinson JM, Anderson CL. Kinetics of FcRn-mediated recycling of IgG and albumin"
        " in human: pathophysiology and therapeutic implications using a simplified mechanism-based model."
        " Clin Immunol 2007;122(2):146-155.",
    ),
    Method(
        "hairer_1996",
        "Radau IIA collocation, by which the recycling equations are solved.",
        "Hairer E, Wanner G. Solving Ordinary Differential Equations II. 2nd ed. Berlin: Springer; 1996.",
    ),
    Method(
        "norman_2003",
        "Half a standard deviation as the size of a difference worth having.",
        "Norman GR, Sloan JA, Wyrwich KW. Interpretation of changes in health-related quality of life: the"
        " remarkable universality of half a standard deviation. Med Care 2003;41(5):582-592.",
    ),
)
