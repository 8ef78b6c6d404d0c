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
        "Sceptical and enthusiastic priors.",
        "Spiegelhalter DJ, Freedman LS, Parmar MKB. Bayesian approaches to randomized trials."
        " J R Stat Soc A 1994;157(3):357-416.",
    ),
    Method(
        "bender_2018",
        "Which methods can be used with two to four studies.",
        "Bender R, Friede T, Koch A, et al. Methods for evidence synthesis in the case of very few studies."
        " Res Synth Methods 2018;9(3):382-392.",
    ),
    Method(
        "friede_2017",
        "Bayesian summary of few studies with a half-normal prior of the spread between them.",
        "Friede T, Roever C, Wandel S, Neuenschwander B. Meta-analysis of few small studies in orphan"
        " diseases. Res Synth Methods 2017;8(1):79-91.",
    ),
    Method(
        "rover_2021",
        "Scale of the prior of the spread between studies, on standardised scales and in own units.",
        "Roever C, Bender R, Dias S, et al. On weakly informative prior distributions for the heterogeneity"
        " parameter in Bayesian random-effects meta-analysis. Res Synth Methods 2021;12(4):448-474.",
    ),
    Method(
        "turner_2015",
        "Prior of the spread between log odds ratios from earlier meta-analyses.",
        "Turner RM, Jackson D, Wei Y, Thompson SG, Higgins JPT. Predictive distributions for between-study"
        " heterogeneity and simple methods for their application in Bayesian meta-analysis."
        " Stat Med 2015;34(6):984-998.",
    ),
    Method(
        "rhodes_2015",
        "Prior of the spread between standardised mean differences from earlier meta-analyses.",
        "Rhodes KM, Turner RM, Higgins JPT. Predictive distributions were developed for the extent of"
        " heterogeneity in meta-analyses of continuous outcome data. J Clin Epidemiol 2015;68(1):52-60.",
    ),
    Method(
        "knapp_hartung_2003",
        "Modified Hartung-Knapp interval, never narrower than the plain one.",
        "Knapp G, Hartung J. Improved tests for a random effects meta-regression with a single covariate."
        " Stat Med 2003;22(17):2693-2710.",
    ),
    Method(
        "rover_2015",
        "Why the Hartung-Knapp interval is modified with few studies of different size.",
        "Roever C, Knapp G, Friede T. Hartung-Knapp-Sidik-Jonkman approach and its modification for"
        " random-effects meta-analysis with few studies. BMC Med Res Methodol 2015;15:99.",
    ),
    Method(
        "inthout_2014",
        "Hartung-Knapp interval with five studies and more.",
        "IntHout J, Ioannidis JPA, Borm GF. The Hartung-Knapp-Sidik-Jonkman method for random effects"
        " meta-analysis is straightforward and considerably outperforms the standard DerSimonian-Laird"
        " method. BMC Med Res Methodol 2014;14:25.",
    ),
    Method(
        "jackson_2017",
        "What remains doubtful about the Hartung-Knapp interval.",
        "Jackson D, Law M, Ruecker G, Schwarzer G. The Hartung-Knapp modification for random-effects"
        " meta-analysis: a useful refinement but are there any residual concerns?"
        " Stat Med 2017;36(25):3923-3934.",
    ),
    Method(
        "viechtbauer_2007",
        "Interval of the between-trial variance (Q-profile).",
        "Viechtbauer W. Confidence intervals for the amount of heterogeneity in meta-analysis."
        " Stat Med 2007;26(1):37-52.",
    ),
    Method(
        "borenstein_2010",
        "Common effect beside random effects.",
        "Borenstein M, Hedges LV, Higgins JPT, Rothstein HR. A basic introduction to fixed-effect and"
        " random-effects models for meta-analysis. Res Synth Methods 2010;1(2):97-111.",
    ),
    Method(
        "lau_1992",
        "The answer as it stood after each year.",
        "Lau J, Antman EM, Jimenez-Silva J, et al. Cumulative meta-analysis of therapeutic trials for"
        " myocardial infarction. N Engl J Med 1992;327(4):248-254.",
    ),
    Method(
        "ibrahim_chen_2000",
        "Weight of comparisons without randomisation (power prior).",
        "Ibrahim JG, Chen MH. Power prior distributions for regression models. Stat Sci 2000;15(1):46-60.",
    ),
    Method(
        "hedges_olkin_1985",
        "Chance error of a standardised mean difference.",
        "Hedges LV, Olkin I. Statistical Methods for Meta-Analysis. Orlando: Academic Press; 1985.",
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
    Method(
        "sterne_2019",
        "Risk of bias of a randomised trial's result by domain (RoB 2) and the rule for its overall level.",
        "Sterne JAC, Savovic J, Page MJ, et al. RoB 2: a revised tool for assessing risk of bias in"
        " randomised trials. BMJ 2019;366:l4898.",
    ),
    Method(
        "sterne_2016",
        "Risk of bias without randomisation by domain (ROBINS-I) and the rule for its overall level.",
        "Sterne JAC, Hernan MA, Reeves BC, et al. ROBINS-I: a tool for assessing risk of bias in"
        " non-randomised studies of interventions. BMJ 2016;355:i4919.",
    ),
    Method(
        "grade_3_2011",
        "Levels of certainty and what they mean (GRADE guidelines 3).",
        "Balshem H, Helfand M, Schunemann HJ, et al. GRADE guidelines: 3. Rating the quality of evidence."
        " J Clin Epidemiol 2011;64(4):401-406.",
    ),
    Method(
        "grade_4_2011",
        "Certainty: risk of bias (GRADE guidelines 4).",
        "Guyatt GH, Oxman AD, et al. GRADE guidelines: 4. Rating the quality of evidence - study"
        " limitations (risk of bias). J Clin Epidemiol 2011;64(4):407-415.",
    ),
    Method(
        "grade_5_2011",
        "Certainty: missing results (GRADE guidelines 5).",
        "Guyatt GH, Oxman AD, Montori V, et al. GRADE guidelines: 5. Rating the quality of evidence -"
        " publication bias. J Clin Epidemiol 2011;64(12):1277-1282.",
    ),
    Method(
        "grade_6_2011",
        "Certainty: imprecision and the optimal information size (GRADE guidelines 6).",
        "Guyatt GH, Oxman AD, Kunz R, et al. GRADE guidelines 6. Rating the quality of evidence -"
        " imprecision. J Clin Epidemiol 2011;64(12):1283-1293.",
    ),
    Method(
        "grade_7_2011",
        "Certainty: inconsistency (GRADE guidelines 7).",
        "Guyatt GH, Oxman AD, Kunz R, et al. GRADE guidelines: 7. Rating the quality of evidence -"
        " inconsistency. J Clin Epidemiol 2011;64(12):1294-1302.",
    ),
    Method(
        "grade_8_2011",
        "Certainty: indirectness (GRADE guidelines 8).",
        "Guyatt GH, Oxman AD, Kunz R, et al. GRADE guidelines: 8. Rating the quality of evidence -"
        " indirectness. J Clin Epidemiol 2011;64(12):1303-1310.",
    ),
    Method(
        "grade_34_2022",
        "Certainty: imprecision by thresholds inside the interval (GRADE guidance 34).",
        "Zeng L, Brignardello-Petersen R, Hultcrantz M, et al. GRADE guidance 34: update on rating"
        " imprecision using a minimally contextualized approach. J Clin Epidemiol 2022;150:216-224.",
    ),
    Method(
        "grade_35_2022",
        "Certainty: imprecision in a context, one to three levels (GRADE guidance 35).",
        "Schunemann HJ, Neumann I, Hultcrantz M, et al. GRADE guidance 35: update on rating imprecision for"
        " assessing contextualized certainty of evidence and making decisions."
        " J Clin Epidemiol 2022;150:225-242.",
    ),
    Method(
        "core_grade_3_2025",
        "Certainty: estimates on both sides of a size worth having (Core GRADE 3).",
        "Guyatt G, Schandelmaier S, Brignardello-Petersen R, et al. Core GRADE 3: rating certainty of"
        " evidence - assessing inconsistency. BMJ 2025;389:e081905.",
    ),
    Method(
        "core_grade_4_2025",
        "Certainty: risk of bias by the weight of the trials (Core GRADE 4).",
        "Guyatt G, Wang Y, Eachempati P, et al. Core GRADE 4: rating certainty of evidence - risk of bias,"
        " publication bias, and reasons for rating up certainty. BMJ 2025;389:e083864.",
    ),
    Method(
        "grade_26_2020",
        "Words for what was found, by certainty (GRADE guidelines 26).",
        "Santesso N, Glenton C, Dahm P, et al. GRADE guidelines 26: informative statements to communicate the"
        " findings of systematic reviews of interventions. J Clin Epidemiol 2020;119:126-135.",
    ),
    Method(
        "handbook_10",
        "What a value of I2 may mean (section 10.10.2).",
        "Deeks JJ, Higgins JPT, Altman DG, et al. Chapter 10: Analysing data and undertaking meta-analyses."
        " In: Cochrane Handbook for Systematic Reviews of Interventions, version 6.5. Cochrane; 2024.",
    ),
    Method(
        "handbook_13",
        "Bias from missing results.",
        "Page MJ, Higgins JPT, Sterne JAC. Chapter 13: Assessing risk of bias due to missing evidence in a"
        " meta-analysis. In: Cochrane Handbook for Systematic Reviews of Interventions, version 6.5."
        " Cochrane; 2024.",
    ),
    Method(
        "handbook_14",
        "From risk of bias of trials to certainty, and the summary of findings table.",
        "Schunemann HJ, Higgins JPT, et al. Chapter 14: Completing 'Summary of findings' tables and"
        " grading the certainty of the evidence. In: Cochrane Handbook for Systematic Reviews of"
        " Interventions, version 6.5. Cochrane; 2024.",
    ),
    Method(
        "sterne_2011",
        "Why tests of funnel plot asymmetry need ten trials.",
        "Sterne JAC, Sutton AJ, Ioannidis JPA, et al. Recommendations for examining and interpreting funnel"
        " plot asymmetry in meta-analyses of randomised controlled trials. BMJ 2011;343:d4002.",
    ),
    Method(
        "cohen_1988",
        "People needed to see an effect, and what counts as small, moderate and large.",
        "Cohen J. Statistical Power Analysis for the Behavioral Sciences. 2nd ed. Hillsdale: Erlbaum; 1988.",
    ),
    Method(
        "fleiss_2003",
        "People needed to see a difference of two risks.",
        "Fleiss JL, Levin B, Paik MC. Statistical Methods for Rates and Proportions. 3rd ed. Hoboken: Wiley;"
        " 2003.",
    ),
    Method(
        "wilson_1927",
        "Interval of a proportion.",
        "Wilson EB. Probable inference, the law of succession, and statistical inference."
        " J Am Stat Assoc 1927;22(158):209-212.",
    ),
    Method(
        "newcombe_1998",
        "Interval of the difference of two proportions (method 10).",
        "Newcombe RG. Interval estimation for the difference between independent proportions: comparison of"
        " eleven methods. Stat Med 1998;17(8):873-890.",
    ),
    Method(
        "altman_1998",
        "Number needed to treat and its interval.",
        "Altman DG. Confidence intervals for the number needed to treat. BMJ 1998;317(7168):1309-1312.",
    ),
    Method(
        "berlin_1993",
        "Slopes of effect with dose within trials, then pooled.",
        "Berlin JA, Longnecker MP, Greenland S. Meta-analysis of epidemiologic dose-response data."
        " Epidemiology 1993;4(3):218-228.",
    ),
    Method(
        "greenland_longnecker_1992",
        "Trend of effects with dose where arms share a control.",
        "Greenland S, Longnecker MP. Methods for trend estimation from summarized dose-response data,"
        " with applications to meta-analysis. Am J Epidemiol 1992;135(11):1301-1309.",
    ),
    Method(
        "gleser_olkin_2009",
        "How effects of arms that share a control vary together.",
        "Gleser LJ, Olkin I. Stochastically dependent effect sizes. In: Cooper H, Hedges LV, Valentine"
        " JC, eds. The Handbook of Research Synthesis and Meta-Analysis. 2nd ed. New York: Russell Sage"
        " Foundation; 2009:357-376.",
    ),
    Method(
        "higgins_whitehead_1996",
        "Correlation 1/2 between the true effects of two arms of one trial.",
        "Higgins JPT, Whitehead A. Borrowing strength from external trials in a meta-analysis. Stat Med"
        " 1996;15(24):2733-2749.",
    ),
    Method(
        "mawdsley_2016",
        "Models of dose across trials.",
        "Mawdsley D, Bennetts M, Dias S, Boucher M, Welton NJ. Model-based network meta-analysis: a"
        " framework for evidence synthesis of clinical trial data. CPT Pharmacometrics Syst Pharmacol"
        " 2016;5(8):393-401.",
    ),
    Method(
        "thomas_2014",
        "A curve of effect with dose that levels off (Emax).",
        "Thomas N, Sweeney K, Somayaji V. Meta-analysis of clinical dose-response in a large drug"
        " development portfolio. Stat Biopharm Res 2014;6(4):302-317.",
    ),
    Method(
        "bretz_2005",
        "Several shapes of effect with dose side by side.",
        "Bretz F, Pinheiro JC, Branson M. Combining multiple comparisons and modeling techniques in"
        " dose-response studies. Biometrics 2005;61(3):738-748.",
    ),
    Method(
        "dunnett_sobel_1955",
        "Probability that all arms of a trial were not significant against one control.",
        "Dunnett CW, Sobel M. Approximations to the probability integral and certain percentage points"
        " of a multivariate analogue of Student's t-distribution. Biometrika 1955;42(1/2):258-260.",
    ),
    Method(
        "kass_raftery_1995",
        "Bayes factors, and which are next to nothing.",
        "Kass RE, Raftery AE. Bayes factors. J Am Stat Assoc 1995;90(430):773-795.",
    ),
    Method(
        "chinn_2000",
        "Odds ratio and standardised mean difference into each other.",
        "Chinn S. A simple method for converting an odds ratio to effect size for use in meta-analysis."
        " Stat Med 2000;19(22):3127-3131.",
    ),
    Method(
        "sanchez_meca_2003",
        "How well effects of yes-or-no outcomes stand in for standardised mean differences.",
        "Sanchez-Meca J, Marin-Martinez F, Chacon-Moscoso S. Effect-size indices for dichotomized"
        " outcomes in meta-analysis. Psychol Methods 2003;8(4):448-467.",
    ),
    Method(
        "becker_1988",
        "Standardised mean change.",
        "Becker BJ. Synthesizing standardized mean-change measures. Br J Math Stat Psychol"
        " 1988;41(2):257-278.",
    ),
    Method(
        "morris_deshon_2002",
        "Standardised mean changes and differences on one scale.",
        "Morris SB, DeShon RP. Combining effect size estimates in meta-analysis with repeated measures"
        " and independent-groups designs. Psychol Methods 2002;7(1):105-125.",
    ),
    Method(
        "morris_2008",
        "Standardised difference of changes, with a control group.",
        "Morris SB. Estimating effect sizes from pretest-posttest-control group designs. Organ Res"
        " Methods 2008;11(2):364-386.",
    ),
    Method(
        "handbook_6",
        "Standard deviations from what a paper prints.",
        "Higgins JPT, Li T, Deeks JJ. Chapter 6: Choosing effect measures and computing estimates of"
        " effect. In: Cochrane Handbook for Systematic Reviews of Interventions, version 6.5. Cochrane;"
        " 2024.",
    ),
    Method(
        "wan_2014",
        "Standard deviation from a median with its range or quartiles.",
        "Wan X, Wang W, Liu J, Tong T. Estimating the sample mean and standard deviation from the"
        " sample size, median, range and/or interquartile range. BMC Med Res Methodol 2014;14:135.",
    ),
    Method(
        "luo_2018",
        "Mean from a median with its range or quartiles.",
        "Luo D, Wan X, Liu J, Tong T. Optimally estimating the sample mean from the sample size,"
        " median, mid-range, and/or mid-quartile range. Stat Methods Med Res 2018;27(6):1785-1805.",
    ),
    Method(
        "shi_2020",
        "Standard deviation from five numbers.",
        "Shi J, Luo D, Weng H, et al. Optimally estimating the sample standard deviation from the five-"
        " number summary. Res Synth Methods 2020;11(5):641-654.",
    ),
    Method(
        "shi_2023",
        "Whether a median with its range or quartiles shows skew.",
        "Shi J, Luo D, Wan X, et al. Detecting the skewness of data from the five-number summary and"
        " its application in meta-analysis. Stat Methods Med Res 2023;32(7):1338-1360.",
    ),
    Method(
        "parmar_1998",
        "Effect and its chance error from a printed interval or P value of survival.",
        "Parmar MKB, Torri V, Stewart L. Extracting summary statistics to perform meta-analyses of the"
        " published literature for survival endpoints. Stat Med 1998;17(24):2815-2834.",
    ),
)
