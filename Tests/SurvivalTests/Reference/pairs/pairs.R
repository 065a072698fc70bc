#!/usr/bin/env Rscript
# Concordances of markers with sites among the strata, as pairs within hospitals: writes pairs.json beside this file.
#
#   Rscript pairs.R
#
# Cases as in ../expected, in one file. Needs R with survival and jsonlite (Debian: r-base-core r-cran-survival r-cran-jsonlite).
suppressPackageStartupMessages(library(survival))

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))

case <- function(id, file, time, event, marker, site, strata = NULL, start = NULL, weights = NULL, cluster = NULL,
                 timewt = "n", ymin = NULL, ymax = NULL, reverse = TRUE) {
  d <- read.csv(file.path(here, "../data", file))
  d$.status <- as.integer(d[[event$col]] %in% event$values)
  d$.status[is.na(d[[event$col]])] <- NA
  d$.weight <- if (is.null(weights)) 1 else d[[weights]]
  d$.cluster <- if (is.null(cluster)) seq_len(nrow(d)) else d[[cluster]]
  outcome <- paste0("Surv(", paste(c(start, time, ".status"), collapse = ", "), ")")
  f <- as.formula(paste0(outcome, " ~ ", marker, " + strata(", paste(c(strata, site), collapse = ", "), ")"))
  fit <- eval(bquote(concordance(.(f), data = d, weights = .weight, cluster = .cluster, timewt = .(timewt),
                                 ymin = .(ymin), ymax = .(ymax), reverse = .(reverse))))
  counts <- if (is.matrix(fit$count)) colSums(fit$count) else fit$count
  list(
    id = id, kind = "concordance", tags = I(list()),
    data = list(file = file, filter = I(list()), site = site),
    model = list(mode = "stratified", time = time, start = start, event = event, marker = marker,
                 strata = I(c(strata, site)), weights = weights, cluster = cluster, timewt = timewt, ymin = ymin,
                 ymax = ymax, reverse = reverse),
    r_call = paste(deparse(f), collapse = ""), error = NULL,
    expected = c(list(n = fit$n, c = unname(fit$concordance), se = sqrt(unname(fit$var))),
                 setNames(as.list(unname(counts)), c("concordant", "discordant", "tied_x", "tied_y", "tied_xy"))))
}

lung <- function(id, marker = "age", ...)
  case(id, "lung.csv", "time", list(col = "status", values = I(2)), marker, "inst", ...)
cgd <- function(id, ...)
  case(id, "cgd.csv", "tstop", list(col = "status", values = I(1)), "age", "center", start = "tstart", ...)

cases <- list(
  lung("c-lung-age-by-inst"),
  lung("c-lung-age-by-inst-S", timewt = "S"),
  lung("c-lung-age-by-inst-S-over-G", timewt = "S/G"),
  lung("c-lung-age-by-inst-uno", timewt = "n/G2"),
  # With timewt = "I" survival 3.5-3 ends in a segmentation fault where a stratum has few rows, as some of lung's have.
  case("c-veteran-age-by-site-I", "veteran.csv", "time", list(col = "status", values = I(1)), "age", "site",
       timewt = "I"),
  # With ymax and such strata it counts too few pairs: 318 concordant ones at 365 days, where the institutions apart have 807.
  case("c-veteran-karno-by-site-ymax", "veteran.csv", "time", list(col = "status", values = I(1)), "karno", "site",
       reverse = FALSE, ymax = 100),
  lung("c-lung-age-by-inst-weights", weights = "w_frac"),
  lung("c-lung-ecog-by-inst-strata", marker = "ph.ecog", strata = "sex"),
  case("c-veteran-karno-by-site", "veteran.csv", "time", list(col = "status", values = I(1)), "karno", "site",
       reverse = FALSE),
  cgd("c-cgd-age-by-center"),
  cgd("c-cgd-age-by-center-cluster", cluster = "id"))

json <- jsonlite::toJSON(
  list(R = as.character(getRversion()), survival = as.character(packageVersion("survival")), cases = cases),
  auto_unbox = TRUE, digits = NA, null = "null", pretty = TRUE)
writeLines(json, file.path(here, "pairs.json"))
