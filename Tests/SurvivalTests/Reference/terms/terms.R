#!/usr/bin/env Rscript
# What R says of splines, landmark cohorts, heterogeneity between sites and binned residuals: writes terms.json beside this file.
#
#   Rscript terms.R
#
# Needs R with survival and jsonlite (Debian: r-base-core r-cran-survival r-cran-jsonlite). Versions stand in terms.json.
# Rows are those of ../data; row i (from 0) is at site i modulo 3 unless said otherwise.
suppressPackageStartupMessages(library(survival))

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
control <- suppressWarnings(coxph.control(eps = 1e-12, iter.max = 50))

read <- function(name) {
  d <- read.csv(file.path(here, "../data", paste0(name, ".csv")))
  d$site <- (seq_len(nrow(d)) - 1) %% 3
  d
}

test <- function(statistic, df) list(
  statistic = unname(statistic), df = df, p = unname(pchisq(statistic, df, lower.tail = FALSE)))

table_of <- function(fit) list(
  n = fit$n, events = fit$nevent, coef = I(unname(coef(fit))), se = I(unname(sqrt(diag(fit$var)))),
  loglik = fit$loglik[2], score = unname(fit$score))

# ---- restricted cubic splines --------------------------------------------------------------------

# Harrell, Regression Modeling Strategies, 2015, 2.4.5; normalised as Hmisc::rcspline.eval(norm = 2).
rcs <- function(x, k) {
  n <- length(k)
  plus <- function(t) pmax(x - t, 0)^3
  curved <- sapply(seq_len(n - 2), function(j) {
    (plus(k[j]) - plus(k[n - 1]) * (k[n] - k[j]) / (k[n] - k[n - 1]) +
      plus(k[n]) * (k[n - 1] - k[j]) / (k[n] - k[n - 1])) / (k[n] - k[1])^2
  })
  cbind(x, curved)
}

wald <- function(fit, columns) {
  b <- coef(fit)[columns]
  test(drop(b %*% solve(vcov(fit)[columns, columns], b)), length(columns))
}

spline <- function(formula, d, terms, nonlinear, transform = NULL) {
  fit <- coxph(formula, data = d, control = control, model = TRUE)
  result <- c(table_of(fit), list(
    terms = lapply(terms, function(columns) wald(fit, columns)), nonlinear = wald(fit, nonlinear)))
  if (!is.null(transform)) {
    zph <- cox.zph(fit, transform = transform)$table
    result$zph <- list(statistic = I(unname(zph[, 1])), df = I(unname(zph[, 2])))
  }
  result
}

splines <- function() {
  d <- read("lung")
  d$sex <- factor(d$sex)
  d$curve <- rcs(d$age, c(45, 58, 66, 75))
  d$calories <- rcs(log(d$meal.cal), c(5.5, 6.8, 7.2))
  list(
    basis = list(
      x = I(c(18, 45, 51.3, 58, 60, 66, 70, 75, 80, 110)),
      columns = rcs(c(18, 45, 51.3, 58, 60, 66, 70, 75, 80, 110), c(45, 58, 66, 75))),
    site = spline(Surv(time, status == 2) ~ curve + sex + strata(site), d, list(1:3), 2:3, "km"),
    common = spline(Surv(time, status == 2) ~ curve + sex, d, list(1:3), 2:3, "identity"),
    interaction = spline(Surv(time, status == 2) ~ curve * sex + strata(site), d, list(1:3, 5:7), 2:3),
    robust = spline(
      Surv(time, status == 2) ~ calories + factor(ph.ecog) + cluster(id) + strata(site), d[d$ph.ecog %in% 0:2, ], list(1:2, 3:4), 2))
}

result <- list(
  versions = list(R = as.character(getRversion()), survival = as.character(packageVersion("survival"))),
  splines = splines())
writeLines(
  jsonlite::toJSON(result, digits = I(17), auto_unbox = TRUE, na = "null", pretty = 1),
  file.path(here, "terms.json"))
