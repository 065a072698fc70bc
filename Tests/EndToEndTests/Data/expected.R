#!/usr/bin/env Rscript
# What R says about the studies of this folder and of the demo: writes expected.json beside this file.
#
#   Rscript expected.R
#
# Needs R with survival and cmprsk (Debian: r-base-core r-cran-survival r-cran-cmprsk). The versions used stand in expected.json.
# Keys are those of `coxswain`'s JSON results. A model of one covariate of an `each` has the id "<id>/<term>".
suppressPackageStartupMessages(library(survival))
suppressPackageStartupMessages(library(cmprsk))

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
# R warns that eps is below its tolerance for collinearity, which stays at the default.
control <- suppressWarnings(coxph.control(eps = 1e-12, iter.max = 50))

# ---- reading -------------------------------------------------------------------------------------

# The files of the sites, stacked, with the site's name in `site`.
stacked <- function(folder, sites) {
  parts <- lapply(sites, function(s) cbind(read.csv(file.path(here, folder, paste0(s, ".csv"))), site = s))
  do.call(rbind, parts)
}

# ---- results, under the keys of a report ---------------------------------------------------------

counts <- function(data, kept, event) list(
  n = sum(kept), people = sum(kept), events = sum(event[kept]), dropped = sum(!kept))

test <- function(statistic, df) list(
  statistic = as.numeric(statistic), df = df,
  p = pchisq(statistic, df, lower.tail = FALSE),
  log_p = pchisq(statistic, df, lower.tail = FALSE, log.p = TRUE))

# A Cox model; `terms` names the coefficients as the study does, in R's order.
cox <- function(formula, data, terms, ties = "efron", baseline = "site", level = 0.95) {
  if (baseline == "site") formula <- update(formula, . ~ . + strata(site))
  fit <- coxph(formula, data = data, ties = ties, control = control, model = TRUE)
  stopifnot(length(terms) == length(coef(fit)))
  beta <- unname(coef(fit))
  aliased <- is.na(beta)
  covariance <- unname(vcov(fit, complete = TRUE))
  covariance[aliased, ] <- NA
  covariance[, aliased] <- NA
  se <- sqrt(diag(covariance))
  z <- beta / se
  half <- qnorm(1 - (1 - level) / 2) * se
  df <- sum(!aliased)
  kept <- seq_len(nrow(data)) %in% setdiff(seq_len(nrow(data)), fit$na.action)
  c(counts(data, kept, data$event), list(
    kind = "cox", baseline = baseline, ties = ties, level = level, terms = I(terms), coef = I(beta),
    se = I(se), z = I(z), p = I(2 * pnorm(-abs(z))), log_p = I(log(2) + pnorm(-abs(z), log.p = TRUE)),
    hr = I(exp(beta)), lower = I(exp(beta - half)), upper = I(exp(beta + half)), covariance = covariance,
    loglik_null = fit$loglik[1], loglik = fit$loglik[2],
    lr_test = test(2 * diff(fit$loglik), df), wald_test = test(fit$wald.test, df),
    score_test = test(fit$score, df)))
}

# Kaplan-Meier with log-scale limits, and the log-rank test between groups.
km <- function(data, at, by = NULL, groups = "", level = 0.95) {
  data$group <- if (is.null(by)) factor(rep("", nrow(data))) else factor(data[[by]], labels = groups)
  stopifnot(max(at) <= tapply(data$time, data$group, max))
  group <- function(name) {
    own <- data[data$group == name, ]
    fit <- survfit(Surv(time, event) ~ 1, data = own, conf.type = "log", conf.int = level)
    median <- unname(summary(fit)$table[c("median", paste0(level, c("LCL", "UCL")))])
    points <- lapply(at, function(t) {
      s <- summary(fit, times = t)
      list(time = t, n_risk = s$n.risk, survival = s$surv, se = s$std.err, lower = s$lower, upper = s$upper)
    })
    se <- fit$surv * fit$std.err
    se[is.nan(se)] <- NA
    list(
      name = name, n = nrow(own), events = sum(own$event),
      median = median[1], median_lower = median[2], median_upper = median[3],
      times = fit$time, n_risk = fit$n.risk, n_event = fit$n.event, n_censor = fit$n.censor,
      survival = fit$surv, se = se, lower = fit$lower, upper = fit$upper, at = points)
  }
  result <- c(counts(data, rep(TRUE, nrow(data)), data$event), list(
    kind = "survival", limits = "log", level = level, groups = lapply(levels(data$group), group), test = NA))
  if (!is.null(by)) {
    d <- survdiff(Surv(time, event) ~ group, data = data)
    result$test <- c(
      list(
        name = "log-rank", groups = levels(data$group), observed = unname(d$obs), expected = unname(d$exp)),
      test(d$chisq, length(levels(data$group)) - 1))
  }
  result
}

# Cumulative incidences with log-scale limits, and Gray's tests between groups; `cause` is 0 for none, or a place in `causes`.
incidence <- function(data, cause, causes, at, by, groups, rho = 0, strata = NULL, level = 0.95) {
  data$group <- factor(data[[by]], labels = groups)
  data$state <- factor(data[[cause]], seq(0, length(causes)), c("none", causes))
  stopifnot(max(at) <= tapply(data$time, data$group, max))
  columns <- function(fit) {
    one <- function(i) list(estimate = fit$pstate[, i], se = fit$std.err[, i], lower = fit$lower[, i], upper = fit$upper[, i])
    states <- lapply(seq_along(c("none", causes)), one)
    list(event_free = states[[1]], causes = setNames(states[-1], causes))
  }
  group <- function(name) {
    own <- data[data$group == name, ]
    fit <- survfit(Surv(time, state) ~ 1, data = own, conf.type = "log", conf.int = level)
    curve <- columns(fit)
    for (i in seq_along(causes)) curve$causes[[i]]$n_event <- fit$n.event[, i + 1]
    points <- lapply(at, function(t) {
      s <- summary(fit, times = t)
      c(list(time = t, n_risk = s$n.risk[, 1]), columns(s))
    })
    c(list(
      name = name, n = nrow(own), events = as.list(table(own$state)[causes]), times = fit$time, n_risk = fit$n.risk[, 1],
      n_censor = rowSums(as.matrix(fit$n.censor))), curve, list(at = I(points)))
  }
  stratum <- if (is.null(strata)) rep(1, nrow(data)) else data[[strata$column]]
  gray <- cuminc(data$time, data[[cause]], data$group, stratum, rho = rho, cencode = 0)$Tests
  tail <- function(...) I(pchisq(unname(gray[, "stat"]), unname(gray[, "df"]), lower.tail = FALSE, ...))
  c(counts(data, rep(TRUE, nrow(data)), data[[cause]] > 0), list(
    kind = "incidence", causes = I(causes), limits = "log", level = level, groups = lapply(groups, group),
    test = c(
      list(
        name = "gray", causes = I(causes), statistic = I(unname(gray[, "stat"])), df = I(unname(gray[, "df"])),
        p = tail(), log_p = tail(log.p = TRUE)),
      if (rho != 0) list(rho = rho), if (!is.null(strata)) list(strata = I(strata$name)))))
}

# The concordance of a marker, a higher value of which lets expect an earlier event, of pairs within sites.
pairs_within_sites <- function(marker, data, strata = NULL, weight = "n", level = 0.95) {
  formula <- as.formula(paste0("Surv(time, event) ~ ", marker, " + strata(", paste(c("site", strata), collapse = ", "), ")"))
  fit <- concordance(formula, data = data, reverse = TRUE, timewt = weight)
  found <- colSums(rbind(fit$count))
  se <- sqrt(fit$var)
  half <- qnorm(1 - (1 - level) / 2) * se
  c(counts(data, rep(TRUE, nrow(data)), data$event), list(
    kind = "concordance", level = level, c = unname(fit$concordance), se = se, lower = unname(fit$concordance - half),
    upper = unname(fit$concordance + half), pairs = "within-site", weight = weight),
    setNames(as.list(unname(found)), c("concordant", "discordant", "tied_x", "tied_y", "tied_xy")),
    if (!is.null(strata)) list(strata = I(strata)))
}

# A table of the patients by `by` (0 no, 1 yes); `withheld` names cells as "variable level group".
described <- function(data, by, variables, withheld = character(0)) {
  rule <- list(suppressed = "smallest-cell")
  g <- factor(data[[by]], labels = c("no", "yes"))
  columns <- c(list(data), split(data, g))
  hide <- function(values, key) lapply(seq_along(values), function(i)
    if (paste(key, c("all", "no", "yes")[i]) %in% withheld) rule else values[[i]])
  of <- function(name, statistic, df, p, log_p, hidden = FALSE)
    if (hidden) list(name = name, statistic = rule, df = rep(list(rule), length(df)), p = rule, log_p = rule)
    else list(name = name, statistic = unname(statistic), df = I(unname(df)), p = unname(p), log_p = log_p)
  number <- function(v) {
    x <- data[[v$column]]
    own <- lapply(columns, function(d) d[[v$column]][!is.na(d[[v$column]])])
    t <- t.test(x ~ g)
    w <- wilcox.test(x ~ g, exact = FALSE, correct = FALSE)
    z2 <- unname(kruskal.test(x ~ g)$statistic)
    q <- function(p) I(unname(sapply(own, quantile, p)))
    list(
      mean = I(unname(sapply(own, mean))), sd = I(unname(sapply(own, sd))), q1 = q(0.25), median = q(0.5),
      q3 = q(0.75), smd = abs(diff(sapply(own[-1], mean))) / sqrt(mean(sapply(own[-1], var))),
      tests = list(
        of("welch-t", t$statistic, t$parameter, t$p.value,
          log(2) + pt(-abs(unname(t$statistic)), t$parameter[[1]], log.p = TRUE)),
        of("wilcoxon", w$statistic, numeric(0), w$p.value, pchisq(z2, 1, lower.tail = FALSE, log.p = TRUE))))
  }
  leveled <- function(v) {
    counts <- sapply(columns, function(d) table(factor(d[[v$column]], v$levels)))
    shares <- prop.table(counts, 2)
    hidden <- any(startsWith(withheld, v$name))
    chi <- suppressWarnings(chisq.test(counts[, -1], correct = FALSE))
    p <- shares[-1, 2]; q <- shares[-1, 3]
    S <- (diag(p, length(p)) - p %o% p + diag(q, length(q)) - q %o% q) / 2
    list(
      levels = lapply(seq_along(v$levels), function(i) list(
        name = v$names[i], n = hide(counts[i, ], paste(v$name, v$names[i])),
        share = hide(shares[i, ], paste(v$name, v$names[i])))),
      smd = if (hidden) rule else sqrt(drop((p - q) %*% solve(S, p - q))),
      tests = list(of("chi-squared", chi$statistic, chi$parameter, chi$p.value,
        pchisq(unname(chi$statistic), chi$parameter[[1]], lower.tail = FALSE, log.p = TRUE), hidden)))
  }
  c(counts(data, rep(TRUE, nrow(data)), data$event), list(
    kind = "describe", by = by, groups = I(c("no", "yes")), column_people = I(unname(sapply(columns, nrow))),
    variables = lapply(variables, function(v) c(
      list(
        name = v$name, known = I(unname(sapply(columns, function(d) sum(!is.na(d[[v$column]]))))),
        missing = I(unname(sapply(columns, function(d) sum(is.na(d[[v$column]])))))),
      if (is.null(v$levels)) number(v) else leveled(v)))))
}

each <- function(id, data, terms, columns, ...) {
  fits <- lapply(seq_along(terms), function(i) {
    cox(as.formula(paste("Surv(time, event) ~", columns[i])), data, terms[i], ...)
  })
  names(fits) <- paste0(id, "/", sub("=.*", "", terms))
  fits
}

# ---- the demo's study ----------------------------------------------------------------------------

hcc <- function() {
  d <- stacked("../../../Deploy/demo-data", paste0("hospital-", 1:4))
  d$time <- d$os_months
  d$event <- d$death == 1
  d$poor_response <- as.numeric(d$response %in% c("SD", "PD"))
  d$any_local_treatment <- as.numeric(d$local_treatment != "none")
  d$large_tumour <- as.numeric(d$tumour_size_cm > 3)
  d$ecog_2_or_more <- as.numeric(d$ecog >= 2)
  terms <- c("poor_response", "any_local_treatment", "large_tumour", "ecog_2_or_more")
  model <- reformulate(terms, "Surv(time, event)")
  by_name <- function(name, levels = NULL, column = name, names = levels)
    list(name = name, column = column, levels = levels, names = names)
  yes_no <- function(name, column = name) by_name(name, 0:1, column, c("no", "yes"))
  table_1 <- described(
    d, "poor_response",
    list(
      by_name("age"), by_name("sex", c("F", "M")), by_name("aetiology", c("HBV", "HCV", "alcohol", "other")),
      by_name("child_pugh", c("A", "B", "C")), by_name("ecog"), by_name("tumour_cm", column = "tumour_size_cm"),
      yes_no("portal_vein_invasion"), yes_no("any_local_treatment")),
    # Cells of 1 to 4 people, and those that would tell them: worked out by hand from the counts.
    withheld = as.vector(outer(
      c(
        "aetiology HCV", "aetiology alcohol", "aetiology other", "child_pugh A", "child_pugh B",
        "any_local_treatment no", "any_local_treatment yes"),
      c("no", "yes"), paste)))
  c(
    list("table-1" = table_1, overall = km(d, c(12, 24)), "by-response" = km(d, c(12, 24), "poor_response", c("no", "yes"))),
    each("univariable", d, terms, terms),
    list(
      "multivariable-site" = cox(model, d, terms),
      "multivariable-common" = cox(model, d, terms, baseline = "common")))
}

# ---- lung ----------------------------------------------------------------------------------------

lung_study <- function() {
  d <- stacked("lung", paste0("site-", 1:4))
  d$event <- d$status == 2
  d$sex <- factor(d$sex)
  ase <- Surv(time, event) ~ age + sex + ph.ecog
  names <- c("age", "sex=2", "ecog")
  c(
    list(
      overall = km(d, c(182, 365, 730)), "by-sex" = km(d, c(182, 365, 730), "sex", c("1", "2"))),
    each("univariable", d, names, c("age", "sex", "ph.ecog")),
    list(
      "age-sex-ecog" = cox(ase, d, names),
      "age-sex-ecog-breslow" = cox(ase, d, names, ties = "breslow"),
      "age-sex-ecog-common" = cox(ase, d, names, baseline = "common"),
      "six-covariates" = cox(
        update(ase, . ~ . + ph.karno + pat.karno + wt.loss), d,
        c(names, "karno_physician", "karno_patient", "weight_loss")),
      "age-by-sex" = cox(Surv(time, event) ~ age * sex, d, c("age", "sex=2", "age:sex=2")),
      "within-sex" = cox(Surv(time, event) ~ age + wt.loss + strata(sex), d, c("age", "weight_loss")),
      "log-calories" = cox(
        Surv(time, event) ~ log(meal.cal) + I(age^2) + sex, d, c("log(calories)", "age_squared", "sex=2"))))
}

# ---- bone marrow ---------------------------------------------------------------------------------

bmt_study <- function() {
  d <- stacked("bmt", c("osu", "alfred", "st-vincent", "hahnemann"))
  d$time <- d$t2
  d$event <- d$d3 == 1
  d$group <- factor(d$group)
  without <- Surv(time, event) ~ group + z1 + z2 + z8
  with <- update(without, . ~ . + z10)
  names <- c("group=2", "group=3", "patient_age", "donor_age", "fab")
  list(
    "by-group" = km(d, c(100, 365, 730), "group", c("1", "2", "3")),
    "disease-free" = cox(without, d, names),
    "disease-free-mtx" = cox(with, d, c(names, "mtx")),
    "disease-free-mtx-breslow" = cox(with, d, c(names, "mtx"), ties = "breslow"),
    "disease-free-mtx-common" = cox(with, d, c(names, "mtx"), baseline = "common"),
    "causes-by-group" = incidence(d, "cr_event", c("relapse", "death"), c(100, 365), "group", c("1", "2", "3")),
    "causes-by-fab" = incidence(
      d, "cr_event", c("relapse", "death"), 365, "z8", c("no", "yes"), rho = 1, strata = list(name = "mtx", column = "z10")),
    "older-patients" = pairs_within_sites("z1", d),
    "ages-within-group" = pairs_within_sites("I(0.02 * z1 + 0.01 * z2)", d, "group", "S/G"))
}

# ---- JSON with 17 significant digits: every double reads back ------------------------------------

quoted <- function(x) paste0("\"", gsub("([\"\\\\])", "\\\\\\1", x), "\"")
scalar <- function(x) {
  if (is.na(x)) return("null")
  if (is.character(x)) return(quoted(x))
  if (is.infinite(x)) return(if (x > 0) "\"Inf\"" else "\"-Inf\"")
  short <- formatC(x, digits = 15, format = "g", width = 1)
  if (as.numeric(short) == x) short else formatC(x, digits = 17, format = "g", width = 1)
}
bracketed <- function(parts) paste0("[", paste(parts, collapse = ", "), "]")
# Lists become objects or arrays, I(...) marks a vector that stays one however short, a matrix is its rows.
json <- function(x, indent = "") {
  if (is.list(x)) {
    inner <- paste0(indent, " ")
    parts <- vapply(x, json, "", indent = inner)
    ends <- if (is.null(names(x))) c("[", "]") else c("{", "}")
    if (!is.null(names(x))) parts <- paste0(quoted(names(x)), ": ", parts)
    paste0(ends[1], "\n", paste0(inner, parts, collapse = ",\n"), "\n", indent, ends[2])
  } else if (is.matrix(x)) {
    bracketed(apply(x, 1, function(row) bracketed(vapply(row, scalar, ""))))
  } else if (inherits(x, "AsIs") || length(x) != 1) {
    bracketed(vapply(unclass(x), scalar, ""))
  } else {
    scalar(x)
  }
}

expected <- list(
  provenance = list(
    R = paste(R.version$major, R.version$minor, sep = "."), survival = packageDescription("survival")$Version,
    cmprsk = packageDescription("cmprsk")$Version,
    coxph = "eps = 1e-12, iter.max = 50; baseline site: + strata(site)"),
  studies = list("hcc-extrahepatic" = hcc(), lung = lung_study(), bmt = bmt_study()))
writeLines(json(expected), file.path(here, "expected.json"))
