#!/usr/bin/env Rscript
# What R says of splines, landmark cohorts, follow-up that is cut, heterogeneity between sites and binned residuals: writes terms.json beside this file.
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

# ---- landmark cohorts ----------------------------------------------------------------------------

curves <- function(time, event, group, at) {
  d <- data.frame(time, event, group = factor(group))
  lapply(levels(d$group), function(g) {
    fit <- survfit(Surv(time, event) ~ 1, data = d[d$group == g, ])
    points <- summary(fit, times = at)
    list(
      n = sum(d$group == g), events = sum(d$event[d$group == g]), median = unname(summary(fit)$table["median"]),
      times = I(fit$time), survival = I(fit$surv), at = I(points$surv), se = I(points$std.err))
  })
}

# Whole days on a grid: of those who leave a cell of m days without an event, the part (m - 1)/(2m) is not at risk in it; log S is
# straight from one end of a cell to the other.
life_table <- function(time, event, width, at) {
  cell <- ceiling(time / width)
  cells <- sort(unique(cell))
  d <- sapply(cells, function(k) sum(event & cell == k))
  n <- sapply(cells, function(k) sum(cell >= k)) - (width - 1) / (2 * width) * sapply(cells, function(k) sum(!event & cell == k))
  s <- cumprod(1 - d / n)
  se <- s * sqrt(cumsum(d / (n * (n - d))))
  k <- which(s <= 0.5)[1]
  share <- log(0.5 / s[k - 1]) / log(s[k] / s[k - 1])
  list(
    n = length(time), events = sum(event), median = width * (cells[k] - 1) + ceiling(share * width), times = I(cells * width),
    survival = I(s), at = I(s[match(at, cells * width)]), se = I(se[match(at, cells * width)]))
}

landmarks <- function() {
  d <- read("lung")
  d$event <- d$status == 2
  late <- d[d$time > 90, ]
  late$time <- late$time - 90
  # Rows (start, stop]: a person is as the row is that holds day 30, and is followed to the end of the last row.
  h <- read("heart")
  h$last <- ave(h$stop, h$id, FUN = max)
  h$dead <- ave(h$event, h$id, FUN = max)
  on <- h[h$start <= 30 & 30 < h$stop, ]
  on$time <- on$last - 30
  log_rank <- survdiff(Surv(time, event) ~ sex, data = late)
  cox <- function(formula, data) table_of(coxph(formula, data = data, control = control))
  zph <- function(transform) {
    fit <- coxph(Surv(time, event) ~ age + factor(sex) + strata(site), data = late, control = control)
    I(unname(cox.zph(fit, transform = transform)$table[, 1]))
  }
  list(
    excluded = sum(d$time <= 90), rows = nrow(late), events = sum(late$event),
    site = cox(Surv(time, event) ~ age + factor(sex) + strata(site), late),
    common = cox(Surv(time, event) ~ age + factor(sex), late),
    zph_log = zph("log"), zph_km = zph("km"),
    curves = curves(late$time, late$event, late$sex, c(100, 300)),
    log_rank = test(log_rank$chisq, 1),
    grid = list(life_table(late$time, late$event, 30, c(120, 300))),
    heart = c(
      list(excluded = length(setdiff(h$id, on$id))),
      cox(Surv(time, dead) ~ transplant + age + surgery + strata(site), transform(on, site = id %% 3))),
    heart_common = cox(Surv(time, dead) ~ transplant + age + surgery, on),
    heart_curves = curves(on$time, on$dead, on$transplant, c(60, 360)))
}

# Covariates that change with time, as rows (start, stop]; a person's rows are at one site.
time_dependent <- function() {
  h <- read("heart")
  h$site <- h$id %% 3
  b <- read("bmt_td")
  b$site <- b$id %% 3
  cox <- function(formula, data) table_of(coxph(formula, data = data, control = control))
  list(
    heart_site = cox(Surv(start, stop, event) ~ transplant + age + surgery + strata(site), h),
    heart_common = cox(Surv(start, stop, event) ~ transplant + age + surgery, h),
    bmt_site = cox(Surv(tstart, tstop, event) ~ platelets + factor(group) + z1 + strata(site), b),
    bmt_common = cox(Surv(tstart, tstop, event) ~ platelets + factor(group) + z1, b))
}

# ---- heterogeneity between sites -----------------------------------------------------------------

# The score test, at the pooled estimate, that coefficients `columns` are the same at all sites.
differs <- function(d, x, columns, ties, statistic_of_all = FALSE) {
  sites <- sort(unique(d$site))
  pooled <- coxph(Surv(time, status) ~ x + strata(site), data = d, ties = ties, control = control)
  b <- coef(pooled)
  others <- setdiff(seq_len(ncol(x)), columns)
  own <- do.call(cbind, lapply(columns, function(j) sapply(sites, function(s) x[, j] * (d$site == s))))
  start <- c(rep(b[columns], each = length(sites)), b[others])
  start[is.na(start)] <- 0
  z <- cbind(own, x[, others, drop = FALSE])
  fit <- coxph(
    Surv(time, status) ~ z + strata(site), data = d, ties = ties, init = start,
    control = coxph.control(iter.max = 0))
  test(fit$score, sum(diag(fit$var) > 0) - sum(!is.na(b)))
}

# Cochran's Q of the sites' one-step estimates from the pooled one, each with all coefficients of its own.
differs_in <- function(d, x, ties) {
  sites <- sort(unique(d$site))
  pooled <- coxph(Surv(time, status) ~ x + strata(site), data = d, ties = ties, control = control)
  parts <- lapply(sites, function(s) {
    own <- d[d$site == s, ]
    z <- x[d$site == s, ]
    varies <- apply(z, 2, function(column) diff(range(column)) > 0)
    fit <- coxph(
      Surv(own$time, own$status) ~ z[, varies], ties = ties, init = coef(pooled)[varies],
      control = coxph.control(iter.max = 0))
    detail <- coxph.detail(fit)
    variance <- solve(apply(detail$imat, 1:2, sum))
    result <- matrix(NA, 2, ncol(x))
    result[, varies] <- rbind(drop(variance %*% colSums(detail$score)), diag(variance))
    result
  })
  lapply(seq_len(ncol(x)), function(j) {
    estimate <- sapply(parts, function(p) p[1, j])
    weight <- 1 / sapply(parts, function(p) p[2, j])
    known <- !is.na(estimate)
    center <- sum((weight * estimate)[known]) / sum(weight[known])
    test(sum((weight * (estimate - center)^2)[known]), sum(known) - 1)
  })
}

heterogeneity_of <- function(d, ties) {
  cell <- factor(d$celltype, c("squamous", "smallcell", "adeno", "large"))
  x <- model.matrix(~ factor(d$trt) + d$karno + cell)[, -1]
  list(all = differs(d, x, seq_len(ncol(x)), ties), each = differs_in(d, x, ties))
}

heterogeneity <- function() {
  d <- read("veteran")
  d$site <- (seq_len(nrow(d)) - 1) %% 4
  list(
    efron = heterogeneity_of(d, "efron"), breslow = heterogeneity_of(d, "breslow"),
    # Site 2 has one treatment only, and no adenocarcinoma.
    constant = heterogeneity_of(d[!(d$site == 2 & (d$trt == 2 | d$celltype == "adeno")), ], "efron"))
}

# ---- binned residuals ----------------------------------------------------------------------------

# Neighbouring cells, merged from the left until each holds enough; what remains joins the last.
merged <- function(counts, smallest) {
  ends <- integer()
  held <- 0
  for (i in seq_along(counts)) {
    held <- held + counts[i]
    if (held >= smallest) {
      ends <- c(ends, i)
      held <- 0
    }
  }
  ends[length(ends)] <- length(counts)
  ends
}

# Cells of `width` from `lower`; bins of at least `smallest` rows, about `bins` of them.
by_covariate <- function(fit, x, lower, width, cells, smallest = 20, bins = 10) {
  cell <- floor((x - lower) / width) + 1
  ends <- merged(tabulate(cell, cells), max(smallest, ceiling(length(x) / bins)))
  bin <- findInterval(cell, ends + 1) + 1
  m <- residuals(fit, "martingale")
  status <- fit$y[, "status"]
  list(
    lower = I(lower + width * c(0, head(ends, -1))), n = I(as.vector(tabulate(bin))),
    events = I(as.vector(tapply(status, bin, sum))), expected = I(as.vector(tapply(status - m, bin, sum))),
    residual = I(as.vector(tapply(m, bin, mean))))
}

# Means of scaled Schoenfeld residuals, times their weights, over bins of time, cells of `width`. R 4.2.2's `weighted` takes the
# weights in the order of the rows, and the residuals in that of stratum and time: the rows must be in this order.
by_time <- function(fit, time, width, smallest = 20, bins = 10) {
  stopifnot(abs(colSums(residuals(fit, "schoenfeld", weighted = TRUE))) < 1e-8)
  status <- fit$y[, "status"]
  cell <- ceiling(time / width)
  dead <- cell[status == 1]
  ends <- merged(tabulate(dead, max(cell)), max(smallest, ceiling(sum(status) / bins)))
  scaled <- residuals(fit, "scaledsch", weighted = TRUE)
  at <- as.numeric(rownames(scaled))
  bin <- findInterval(ceiling(at / width), ends + 1) + 1
  list(
    lower = I(width * c(0, head(ends, -1))), events = I(as.vector(tabulate(bin))),
    effect = unname(apply(scaled, 2, function(column) tapply(column, bin, mean))))
}

diagnostics <- function() {
  d <- read("lung")
  d$sex <- factor(d$sex)
  d <- d[!is.na(d$ph.karno), ]
  one <- function(formula) {
    fit <- coxph(formula, data = d, control = control)
    list(
      age = by_covariate(fit, d$age, 18, 2, 47), karno = by_covariate(fit, d$ph.karno, 0, 10, 11),
      time = by_time(fit, d$time, 30))
  }
  list(
    site = one(Surv(time, status == 2) ~ age + sex + strata(site)),
    common = one(Surv(time, status == 2) ~ age + sex))
}

# ---- what goes together ---------------------------------------------------------------------------

# Residuals, checks and concordance of weighted fits; the rows of `diagnostics`.
weighted <- function() {
  d <- read("lung")
  d$sex <- factor(d$sex)
  d <- d[!is.na(d$ph.karno), ]
  one <- function(formula, d) {
    environment(formula) <- environment()  # R takes the rows from there once more
    fit <- coxph(formula, data = d, weights = w_frac, robust = FALSE, control = control)
    pairs <- concordance(fit)
    list(
      coef = unname(coef(fit)), age = by_covariate(fit, d$age, 18, 2, 47), karno = by_covariate(fit, d$ph.karno, 0, 10, 11),
      time = by_time(fit, d$time, 1),
      zph = lapply(c(km = "km", identity = "identity", log = "log"), function(transform) {
        table <- cox.zph(fit, transform = transform)$table
        list(statistic = unname(table[, 1]), p = unname(table[, 3]))
      }),
      concordance = list(c = unname(pairs$concordance), se = sqrt(unname(pairs$var))))
  }
  list(
    site = one(Surv(time, status == 2) ~ age + sex + strata(site), d[order(d$site, d$time, -d$status), ]),
    common = one(Surv(time, status == 2) ~ age + sex, d[order(d$time, -d$status), ]))
}

# Fine and Gray's model with strata, its predicted curves, and on times rounded up to half-years.
subdistribution <- function() {
  d <- read("mgus2")
  d <- na.omit(d[, c("etime", "event", "age", "sex", "mspike")])
  d$sex <- factor(d$sex)
  d$row <- seq_len(nrow(d))
  fit <- function(formula, time = d$etime, ties = "efron") {
    d$end <- time
    g <- finegray(Surv(end, factor(event, 0:2, c("none", "pcm", "death"))) ~ ., data = d, etype = "pcm")
    fit <- coxph(formula, data = g, weights = fgwt, cluster = row, ties = ties, control = control, model = TRUE)
    list(fit = fit, answers = list(
      n = nrow(d), coef = I(unname(coef(fit))), se = I(unname(sqrt(diag(fit$naive.var)))),
      robust_se = I(unname(sqrt(diag(fit$var)))), loglik = fit$loglik))
  }
  f <- Surv(fgstart, fgstop, fgstatus) ~ age + mspike
  strata <- fit(update(f, . ~ . + strata(sex)))
  plain <- fit(update(f, . ~ . + sex))
  times <- c(24, 60, 120, 240)
  curve <- summary(survfit(plain$fit, newdata = data.frame(age = 70, mspike = 1.2, sex = "M")), times = times)
  by_stratum <- summary(survfit(strata$fit, newdata = data.frame(age = 70, mspike = 1.2, sex = "M")), times = times)
  points <- function(curve) list(
    time = curve$time, survival = curve$surv, lower = curve$lower, upper = curve$upper, cumulative_hazard = curve$cumhaz,
    cumulative_hazard_se = curve$std.err / curve$surv)
  list(
    strata = c(strata$answers, list(curve = points(by_stratum))),
    plain = c(plain$answers, list(curve = points(curve))),
    half_years = fit(update(f, . ~ . + sex), 6 * ceiling(d$etime / 6), "breslow")$answers)
}

# ---- follow-up ended for everybody at a time -----------------------------------------------------

# Who is followed for longer is censored then; an event at the time itself counts.
censored <- function() {
  cut <- function(d, time, event, at) {
    d[[event]] <- ifelse(d[[time]] > at, 0, d[[event]])
    d[[time]] <- pmin(d[[time]], at)
    d
  }
  cox <- function(formula, data) table_of(coxph(formula, data = data, control = control))
  d <- read("lung")
  d$event <- as.numeric(d$status == 2)
  d <- cut(d, "time", "event", 360)
  log_rank <- survdiff(Surv(time, event) ~ sex, data = d)
  late <- d[d$time > 90, ]
  late$time <- late$time - 90
  pairs <- concordance(Surv(time, event) ~ age + strata(site), data = d, reverse = TRUE)
  h <- read("heart")
  h$event <- as.numeric(h$event)
  h <- cut(h[h$start < 100, ], "stop", "event", 100)
  m <- cut(read("mgus2"), "etime", "event", 120)
  incidence <- summary(survfit(Surv(etime, factor(event, 0:2)) ~ 1, data = m), times = c(60, 120))
  fine <- finegray(Surv(etime, factor(event, 0:2)) ~ age + sex, data = m, etype = "1")
  gray <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age + sex, weights = fgwt, data = fine, control = control)
  list(
    events = sum(d$event), site = cox(Surv(time, event) ~ age + factor(sex) + strata(site), d),
    common = cox(Surv(time, event) ~ age + factor(sex), d),
    landmark = cox(Surv(time, event) ~ age + factor(sex) + strata(site), late),
    curves = curves(d$time, d$event, d$sex, c(100, 300)), log_rank = test(log_rank$chisq, 1),
    concordance = unname(pairs$concordance), concordance_se = sqrt(pairs$var),
    heart = cox(Surv(start, stop, event) ~ transplant + age + surgery + strata(id %% 3), h),
    incidence = list(pcm = I(incidence$pstate[, 2]), death = I(incidence$pstate[, 3])),
    fine_gray = I(unname(coef(gray))))
}

result <- list(
  versions = list(R = as.character(getRversion()), survival = as.character(packageVersion("survival"))),
  splines = splines(), landmarks = landmarks(), censored = censored(), time_dependent = time_dependent(),
  heterogeneity = heterogeneity(), diagnostics = diagnostics(), weighted = weighted(),
  subdistribution = subdistribution())
writeLines(
  jsonlite::toJSON(result, digits = I(17), auto_unbox = TRUE, na = "null", pretty = 1),
  file.path(here, "terms.json"))
