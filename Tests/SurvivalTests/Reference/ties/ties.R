#!/usr/bin/env Rscript
# Times of very different sizes, of which some differ by less than R's rule for equal times (`timefix`) if the mean over all rows is taken,
# and by more if only the rows of one region are: writes heavy.csv and ties.json beside this file.
#
#   Rscript ties.R
#
# Needs R with survival and jsonlite. No time occurs twice, so that the mean over rows is that over distinct times.
suppressPackageStartupMessages(library(survival))

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
control <- coxph.control(eps = 1e-12, iter.max = 50)

set.seed(7)
regions <- c(a = 1, b = 30, c = 1000, d = 1e5)
heavy <- do.call(rbind, lapply(names(regions), function(region) {
  base <- regions[[region]] * (1:8 + 0.1 * match(region, names(regions)))
  data.frame(region, time = c(base, base + 5e-4 * c(1, 2, 1, 2, 1, 2, 1, 2), regions[[region]] * 9.7))
}))
heavy$status <- rbinom(nrow(heavy), 1, 0.75)
heavy$x <- round(rnorm(nrow(heavy)), 3)
heavy <- heavy[sample(nrow(heavy)), ]
write.csv(
  transform(heavy, time = sprintf("%.17g", time)), file.path(here, "heavy.csv"), row.names = FALSE, quote = FALSE)

table_of <- function(formula, ...) {
  fit <- coxph(formula, data = heavy, control = coxph.control(eps = 1e-12, iter.max = 50, ...))
  list(coef = unname(coef(fit)), se = sqrt(fit$var[1, 1]), loglik = fit$loglik[2])
}
curve <- survfit(Surv(time, status) ~ 1, data = heavy)
writeLines(
  jsonlite::toJSON(
    list(
      versions = list(R = as.character(getRversion()), survival = as.character(packageVersion("survival"))),
      strata = table_of(Surv(time, status) ~ x + strata(region)), pooled = table_of(Surv(time, status) ~ x),
      strata_untied = table_of(Surv(time, status) ~ x + strata(region), timefix = FALSE),
      concordance = unname(concordance(Surv(time, status) ~ x + strata(region), data = heavy, reverse = TRUE)$concordance),
      curve = list(times = curve$time, survival = curve$surv)),
    digits = I(17), auto_unbox = TRUE, na = "null", pretty = 1),
  file.path(here, "ties.json"))
