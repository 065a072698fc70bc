#!/usr/bin/env Rscript
# Gray's tests of cumulative incidences: writes gray.json beside this file.
#
#   Rscript gray.R
#
# Needs R with cmprsk and jsonlite (Debian: r-base-core r-cran-cmprsk r-cran-jsonlite). Rows are those of ../data without
# missing values in the columns named.
suppressPackageStartupMessages(library(cmprsk))

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))

case <- function(id, file, time, status, causes, group, strata = NULL, rho = 0) {
  d <- read.csv(file.path(here, "../data", file))
  d <- d[complete.cases(d[, c(time, status, group, strata)]), ]
  stratum <- if (is.null(strata)) rep(1, nrow(d)) else d[[strata]]
  tests <- cuminc(d[[time]], d[[status]], d[[group]], stratum, rho = rho, cencode = 0)$Tests[as.character(causes), ]
  list(
    id = id, file = file, time = time, status = status, causes = causes, group = group, strata = strata, rho = rho,
    n = nrow(d),
    statistic = unname(tests[, "stat"]), df = unname(tests[, "df"]),
    p = unname(pchisq(tests[, "stat"], tests[, "df"], lower.tail = FALSE)))
}

cases <- list(
  case("mgus2-sex", "mgus2.csv", "etime", "event", 1:2, "sex"),
  case("bmt-group", "bmt.csv", "t2", "cr_event", 1:2, "group"),
  case("bmt-group-by-hospital", "bmt.csv", "t2", "cr_event", 1:2, "group", "hospital"),
  case("bmt-hospital", "bmt.csv", "t2", "cr_event", 1:2, "hospital"),
  case("pbc-trt", "pbc.csv", "time", "status", 1:2, "trt"),
  case("pbc-edema-by-sex", "pbc.csv", "time", "status", 1:2, "edema", "sex"),
  case("mgus2-sex-rho-1", "mgus2.csv", "etime", "event", 1:2, "sex", rho = 1),
  case("bmt-group-by-hospital-rho-half", "bmt.csv", "t2", "cr_event", 1:2, "group", "hospital", 0.5),
  case("bmt-hospital-rho-2", "bmt.csv", "t2", "cr_event", 1:2, "hospital", rho = 2),
  case("pbc-edema-by-sex-rho-1", "pbc.csv", "time", "status", 1:2, "edema", "sex", 1))

json <- jsonlite::toJSON(
  list(R = as.character(getRversion()), cmprsk = as.character(packageVersion("cmprsk")), cases = cases),
  auto_unbox = TRUE, digits = NA, null = "null", pretty = TRUE)
writeLines(json, file.path(here, "gray.json"))
