# Processor time of R metafor on the data sets that synthesis.py wrote; run by it.
#
#     Rscript metafor_timing.R FOLDER
#
# FOLDER holds plain.csv, many.csv and hundred.csv: one data set to a row, first its effects, then its variances.
# Prints one line for each kind of work: name, metafor's seconds for one unit, number of units timed.

suppressPackageStartupMessages(library(metafor))

folder <- commandArgs(trailingOnly = TRUE)[1]

read_sets <- function(name) {
  rows <- as.matrix(read.csv(file.path(folder, name), header = FALSE))
  k <- ncol(rows) / 2
  apply(rows, 1, function(row) list(y = row[1:k], v = row[(k + 1):(2 * k)]), simplify = FALSE)
}

seconds <- function(work, sets) {
  work(sets[[1]])
  begun <- proc.time()
  for (set in sets) work(set)
  spent <- proc.time() - begun
  (spent[["user.self"]] + spent[["sys.self"]]) / length(sets)
}

report <- function(name, work, sets) {
  cat(name, format(seconds(work, sets), digits = 10), length(sets), "\n")
}

# Fisher scoring does not always converge; a failed fit costs its time too
fit <- function(set) {
  tryCatch(rma(set$y, set$v, method = "REML", test = "knha"), error = function(problem) NULL)
}

fit_with_interval <- function(set) {
  fitted <- fit(set)
  if (!is.null(fitted)) confint(fitted)
}

report("fit", fit_with_interval, rep(read_sets("plain.csv"), 30))
report("many", fit_with_interval, read_sets("many.csv"))
report("leave_one_out", function(set) leave1out(fit(set)), rep(read_sets("hundred.csv"), 2))
report("refit", fit, read_sets("many.csv"))
