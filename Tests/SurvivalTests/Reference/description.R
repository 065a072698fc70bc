#!/usr/bin/env Rscript
# What R says of tables of patients: writes description.json beside this file.
#
#   Rscript description.R
#
# R 4.2.2; base packages, and jsonlite to write. Data: data/pbc.csv and data/mgus2.csv.
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
pbc <- read.csv(file.path(here, "data", "pbc.csv"))
mgus2 <- read.csv(file.path(here, "data", "mgus2.csv"))

of <- function(test, statistic, df, p, log_p) list(
  test = test, statistic = unname(statistic), df = I(unname(df)), p = unname(p), log_p = log_p)

# Standardised difference of two groups' shares: in the metric of the mean multinomial covariance (Yang and Dalton 2012).
distance <- function(p, q) {
  d <- (p - q)[-1]
  S <- ((diag(p, length(p)) - p %o% p) + (diag(q, length(q)) - q %o% q)) / 2
  sqrt(drop(d %*% solve(S[-1, -1, drop = FALSE], d)))
}
over_pairs <- function(k, f) mean(combn(k, 2, function(i) f(i[1], i[2])))

number <- function(name, d, x, by) {
  d <- d[!is.na(d[[by]]), ]
  keep <- !is.na(d[[x]])
  g <- factor(d[[by]])[keep]
  v <- d[[x]][keep]
  k <- nlevels(g)
  m <- tapply(v, g, mean); s2 <- tapply(v, g, var)
  if (k == 2) {
    t <- t.test(v ~ g)
    means <- of("welch-t", t$statistic, t$parameter, t$p.value,
      log(2) + pt(-abs(unname(t$statistic)), t$parameter[[1]], log.p = TRUE))
    w <- wilcox.test(v ~ g, exact = FALSE, correct = FALSE)
    h <- unname(kruskal.test(v ~ g)$statistic)     # the square of Wilcoxon's z
    ranks <- of("wilcoxon", w$statistic, numeric(0), w$p.value, pchisq(h, 1, lower.tail = FALSE, log.p = TRUE))
  } else {
    f <- oneway.test(v ~ g, var.equal = TRUE)
    means <- of("anova-f", f$statistic, f$parameter, f$p.value,
      pf(unname(f$statistic), f$parameter[[1]], f$parameter[[2]], lower.tail = FALSE, log.p = TRUE))
    h <- kruskal.test(v ~ g)
    ranks <- of("kruskal-wallis", h$statistic, h$parameter, h$p.value,
      pchisq(unname(h$statistic), h$parameter[[1]], lower.tail = FALSE, log.p = TRUE))
  }
  list(
    name = name, values = I(v), groups = I(as.integer(g) - 1),
    mean = I(unname(m)), sd = I(unname(sqrt(s2))), all_mean = mean(v), all_sd = sd(v),
    quantiles = unname(sapply(split(v, g), quantile, c(0.25, 0.5, 0.75), names = FALSE)),
    all_quantiles = I(quantile(v, c(0.25, 0.5, 0.75), names = FALSE)),
    smd = over_pairs(k, function(i, j) unname(abs(m[i] - m[j]) / sqrt((s2[i] + s2[j]) / 2))),
    means = means, ranks = ranks)
}

shares <- function(name, d, x, by) {
  t <- unclass(table(d[[x]], d[[by]]))
  c2 <- suppressWarnings(chisq.test(t, correct = FALSE))
  p <- prop.table(t, 2)
  list(
    name = name, counts = unname(matrix(as.integer(t), nrow(t))),
    smd = over_pairs(ncol(t), function(i, j) distance(p[, i], p[, j])),
    shares = of("chi-squared", c2$statistic, c2$parameter, c2$p.value,
      pchisq(unname(c2$statistic), c2$parameter[[1]], lower.tail = FALSE, log.p = TRUE)))
}

tails <- list(
  t = apply(expand.grid(t = c(0.01, 0.7, 2.2, 9, 40), df = c(1, 2.5, 17.3, 240, 1e5)), 1, function(x)
    list(t = x[[1]], df = x[[2]], p = 2 * pt(-x[[1]], x[[2]]), log_p = log(2) + pt(-x[[1]], x[[2]], log.p = TRUE))),
  f = apply(expand.grid(f = c(0.02, 0.9, 3, 50, 5000), df1 = c(1, 3, 40), df2 = c(2, 33, 5000)), 1, function(x)
    list(f = x[[1]], df1 = x[[2]], df2 = x[[3]], p = pf(x[[1]], x[[2]], x[[3]], lower.tail = FALSE),
      log_p = pf(x[[1]], x[[2]], x[[3]], lower.tail = FALSE, log.p = TRUE))))

writeLines(jsonlite::toJSON(
  list(
    provenance = list(R = paste(R.version$major, R.version$minor, sep = ".")),
    numbers = list(
      number("age by sex", pbc, "age", "sex"), number("bilirubin by treatment", pbc, "bili", "trt"),
      number("bilirubin by stage", pbc, "bili", "stage"), number("copper by stage", pbc, "copper", "stage"),
      number("age by sex of mgus2", mgus2, "age", "sex"), number("haemoglobin by death", mgus2, "hgb", "death")),
    shares = list(
      shares("stage by sex", pbc, "stage", "sex"), shares("spiders by stage", pbc, "spiders", "stage"),
      shares("edema by death", transform(pbc, dead = status == 2), "edema", "dead"),
      shares("sex by death of mgus2", mgus2, "sex", "death")),
    tails = tails),
  auto_unbox = TRUE, digits = I(17)), file.path(here, "description.json"))
