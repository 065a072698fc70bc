# Makes separation.json: what R says of models without a maximum. R 4.2.2, survival 3.5-3.
# The supremum of the log-likelihood is that of coxph after many iterations; the likelihood ratio of a coefficient compares it
# with the model without its column, all else refitted; limits are roots of the profile likelihood, by offsets.
suppressMessages(library(survival))
control <- suppressWarnings(coxph.control(eps = 1e-13, iter.max = 100))
fit <- function(y, x, strata, weights, offset = rep(0, nrow(x))) {
  x <- x[, colSums(abs(x)) > 0, drop = FALSE]
  rhs <- if (ncol(x) > 0) "x + offset(offset)" else "offset(offset)"
  if (!is.null(strata)) rhs <- paste(rhs, "+ strata(strata)")
  suppressWarnings(coxph(as.formula(paste("y ~", rhs)), weights = weights, robust = FALSE, control = control))
}
top <- function(...) { f <- fit(...); f$loglik[length(f$loglik)] }
case <- function(y, x, strata, weights, infinite) {
  sup <- top(y, x, strata, weights)
  ratio <- sapply(seq_len(ncol(x)), function(j) 2 * (sup - top(y, x[, -j, drop = FALSE], strata, weights)))
  names(ratio) <- colnames(x)
  limits <- sapply(names(infinite), function(name) {
    j <- match(name, colnames(x)); side <- infinite[[name]]
    drop <- function(b) top(y, x[, -j, drop = FALSE], strata, weights, b * x[, j]) - sup + qchisq(.95, 1) / 2
    exp(side * uniroot(function(s) drop(side * s), c(-2, 7), tol = 1e-11)$root)
  })
  list(loglik = sup, lr = ratio, limits = limits)
}
finite <- function(f, names) { k <- match(names, sub("^x", "", names(coef(f)))); list(coef = setNames(coef(f)[k], names), se = setNames(sqrt(diag(vcov(f)))[k], names)) }
D <- lapply(c(reference = "reference-level", small = "small", stage = "stage", cells = "cells", ordered = "ordered", late = "late-entry"), function(n) read.csv(paste0(n, ".csv")))
dummies <- function(v, name) { l <- sort(unique(as.character(v)))[-1]; m <- sapply(l, function(k) 1 * (v == k)); colnames(m) <- paste0(name, "=", l); m }
out <- list()
for (baseline in c("site", "common")) {
  s <- function(d) if (baseline == "site") d$site else NULL
  d <- D$reference; x <- cbind(dummies(d$g, "g"), x = d$x); y <- Surv(d$time, d$died)
  r <- case(y, x, s(d), rep(1, nrow(d)), setNames(rep(1, 4), colnames(x)[1:4])); k <- d$g != "A"
  # Without the rows of the level that has no event the likelihood is that of the limit.
  f <- fit(y[k], x[k, -1], s(d)[k], rep(1, sum(k))); r$finite <- finite(f, "x"); r$differences <- finite(f, colnames(x)[2:4])
  out[[paste0("reference-", baseline)]] <- r
  d <- D$stage; x <- cbind(dummies(d$stage, "stage"), x = d$x)
  r <- case(Surv(d$t, d$d), x, s(d), rep(1, nrow(d)), c("stage=II" = 1, "stage=III" = 1)); k <- d$stage != "I"
  f <- fit(Surv(d$t, d$d)[k], x[k, -1], s(d)[k], rep(1, sum(k))); r$finite <- finite(f, "x"); r$differences <- finite(f, "stage=III")
  out[[paste0("stage-", baseline)]] <- r
  d <- D$cells; x <- cbind(a = d$a, b = d$b, x = d$x, "a:b" = d$a * d$b)
  r <- case(Surv(d$t, d$d), x, s(d), rep(1, nrow(d)), c("a:b" = -1)); k <- d$a * d$b == 0
  r$finite <- finite(fit(Surv(d$t, d$d)[k], x[k, -4], s(d)[k], rep(1, sum(k))), c("a", "b", "x")); out[[paste0("cells-", baseline)]] <- r
  d <- D$late; x <- cbind(dummies(d$g, "g"), x = d$x); y <- Surv(d$entry, d$time, d$died)
  n <- ncol(x) - 1; r <- case(y, x, s(d), d$weight, setNames(rep(1, n), colnames(x)[1:n])); k <- d$g != "A"
  f <- fit(y[k], x[k, -1], s(d)[k], d$weight[k]); r$finite <- finite(f, "x"); r$differences <- finite(f, colnames(x)[2:n])
  out[[paste0("late-", baseline)]] <- r
}
d <- D$small; out[["small-common"]] <- case(Surv(d$t, d$d), cbind(x1 = d$x1, x2 = d$x2), NULL, rep(1, nrow(d)), c(x1 = 1, x2 = -1))
d <- D$ordered; out[["ordered-site"]] <- case(Surv(d$t, d$d), cbind(x1 = d$x1, x2 = d$x2), d$site, rep(1, nrow(d)), c(x1 = 1, x2 = -1))
json <- function(v) {
  if (is.list(v)) return(paste0("{", paste(sprintf('"%s": %s', names(v), sapply(v, json)), collapse = ", "), "}"))
  if (!is.null(names(v))) return(json(as.list(v)))
  if (abs(v) < 1e-9) v <- 0
  format(v, digits = 15)
}
writeLines(gsub('"([a-z]+-[a-z]+)": ', '\n"\\1": ', json(out)), "separation.json")
