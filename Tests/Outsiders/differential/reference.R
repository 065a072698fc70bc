# R's answers to the random analyses of `fuzz`: one function a kind of analysis, each printing names and numbers by `out`.
#
# Run as a worker: Rscript reference.R; each line of standard input is the path of a script of calls, each answered by lines
# and a last line "#end". A script can be run by itself: Rscript -e 'source("reference.R"); source("call.R")'.
suppressPackageStartupMessages({ library(survival); library(splines) })
options(na.action = "na.pass", warn = 1)

out <- function(name, values) {
  values <- as.numeric(unlist(values))
  cat(name, "\t", paste(ifelse(is.na(values), "NA", sprintf("%.17g", values)), collapse = " "), "\n", sep = "")
}

# ---- data ------------------------------------------------------------------------------------------

# `levels`: for each category its levels, the reference first; `flags`: yes/no variables.
cohort <- function(file, levels, filter = NULL) {
  d <- read.csv(file, colClasses = "character", na.strings = "")
  for (name in names(d)) {
    if (name %in% names(levels)) d[[name]] <- factor(d[[name]], levels = levels[[name]])
    else if (!name %in% c("pid", "site")) d[[name]] <- as.numeric(d[[name]])
  }
  d$row <- seq_len(nrow(d))
  if (!is.null(filter)) d <- d[which(with(d, eval(filter)) == 1), ]
  d
}

# Harrell's basis, divided by the square of the distance of the outer knots.
rcs_ <- function(x, knots) {
  k <- length(knots)
  p3 <- function(u) pmax(u, 0)^3
  curved <- sapply(seq_len(k - 2), function(j)
    (p3(x - knots[j]) - p3(x - knots[k - 1]) * (knots[k] - knots[j]) / (knots[k] - knots[k - 1]) +
       p3(x - knots[k]) * (knots[k - 1] - knots[j]) / (knots[k] - knots[k - 1])) / (knots[k] - knots[1])^2)
  cbind(x, matrix(curved, length(x)))
}

value <- function(d, expression) if (is.null(expression)) NULL else as.numeric(with(d, eval(expression)))

# Times and events, and which rows have all of them and of `others`; after a landmark times count from it.
endpoint <- function(d, time, event, start = NULL, landmark = NULL, others = list()) {
  d$.time <- value(d, time); d$.event <- value(d, event); d$.start <- if (is.null(start)) NA else value(d, start)
  if (!is.null(landmark)) {
    d <- d[is.na(d$.time) | d$.time > landmark, ]
    d$.time <- d$.time - landmark
  }
  d
}
complete <- function(d, columns, has_start) {
  keep <- complete.cases(d[, c(".time", ".event", columns), drop = FALSE])
  if (has_start) keep <- keep & !is.na(d$.start) & d$.start < d$.time
  keep
}
response <- function(d, has_start) if (has_start) Surv(d$.start, d$.time, d$.event) else Surv(d$.time, d$.event)

# Where the study takes one of rows that overlap: without late entry all rows of a person do, and the first of the file is taken.
people_of <- function(d, people) if (identical(people, "first-row")) !duplicated(d$pid) else rep(TRUE, nrow(d))

strata_of <- function(d, names) interaction(d[, names, drop = FALSE], drop = TRUE)

# ---- Cox models ------------------------------------------------------------------------------------

cox <- function(d, time, event, terms, start = NULL, landmark = NULL, strata = NULL, weights = NULL, offset = NULL,
                cluster = NULL, ties = "efron", level = 0.95, zph = NULL, concordance = NULL, pairs = NULL, ridge = NULL,
                fine_gray = NULL, profiles = NULL, at = NULL, curve_limits = "log", baseline_hazard = FALSE,
                heterogeneity = FALSE, people = NULL) {
  has_start <- !is.null(start)
  d <- endpoint(d, time, event, start, landmark)
  X <- model.matrix(terms, d)
  assign <- attr(X, "assign")[-1]
  X <- X[, -1, drop = FALSE]
  d$.weights <- if (is.null(weights)) 1 else value(d, weights)
  d$.offset <- if (is.null(offset)) 0 else value(d, offset)
  needed <- c(strata, pairs, cluster, ".weights", ".offset")
  keep <- complete(d, needed, has_start) & complete.cases(X)
  # As ridge(scale = TRUE): variances of all rows of the cohort that have the covariate.
  variances <- apply(X, 2, function(x) var(x, na.rm = TRUE))
  d <- d[keep, ]; X <- X[keep, , drop = FALSE]
  first <- people_of(d, people)
  d <- d[first, ]; X <- X[first, , drop = FALSE]
  out("n", c(nrow(d), sum(d$.event)))
  y <- response(d, has_start)
  s <- if (is.null(strata)) NULL else strata_of(d, strata)
  control <- coxph.control(eps = 2e-12, iter.max = 200)
  base <- list(control = control, ties = ties, model = FALSE)
  if (!is.null(weights)) base$weights <- d$.weights
  if (is.null(cluster)) base$robust <- FALSE else { base$cluster <- d[[cluster]]; base$robust <- TRUE }
  fit_on <- function(groups, at = NULL) {
    args <- base
    if (!is.null(at)) { args$init <- unname(at); args$control <- coxph.control(iter.max = 0) }
    for (i in seq_along(groups)) assign(paste0("T", i), groups[[i]])
    o <- d$.offset
    right <- c(paste0("T", seq_along(groups)), if (!is.null(s)) "strata(s)", if (!is.null(offset)) "offset(o)")
    do.call(coxph, c(list(as.formula(paste("y ~", paste(right, collapse = " + ")))), args))
  }
  groups <- lapply(unique(assign), function(i) X[, assign == i, drop = FALSE])
  if (!is.null(ridge)) return(penalised(fit_on, X, assign, variances, ridge, level))
  if (!is.null(fine_gray)) return(subdistribution(d, X, fine_gray, ties, control, level))
  spread <- apply(X, 2, function(x) diff(range(x)))
  f <- told(fit_on(groups), spread)
  kept <- !is.na(coef(f))
  if (!any(kept) && diff(c(f$loglik, f$loglik)[1:2]) > 1e-6) stop("R has a likelihood of a coefficient that is NA")
  out("spread", spread)
  # A coefficient whose information has vanished on its way to infinity, which R drops: without it the likelihood is smaller.
  is_dropped <- any(kept) && !all(kept) && f$loglik[2] > again(fit_on(list(X[, kept, drop = FALSE])))$loglik[2] + 1e-6
  if (length(f$infinite) || is_dropped) return(separated(f))
  report(on_orthogonal_columns(f, fit_on, X, kept), level)
  if (!any(kept)) return(invisible())
  tests(f, fit_on, X, assign, kept, grepl("^rcs_[^:]*$", attr(terms(terms), "term.labels")))
  if (!is.null(zph)) {
    # Each term's columns made orthogonal, which changes no test of terms.
    within <- lapply(groups, function(G) if (ncol(G) > 1 && qr(G)$rank == ncol(G)) qr.Q(qr(scale(G))) * sqrt(nrow(G)) else G)
    z <- cox.zph(if (all(kept)) fit_on(within) else f, transform = zph, terms = TRUE)$table
    out("zph", z[, "chisq"]); out("zph_log_p", pchisq(z[, "chisq"], z[, "df"], lower.tail = FALSE, log.p = TRUE))
  }
  if (!is.null(concordance))
    pairs_of(d, y, f$linear.predictors, unique(c(strata, pairs)), weights, cluster, concordance)
  if (heterogeneity) compare_sites(d, y, X, f, base, strata, offset)
  if (!is.null(profiles) || baseline_hazard)
    predicted(d, f, X, y, s, profiles, at, curve_limits, level, baseline_hazard, base, terms, offset)
  invisible()
}

# A fit with the coefficients that R's warning says may be infinite, and which are far out where R comes to no end.
told <- function(fit, spread) {
  infinite <- integer(0)
  ran_out <- FALSE
  f <- withCallingHandlers(fit, warning = function(w) {
    if (grepl("Ran out", conditionMessage(w))) {
      ran_out <<- TRUE
      invokeRestart("muffleWarning")
    }
    if (!grepl("may be infinite", conditionMessage(w))) return()
    named <- regmatches(conditionMessage(w), regexpr("variable +[0-9, ]+", conditionMessage(w)))
    # Of one covariate R names none.
    infinite <<- if (length(named)) as.integer(strsplit(gsub("[^0-9,]", "", named), ",")[[1]]) else 1L
    invokeRestart("muffleWarning")
  })
  if (ran_out) infinite <- which(abs(coef(f)) * spread > 12)
  if (ran_out && !length(infinite)) warning("R does not converge")
  f$infinite <- infinite
  f
}

# A fit of the same model on other columns, of which R warns wrongly where a coefficient is nearly 0.
again <- function(fit) withCallingHandlers(fit, warning = function(w)
  if (grepl("may be infinite", conditionMessage(w))) invokeRestart("muffleWarning"))

# What is left of a fit whose likelihood has no maximum: R ends where it has next to nothing more to gain.
separated <- function(f) {
  if (any(diag(as.matrix(f$var)) < 0)) stop("R's variance is negative")
  out("infinite", f$infinite)
  out("coef", coef(f)); out("se", sqrt(diag(as.matrix(if (is.null(f$naive.var)) f$var else f$naive.var))))
  out("loglik", f$loglik); out("score_test", f$score)
  invisible()
}

# The same fit with the digits that nearly collinear columns, such as those of a spline, cost R: on orthogonal columns, brought back.
on_orthogonal_columns <- function(f, fit_on, X, kept) {
  if (sum(kept) < 2) return(f)
  Z <- scale(X[, kept, drop = FALSE])
  if (any(attr(Z, "scaled:scale") == 0)) return(f)
  condition <- kappa(Z, exact = TRUE)
  out("condition", condition)
  if (condition < 100) return(f)
  q <- qr(Z, LAPACK = FALSE, tol = 1e-14)
  g <- again(fit_on(list(qr.Q(q) * sqrt(nrow(X)))))
  if (any(is.na(coef(g))) || any(q$pivot != seq_len(ncol(Z)))) return(f)
  A <- backsolve(qr.R(q), diag(ncol(Z))) * sqrt(nrow(X)) / attr(Z, "scaled:scale")
  f$coefficients[kept] <- A %*% coef(g)
  f$var[kept, kept] <- A %*% g$var %*% t(A)
  if (!is.null(f$naive.var)) f$naive.var[kept, kept] <- A %*% g$naive.var %*% t(A)
  f$loglik <- g$loglik
  f
}

report <- function(f, level) {
  b <- coef(f); se <- sqrt(diag(f$var)); naive <- sqrt(diag(if (is.null(f$naive.var)) f$var else f$naive.var))
  se[is.na(b)] <- NA; naive[is.na(b)] <- NA
  q <- qnorm(0.5 + level / 2)
  out("coef", b); out("se", naive)
  if (!is.null(f$naive.var)) out("robust_se", se)
  out("z", b / se); out("log_p", log(2) + pnorm(-abs(b / se), log.p = TRUE))
  out("log_lower", b - q * se); out("log_upper", b + q * se)
  V <- f$var; V[is.na(b), ] <- NA; V[, is.na(b)] <- NA
  out("covariance", V)
  out("loglik", f$loglik)
  if (length(f$loglik) == 1) out("loglik", rep(f$loglik, 2))
}

# Of all coefficients and of each term, on orthogonal columns: of nearly collinear ones the formed variance loses digits.
tests <- function(f, fit_on, X, assign, kept, is_spline) {
  out("assign", assign)
  is_curved <- is_spline[assign] & duplicated(assign)
  df <- sum(kept)
  lr <- 2 * diff(f$loglik)
  out("lr_test", lr); out("lr_test_log_p", pchisq(lr, df, lower.tail = FALSE, log.p = TRUE))
  out("score_test", f$score); out("df", df)
  X <- X[, kept, drop = FALSE]; assign <- assign[kept]; is_curved <- is_curved[kept]
  last <- function(columns) {
    columns <- which(columns)
    order <- c(setdiff(seq_len(ncol(X)), columns), columns)
    Q <- qr.Q(qr(scale(X[, order, drop = FALSE]))) * sqrt(nrow(X))
    g <- again(fit_on(list(Q)))
    place <- tail(seq_len(ncol(X)), length(columns))
    V <- g$var[place, place, drop = FALSE]
    # No test where the robust variance has not that many directions.
    if (any(is.na(coef(g))) || rcond(V) < 1e-9 || max(V) < 1e-9 * max(diag(g$naive.var %||% g$var))) return(NA)
    sum(coef(g)[place] * solve(V, coef(g)[place]))
  }
  out("wald_test", last(rep(TRUE, df)))
  for (i in unique(assign)) {
    out(paste0("term_test ", i), last(assign == i))
    if (any(is_curved & assign == i)) out(paste0("nonlinear_test ", i), last(is_curved & assign == i))
  }
}
`%||%` <- function(a, b) if (is.null(a)) b else a

penalised <- function(fit_on, X, assign, variances, ridge, level) {
  penalised <- assign %in% ridge$terms
  size <- if (ridge$scale) sqrt(variances) else rep(1, ncol(X))
  size[size == 0] <- 1
  Z <- sweep(X, 2, size, "/")
  R <- Z[, penalised, drop = FALSE]
  others <- lapply(unique(assign[!penalised]), function(i) X[, assign == i, drop = FALSE])
  colnames(R) <- paste0("r", seq_len(ncol(R)))
  columns <- lapply(seq_len(ncol(R)), function(j) R[, j])
  P <- do.call(survival::ridge, c(setNames(columns, colnames(R)), list(theta = ridge$theta, scale = FALSE)))
  f <- fit_on(c(others, list(P)))
  # Under weights R's penalised fit may end with a likelihood that is not that of its coefficients.
  there <- fit_on(c(others, list(R)), coef(f))
  if (abs(there$loglik[1] - f$loglik[2]) > 1e-8 * abs(f$loglik[2])) stop("R's ridge contradicts itself")
  place <- match(seq_len(ncol(X)), c(which(!penalised), which(penalised)))
  scale <- ifelse(penalised, size, 1)
  b <- coef(f)[place] / scale
  V <- f$var[place, place] / outer(scale, scale)
  se <- sqrt(diag(as.matrix(V)))
  # Of a covariate that is constant among those at risk at any event R's 0 is the penalty given back: no coefficient.
  none <- penalised & apply(X, 2, function(x) is.na(coef(fit_on(list(x)))))
  b[none] <- NA; se[none] <- NA; V <- as.matrix(V); V[none, ] <- NA; V[, none] <- NA
  out("coef", b); out("se", se); out("covariance", V); out("loglik", f$loglik)
  out("penalty_df", if (length(f$df)) tail(f$df, 1) else 0); out("df", sum(f$df))
  any <- sum(f$df) > 1e-9
  out("lr_test", if (any) 2 * diff(f$loglik) else NA); out("wald_test", if (any) f$wald.test else NA)
  if (ridge$scale) out("variances", variances[penalised])
}

subdistribution <- function(d, X, fine_gray, ties, control, level) {
  cause <- factor(value(d, fine_gray$code), levels = 0:fine_gray$causes)
  frame <- data.frame(time = d$.time, cause = cause, pid = d$pid, X)
  names(frame) <- c("time", "cause", "pid", paste0("x", seq_len(ncol(X))))
  g <- finegray(Surv(time, cause) ~ ., frame, etype = fine_gray$cause)
  Z <- as.matrix(g[, paste0("x", seq_len(ncol(X))), drop = FALSE])
  fit_on <- function(groups, at = NULL) {
    Z <- groups[[1]]
    coxph(Surv(fgstart, fgstop, fgstatus) ~ Z, g, weights = fgwt, cluster = pid, robust = TRUE, ties = ties, control = control)
  }
  spread <- apply(X, 2, function(x) diff(range(x)))
  f <- told(fit_on(list(Z)), spread)
  out("spread", spread)
  if (length(f$infinite)) return(separated(f))
  f <- on_orthogonal_columns(f, fit_on, Z, !is.na(coef(f)))
  report(f, level)
  out("lr_test", 2 * diff(f$loglik))
}

pairs_of <- function(d, y, marker, strata, weights, cluster, options) {
  frame <- list(y = y, m = marker)
  formula <- if (length(strata)) { frame$s <- strata_of(d, strata); y ~ m + strata(s) } else y ~ m
  # Of more than `keepstrata` strata R puts one after the other on one axis of time, and then compares that with ymax.
  args <- list(formula, data = frame, reverse = TRUE, timewt = options$weight %||% "n", ymin = options$ymin, ymax = options$ymax,
               keepstrata = TRUE)
  if (!is.null(weights)) args$weights <- d$.weights
  if (!is.null(cluster)) args$cluster <- d[[cluster]]
  k <- do.call(survival::concordance, args)
  out("c", k$concordance); out("c_se", sqrt(k$var))
  out("pairs", if (is.matrix(k$count)) colSums(k$count) else k$count)
}

# The score test of all interactions with the site at the common estimate, and Cochran's Q of one-step estimates.
compare_sites <- function(d, y, X, f, base, strata, offset) {
  kept <- !is.na(coef(f)); X <- X[, kept, drop = FALSE]; b <- coef(f)[kept]
  o <- d$.offset
  inner <- setdiff(strata, "site")
  parts <- lapply(split(seq_len(nrow(d)), d$site), function(rows) {
    if (sum(y[rows, ncol(y)]) == 0) return(NULL)
    Z <- X[rows, , drop = FALSE]; own <- y[rows]; off <- o[rows]
    args <- base; args$control <- coxph.control(iter.max = 0)
    if (!is.null(args$weights)) args$weights <- args$weights[rows]
    args$cluster <- NULL; args$robust <- FALSE
    s <- if (length(inner)) strata_of(d[rows, ], inner) else rep(1, length(rows))
    g <- suppressWarnings(do.call(coxph, c(list(own ~ Z + strata(s) + offset(off), init = b), args)))
    if (any(is.na(coef(g))) || any(diag(g$var) == 0)) return(NA)
    u <- colSums(as.matrix(residuals(g, "score", weighted = TRUE)))
    list(u = u, V = as.matrix(g$var))
  })
  parts <- parts[!sapply(parts, is.null)]
  if (length(parts) < 3 || any(is.na(parts))) return(out("heterogeneity_skipped", 1))
  out("heterogeneity_global", sum(sapply(parts, function(p) sum(p$u * (p$V %*% p$u)))))
  out("heterogeneity_df", (length(parts) - 1) * length(b))
  out("heterogeneity", sapply(seq_along(b), function(j) {
    step <- sapply(parts, function(p) (p$V %*% p$u)[j]); w <- sapply(parts, function(p) 1 / p$V[j, j])
    sum(w * step^2) - sum(w * step)^2 / sum(w)
  }))
}

predicted <- function(d, f, X, y, s, profiles, at, curve_limits, level, baseline_hazard, base, terms, offset) {
  T <- X; o <- d$.offset
  g <- do.call(coxph, c(list(if (is.null(s)) y ~ T + offset(o) else y ~ T + strata(s) + offset(o)), base))
  curve <- function(values, at, name) {
    new <- data.frame(o = 0)
    new$T <- matrix(values, 1)
    strata <- if (is.null(s)) list(NULL) else as.list(levels(s))
    for (k in seq_along(strata)) {
      if (!is.null(s)) new$s <- factor(strata[[k]], levels = levels(s))
      c <- survfit(g, newdata = new, conf.type = curve_limits, conf.int = level, se.fit = TRUE)
      keep <- c$n.event > 0
      out(paste(name, strata[[k]] %||% "", "times"), c$time[keep])
      out(paste(name, strata[[k]] %||% "", "hazard"), c$cumhaz[keep])
      out(paste(name, strata[[k]] %||% "", "hazard_se"), c$std.chaz[keep])
      if (name != "baseline") {
        out(paste(name, strata[[k]] %||% "", "survival"), c$surv[keep])
        out(paste(name, strata[[k]] %||% "", "lower"), c$lower[keep])
        out(paste(name, strata[[k]] %||% "", "upper"), c$upper[keep])
      }
    }
  }
  if (baseline_hazard) curve(rep(0, ncol(X)), NULL, "baseline")
  for (i in seq_along(profiles)) {
    row <- d[1, , drop = FALSE]
    for (name in names(profiles[[i]]))
      row[[name]] <- if (is.factor(d[[name]])) factor(profiles[[i]][[name]], levels = levels(d[[name]])) else profiles[[i]][[name]]
    curve(model.matrix(terms, row)[, -1], at, paste0("profile", i))
  }
}

# ---- curves ----------------------------------------------------------------------------------------

survival_curves <- function(d, time, event, start = NULL, landmark = NULL, by = NULL, weights = NULL, robust = FALSE, at = NULL,
                            quantiles = NULL, rmst = NULL, follow_up = FALSE, limits = "log", level = 0.95,
                            estimate = "kaplan-meier", test = NULL, strata = NULL, people = NULL) {
  has_start <- !is.null(start)
  d <- endpoint(d, time, event, start, landmark)
  d$.weights <- if (is.null(weights)) 1 else value(d, weights)
  d$.by <- if (is.null(by)) "" else if (is.character(by)) d[[by]] else value(d, by)
  d <- d[complete(d, c(".by", ".weights", strata), has_start), ]
  d <- d[people_of(d, people), ]
  out("n", c(nrow(d), sum(d$.event)))
  kind <- list(`kaplan-meier` = c(1, 1), `nelson-aalen` = c(2, 1), `fleming-harrington` = c(2, 2))[[estimate]]
  fit <- function(rows, reversed = FALSE) {
    own <- d[rows, ]
    if (reversed) own$.event <- 1 - own$.event
    args <- list(response(own, has_start) ~ 1, conf.type = if (limits == "log-log") "log-log" else limits, conf.int = level,
                 stype = if (reversed) 1 else kind[1], ctype = if (reversed) 1 else kind[2])
    if (!is.null(weights)) args$weights <- own$.weights
    if (robust) { args$cluster <- own$pid; args$robust <- TRUE } else args$robust <- FALSE
    f <- do.call(survfit, args)
    if (robust && kind[1] == 2 && !reversed) {
      # R's robust standard error of exp(-H) is that of H.
      f$std.err <- f$surv * f$std.chaz
      c <- survival:::survfit_confint(f$surv, f$std.err, logse = FALSE, conf.type = limits, conf.int = level)
      f$lower <- c$lower; f$upper <- c$upper
    }
    f
  }
  groups <- if (is.null(by)) "" else if (is.factor(d$.by)) levels(d$.by) else c(0, 1)
  for (i in seq_along(groups)) {
    rows <- which(d$.by == groups[i])
    if (!length(rows)) next
    f <- fit(rows)
    name <- paste0("group", i, " ")
    se <- if (f$logse) f$std.err * f$surv else f$std.err
    out(paste0(name, "times"), f$time); out(paste0(name, "n_risk"), f$n.risk); out(paste0(name, "n_event"), f$n.event)
    out(paste0(name, "n_censor"), f$n.censor); out(paste0(name, "survival"), f$surv); out(paste0(name, "se"), se)
    out(paste0(name, "lower"), f$lower); out(paste0(name, "upper"), f$upper)
    out(paste0(name, "cumulative_hazard"), f$cumhaz); out(paste0(name, "cumulative_hazard_se"), f$std.chaz)
    out(paste0(name, "median"), printed(f, 0.5))
    for (p in quantiles) out(paste0(name, "quantile ", p), printed(f, p))
    table <- function(tau) summary(f, rmean = tau)$table
    for (tau in rmst) {
      # R has no mean to a time before the first exit.
      if (tau <= min(f$time)) { out(paste0(name, "rmst ", tau), c(tau, 0)); next }
      mean <- table(tau)[grep("rmean", names(table(tau)))]
      # R's error of a robust curve's mean is Greenwood's.
      if (robust) mean[2] <- sqrt(sum(rowsum(residuals(f, times = tau, type = "auc", weighted = TRUE), d$pid[rows])^2))
      out(paste0(name, "rmst ", tau), mean)
    }
    for (t in at) {
      k <- sum(f$time <= t)
      out(paste0(name, "at ", t),
          if (t > max(f$time)) rep(NA, 4) else if (k == 0) c(1, 0, 1, 1) else c(f$surv[k], se[k], f$lower[k], f$upper[k]))
    }
    if (follow_up) out(paste0(name, "follow_up"), printed(fit(rows, reversed = TRUE), 0.5))
  }
  if (!is.null(test)) log_rank(d, test, strata)
}

# A quantile and its limits by the rule of print(survfit) (survival:::survmean): the first time at or below the level, or the
# middle of a plateau on it that ends in a drop. (quantile(survfit) takes the middle of a last plateau as well.)
printed <- function(f, p) {
  tolerance <- sqrt(.Machine$double.eps)
  first <- function(y) {
    keep <- !is.na(y) & y < 1 - p + tolerance
    if (!any(keep)) return(NA)
    x <- f$time[keep]; y <- y[keep]
    if (abs(y[1] - (1 - p)) < tolerance && any(y < y[1])) (x[1] + x[min(which(y < y[1]))]) / 2 else x[1]
  }
  c(first(f$surv), first(f$lower), first(f$upper))
}

log_rank <- function(d, test, strata) {
  # R counts a group with no row, and stops at one group.
  g <- droplevels(factor(d$.by))
  y <- Surv(d$.time, d$.event)
  s <- if (is.null(strata)) NULL else strata_of(d, strata)
  f <- if (is.null(s)) survdiff(y ~ g, rho = test$rho) else survdiff(y ~ g + strata(s), rho = test$rho)
  total <- function(x) if (is.matrix(x)) rowSums(x) else x
  out("observed", total(f$obs)); out("expected", total(f$exp)); out("chisq", f$chisq)
  if (isTRUE(test$trend)) {
    # Scores are those of all levels, present or not.
    w <- match(levels(g), if (is.factor(d$.by)) levels(d$.by) else c(0, 1))
    out("trend", sum(w * (total(f$obs) - total(f$exp)))^2 / drop(w %*% f$var %*% w))
  }
}

incidence <- function(d, time, code, causes, landmark = NULL, by = NULL, weights = NULL, at = NULL, limits = "log", level = 0.95,
                      start = NULL, test = NULL, strata = NULL, people = NULL) {
  d <- endpoint(d, time, code, start, landmark)
  d$.weights <- if (is.null(weights)) 1 else value(d, weights)
  d$.by <- if (is.null(by)) "" else d[[by]]
  d <- d[complete(d, c(".by", ".weights", strata), !is.null(start)), ]
  d <- d[people_of(d, people), ]
  out("n", nrow(d))
  for (i in seq_along(levels(d$.by) %||% "")) {
    own <- if (is.null(by)) d else d[d$.by == levels(d$.by)[i], ]
    if (!nrow(own)) next
    state <- factor(own$.event, levels = 0:causes)
    y <- if (is.null(start)) Surv(own$.time, state) else Surv(own$.start, own$.time, state)
    args <- list(y ~ 1, data = own, id = own$row, conf.type = limits, conf.int = level)
    if (!is.null(weights)) args$weights <- own$.weights
    f <- do.call(survfit, c(args, influence = TRUE))
    # R's error is that of rows, whatever the cluster: `id` wins. Influences of a person's rows belong together.
    people <- own$pid
    # Before the times themselves stands, as a rule, the one at which the curve begins.
    squares <- apply(f$influence.pstate, 3, function(m) tail(colSums(rowsum(matrix(m, length(people)) * own$.weights, people)^2), length(f$time)))
    f$std.err <- matrix(sqrt(squares), length(f$time))
    limits_of <- survival:::survfit_confint(f$pstate, f$std.err, logse = FALSE, conf.type = limits, conf.int = level)
    f$lower <- limits_of$lower; f$upper <- limits_of$upper
    name <- paste0("group", i, " ")
    out(paste0(name, "times"), f$time)
    if (is.null(weights)) out(paste0(name, "n_risk"), f$n.risk[, 1])
    for (k in seq_len(causes + 1)) {
      part <- paste0(name, "state", k - 1, " ")
      out(paste0(part, "estimate"), f$pstate[, k]); out(paste0(part, "se"), f$std.err[, k])
      out(paste0(part, "lower"), f$lower[, k]); out(paste0(part, "upper"), f$upper[, k])
    }
  }
  if (!is.null(test)) {
    g <- droplevels(d$.by)
    s <- if (is.null(strata)) rep(1, nrow(d)) else strata_of(d, strata)
    k <- cmprsk::cuminc(d$.time, d$.event, g, s, rho = test$rho, cencode = 0)$Tests
    for (c in seq_len(causes)) if (as.character(c) %in% rownames(k)) out(paste0("gray ", c), k[as.character(c), c("stat", "df")])
  }
}

marker_concordance <- function(d, time, event, of, start = NULL, landmark = NULL, strata = NULL, pairs = NULL, weights = NULL,
                               robust = FALSE, options = list(), level = 0.95, people = NULL) {
  d <- endpoint(d, time, event, start, landmark)
  d$.weights <- if (is.null(weights)) 1 else value(d, weights)
  d$.of <- value(d, of)
  d <- d[complete(d, c(".of", ".weights", strata, pairs), !is.null(start)), ]
  d <- d[people_of(d, people), ]
  out("n", c(nrow(d), sum(d$.event)))
  pairs_of(d, response(d, !is.null(start)), d$.of, unique(c(strata, pairs)), weights, if (robust) "pid", options)
}

# ---- tables ----------------------------------------------------------------------------------------

describe <- function(d, time, event, variables, start = NULL, by = NULL) {
  d <- endpoint(d, time, event, start)
  d <- d[complete(d, by, !is.null(start)), ]
  if (!is.null(start)) d <- d[order(d$.start, d$row), ]
  d <- d[!duplicated(d$pid), ]
  g <- if (is.null(by)) NULL else d[[by]]
  out("n", nrow(d))
  columns <- function(x, f) c(f(x), if (!is.null(g)) sapply(levels(g), function(l) f(x[which(g == l)])))
  for (i in seq_along(variables)) {
    x <- with(d, eval(variables[[i]]))
    name <- paste0("variable", i, " ")
    out(paste0(name, "known"), columns(x, function(v) sum(!is.na(v))))
    if (is.factor(x)) {
      for (l in levels(x)) out(paste0(name, "level ", l), columns(x, function(v) sum(v == l, na.rm = TRUE)))
      if (!is.null(g)) {
        counts <- table(x, g); counts <- counts[rowSums(counts) > 0, colSums(counts) > 0, drop = FALSE]
        if (all(dim(counts) > 1)) {
          k <- suppressWarnings(chisq.test(counts, correct = FALSE))
          out(paste0(name, "chi-squared"), c(k$statistic, k$parameter))
        }
      }
      next
    }
    x <- ifelse(is.finite(x), x, NA)
    out(paste0(name, "mean"), columns(x, function(v) if (all(is.na(v))) NA else mean(v, na.rm = TRUE)))
    out(paste0(name, "sd"), columns(x, function(v) sd(v, na.rm = TRUE)))
    for (q in c(0.25, 0.5, 0.75))
      out(paste0(name, "q", q), columns(x, function(v) if (all(is.na(v))) NA else quantile(v, q, na.rm = TRUE, names = FALSE)))
    if (is.null(g)) next
    ok <- !is.na(x); v <- x[ok]; h <- droplevels(g[ok])
    if (nlevels(h) < 2 || any(table(h) < 2)) next
    if (nlevels(g) == 2) {
      k <- tryCatch(t.test(v ~ h), error = function(e) NULL)
      if (!is.null(k)) out(paste0(name, "welch-t"), c(k$statistic, k$parameter))
      k <- suppressWarnings(wilcox.test(v ~ h, exact = FALSE, correct = FALSE))
      out(paste0(name, "wilcoxon"), k$p.value)
    } else {
      k <- oneway.test(v ~ h, var.equal = TRUE)
      out(paste0(name, "anova-f"), c(k$statistic, k$parameter))
      k <- kruskal.test(v, h)
      out(paste0(name, "kruskal-wallis"), c(k$statistic, k$parameter))
    }
  }
}

# ---- the worker ------------------------------------------------------------------------------------

# Each call is answered by itself: its warnings and its error are told, and the next one goes on.
answer <- function(id, call) {
  cat("#analysis\t", id, "\n", sep = "")
  withCallingHandlers(
    tryCatch(call, error = function(e) cat("#error\t", gsub("\n", " ", conditionMessage(e)), "\n", sep = "")),
    warning = function(w) {
      cat("#warning\t", gsub("\n", " ", conditionMessage(w)), "\n", sep = "")
      invokeRestart("muffleWarning")
    })
}

if (!interactive() && any(grepl("^--file=.*reference.R$", commandArgs(FALSE)))) {
  input <- file("stdin", "r")
  while (length(path <- readLines(input, 1))) {
    tryCatch(source(path, local = new.env()), error = function(e) cat("#error\t", gsub("\n", " ", conditionMessage(e)), "\n", sep = ""))
    cat("#end\n"); flush(stdout())
  }
}
