# Elapsed time of R programs for the population that population.py wrote; run by it.
#
#     Rscript population_timing.R people.csv
#
# people.csv: cl, v1, q, v2, dose, one person to a row. Thirteen doses by vein over six hours, 28 days apart; levels on
# days 1 to 365. Prints a line for each program that R has: name and the median seconds of five runs.

people <- read.csv(commandArgs(trailingOnly = TRUE)[1])
people$ID <- seq_len(nrow(people))

report <- function(name, work) {
  work()
  cat(name, format(median(replicate(5, system.time(work())[["elapsed"]])), digits = 10), "\n")
}

if (requireNamespace("mrgsolve", quietly = TRUE)) {
  code <- "$PARAM CL = 1, V2 = 1, Q = 1, V3 = 1\n$CMT CENT PERIPH\n$PKMODEL ncmt = 2\n"
  model <- mrgsolve::mcode("two_compartments", code)
  doses <- with(people, data.frame(
    ID = ID, time = 0, evid = 1, cmt = 1, amt = dose, rate = dose / 0.25, ii = 28, addl = 12,
    CL = cl, V2 = v1, Q = q, V3 = v2
  ))
  report("mrgsolve", function() {
    mrgsolve::mrgsim_d(model, doses, start = 1, end = 365, delta = 1, obsonly = TRUE, output = "df")
  })
}

if (requireNamespace("rxode2", quietly = TRUE)) {
  model <- rxode2::rxode2("level = linCmt(cl, v1, q, v2)")
  events <- rxode2::et(amt = 1, dur = 0.25, ii = 28, addl = 12)
  events <- rxode2::et(events, 1:365)
  report("rxode2", function() rxode2::rxSolve(model, people[c("cl", "v1", "q", "v2")], events))
}
