# One Newton iteration of R's coxph, timed on request: "load FILE ROWS COLUMNS", then "time" as often as wished.
#
# The file has times, events and covariates as doubles, column by column. An iteration is what four iterations take beyond none,
# divided by four: sorting and checking are left out. CPU seconds.
suppressMessages(library(survival))
input <- file("stdin", "r")
seconds <- function(iterations) {
  control <- coxph.control(iter.max = iterations, eps = 1e-300, toler.chol = 1e-12, timefix = FALSE)
  before <- proc.time()
  suppressWarnings(survival:::coxph.fit(
    x, y, strata = NULL, offset = NULL, init = NULL, control = control, weights = NULL, method = "efron",
    rownames = NULL, resid = FALSE))
  used <- proc.time() - before
  used[["user.self"]] + used[["sys.self"]]
}
cat(R.version.string, " survival ", as.character(packageVersion("survival")), "\n", sep = "")
while (length(line <- readLines(input, 1)) > 0) {
  words <- strsplit(line, " ")[[1]]
  if (words[1] == "load") {
    n <- as.numeric(words[3]); p <- as.numeric(words[4])
    file <- file(words[2], "rb")
    y <- Surv(readBin(file, "double", n), readBin(file, "double", n))
    x <- matrix(readBin(file, "double", n * p), n, p)
    close(file)
    cat("ready\n")
  } else {
    cat(format((seconds(4) - seconds(0)) / 4, digits = 9), "\n")
  }
}
