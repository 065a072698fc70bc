#!/usr/bin/env Rscript
# Log-rank tests within hospitals: writes within.json beside this file.
#
#   Rscript within.R
#
# survdiff(Surv(time, event) ~ group + strata(site, ...), rho = ); it has no rows (start, stop], of which the score test of
# coxph(ties = "exact") is the log-rank test: its score is O - E and its information the hypergeometric variance. Needs R with survival
# and jsonlite (Debian: r-base-core r-cran-survival r-cran-jsonlite).
suppressPackageStartupMessages(library(survival))

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))

case <- function(id, file, time, event, value, group, site, strata = NULL, rho = 0, start = NULL, keep = NULL,
                 round = 1) {
  d <- read.csv(file.path(here, "../data", file), colClasses = "character", na.strings = "")
  if (!is.null(keep)) d <- d[d[[keep[1]]] %in% keep[2], ]
  d <- d[complete.cases(d[c(time, event, group, site, strata, start)]), ]
  d$.time <- ceiling(as.numeric(d[[time]]) / round)
  d$.event <- as.integer(d[[event]] == value)
  d$.group <- factor(d[[group]], sort(unique(d[[group]]), method = "radix"))
  within <- paste0(" ~ .group + strata(", paste(c(site, strata), collapse = ", "), ")")
  if (is.null(start)) {
    fit <- survdiff(as.formula(paste0("Surv(.time, .event)", within)), d, rho = rho)
    sums <- function(x) unname(if (is.matrix(x)) rowSums(x) else x)
    answer <- list(observed = sums(fit$obs), expected = sums(fit$exp), chisq = fit$chisq,
                   df = sum(sums(fit$exp) > 0) - 1)
  } else {
    d$.start <- as.numeric(d[[start]])
    fit <- coxph(as.formula(paste0("Surv(.start, .time, .event)", within)), d, ties = "exact", iter.max = 0)
    answer <- list(observed = as.vector(tapply(d$.event, d$.group, sum)), expected = NULL, chisq = fit$score,
                   df = length(fit$coefficients))
  }
  events <- tapply(d$.event, d[[site]], sum)
  groups <- tapply(d$.group, d[[site]], function(g) length(unique(g)))
  c(list(id = id, file = file, time = time, start = start, event = event, value = value, group = group, site = site,
         strata = I(as.character(strata)), rho = rho, keep = I(as.character(keep)), round = round,
         levels = levels(d$.group), n = as.vector(table(d$.group)), hospitals = length(events),
         without_events = sum(events == 0), lacking_a_group = sum(groups < nlevels(d$.group))), answer)
}

lung <- function(id, group, ...) case(id, "lung.csv", "time", "status", "2", group, "inst", ...)
cases <- list(
  lung("lung-sex", "sex"),
  lung("lung-sex-peto", "sex", rho = 1),
  lung("lung-ecog", "ph.ecog"),
  lung("lung-ecog-half", "ph.ecog", rho = 0.5),
  lung("lung-ecog-within-sex", "ph.ecog", strata = "sex"),
  # In months most times are tied.
  lung("lung-ecog-months", "ph.ecog", round = 30),
  lung("lung-ecog-months-peto-within-sex", "ph.ecog", strata = "sex", rho = 1, round = 30),
  case("veteran-celltype", "veteran.csv", "time", "status", "1", "celltype", "site"),
  case("veteran-celltype-within-trt-peto", "veteran.csv", "time", "status", "1", "celltype", "site", strata = c("trt", "prior"),
       rho = 1),
  case("colon-rx", "colon.csv", "time", "status", "1", "rx", "site", keep = c("etype", "2")),
  case("bmt-group", "bmt.csv", "t2", "d3", "1", "group", "hospital"),
  case("cgd-first-treat", "cgd.csv", "tstop", "status", "1", "treat", "center", keep = c("enum", "1")),
  case("cgd-treat-start", "cgd.csv", "tstop", "status", "1", "treat", "center", start = "tstart"),
  case("cgd-inherit-start", "cgd.csv", "tstop", "status", "1", "inherit", "center", strata = "sex", start = "tstart"))

json <- jsonlite::toJSON(
  list(R = as.character(getRversion()), survival = as.character(packageVersion("survival")), cases = cases),
  auto_unbox = TRUE, digits = NA, null = "null", pretty = TRUE)
writeLines(json, file.path(here, "within.json"))
