# Firth's penalty and profile likelihoods of Cox models, on the rows of cases in ../expected.
#
#   Rscript penalised.R > penalised.json      R with survival and jsonlite; about two minutes
#
# The partial likelihood is written out here, row by row, and its penalised form maximised directly: R's survival has no Firth
# penalty. At the estimates of coxph the written-out log-likelihood and information must be those of coxph, or the script stops.
# Profile limits are where twice the fall of the (penalised) profile log-likelihood is the 0.95 quantile of chi-squared on 1 df.
suppressPackageStartupMessages({ library(survival); library(jsonlite) })

rows_of <- function(id) {
  case <- fromJSON(file.path("..", "expected", paste0(id, ".json")), simplifyVector = FALSE)
  d <- read.csv(file.path("..", "data", case$data$file), check.names = FALSE, na.strings = "")
  for (f in case$data$filter) {
    v <- d[[f$col]]
    d <- d[switch(f$op, not_missing = !is.na(v), "<=" = !is.na(v) & v <= f$value), , drop = FALSE]
  }
  m <- case$model
  cols <- list()
  for (t in m$terms) {
    if (t$type == "num") cols[[t$col]] <- d[[t$col]]
    else for (l in unlist(t$levels)[-1]) cols[[paste0(t$col, "=", l)]] <- as.numeric(d[[t$col]] == l)
  }
  x <- do.call(cbind, cols)
  strata <- if (length(m$strata)) do.call(paste, d[unlist(m$strata)]) else rep("", nrow(d))
  rows <- list(
    x = x, stop = d[[m$time]], start = if (is.null(m$start)) rep(-Inf, nrow(d)) else d[[m$start]],
    status = as.numeric(d[[m$event$col]] %in% unlist(m$event$values)), strata = strata,
    w = if (is.null(m$weights)) rep(1, nrow(d)) else d[[m$weights]], efron = m$ties == "efron")
  keep <- complete.cases(x) & !is.na(rows$stop) & !is.na(d[[m$event$col]]) & rows$start < rows$stop
  rows$x <- x[keep, , drop = FALSE]
  for (k in c("stop", "start", "status", "strata", "w")) rows[[k]] <- rows[[k]][keep]
  with_risk_sets(rows)
}

# The rows at risk at each time of death of each stratum, and which of them die.
with_risk_sets <- function(r) {
  r$points <- list()
  for (s in unique(r$strata)) for (t in unique(r$stop[r$strata == s & r$status == 1])) {
    at <- which(r$strata == s & r$start < t & r$stop >= t)
    r$points[[length(r$points) + 1]] <- list(at = at, dies = r$stop[at] == t & r$status[at] == 1, x = r$x[at, , drop = FALSE])
  }
  dead <- r$status == 1
  r$z <- colSums(r$w[dead] * r$x[dead, , drop = FALSE])
  r
}

# Log-likelihood, score, information, and the gradient of half the log-determinant of the information.
evaluate <- function(r, b, firth) {
  p <- ncol(r$x)
  info <- matrix(0, p, p); parts <- list()
  eta <- drop(r$x %*% b)
  l <- sum((r$w * eta)[r$status == 1]); u <- r$z
  for (q in r$points) {
    w <- r$w[q$at]; hazard <- w * exp(eta[q$at])
    steps <- if (r$efron) sum(q$dies) else 1
    c <- sum(w[q$dies]) / steps
    for (k in seq_len(steps) - 1) {
      risk <- hazard * (1 - q$dies * k / steps)
      share <- risk / sum(risk)
      m <- drop(share %*% q$x)
      z <- q$x - rep(m, each = nrow(q$x))
      l <- l - c * log(sum(risk)); u <- u - c * m
      info <- info + c * crossprod(z, share * z)
      parts[[length(parts) + 1]] <- list(z = z, share = c * share)
    }
  }
  out <- list(l = l, u = u, info = info, value = l, gradient = u)
  if (firth) {
    inverse <- solve(info)
    pull <- numeric(p)
    for (q in parts) pull <- pull + colSums(q$share * rowSums((q$z %*% inverse) * q$z) * q$z)
    out$value <- l + determinant(info)$modulus[1] / 2
    out$gradient <- u + pull / 2
  }
  out
}

# The maximum over the coefficients that are not held, by steps on the information; halved where they lead down.
maximise <- function(r, b, firth, held = integer(0), steps = 500) {
  free <- setdiff(seq_along(b), held)
  e <- evaluate(r, b, firth)
  for (i in seq_len(steps)) {
    if (!length(free)) break
    g <- e$gradient[free]
    step <- solve(e$info[free, free, drop = FALSE], g)
    if (sum(step * g) < 1e-26) break
    for (h in 0:30) {
      new <- b; new[free] <- b[free] + step / 2^h
      e2 <- evaluate(r, new, firth)
      if (is.finite(e2$value) && (e2$value >= e$value - 1e-12 * abs(e$value))) break
    }
    b <- new; e <- e2
  }
  list(b = b, e = e)
}

limit <- function(r, top, j, side, firth, maximum, scale) {
  target <- qchisq(0.95, 1)
  start <- top
  g <- function(x) {
    b <- start; b[j] <- x
    m <- maximise(r, b, firth, j)
    start <<- m$b
    2 * (maximum - m$e$value) - target
  }
  a <- top[j]; z <- a + side * 2 * scale
  while (g(z) < 0) { a <- z; z <- z + side * scale }
  uniroot(g, sort(c(a, z)), tol = 1e-14, maxiter = 200)$root
}

verify <- function(r) {
  d <- data.frame(stop = r$stop, status = r$status)
  y <- if (any(is.finite(r$start))) Surv(r$start, r$stop, r$status) else Surv(r$stop, r$status)
  fit <- coxph(y ~ r$x + strata(r$strata), weights = r$w, robust = FALSE,
               ties = if (r$efron) "efron" else "breslow", control = coxph.control(eps = 1e-12, iter.max = 50))
  e <- evaluate(r, coef(fit), FALSE)
  stopifnot(abs(e$l - fit$loglik[2]) < 1e-10 * abs(e$l), max(abs(solve(e$info) / vcov(fit) - 1)) < 1e-7)
}

numbers <- function(x) lapply(x, function(v) if (is.na(v)) NULL else if (is.infinite(v)) (if (v > 0) "Inf" else "-Inf") else v)

firth <- function(id) {
  r <- rows_of(id); p <- ncol(r$x)
  m <- maximise(r, rep(0, p), TRUE)
  null <- evaluate(r, rep(0, p), TRUE)
  scale <- sqrt(diag(solve(m$e$info)))
  # Where the information is far from the penalised curvature, optim agrees as far as it goes.
  free <- optim(m$b, function(b) -evaluate(r, b, TRUE)$value, function(b) -evaluate(r, b, TRUE)$gradient,
                method = "BFGS", control = list(reltol = 1e-15, parscale = scale))
  stopifnot(max(abs(free$par - m$b) / scale) < 1e-5, -free$value <= m$e$value + 1e-10)
  lr <- sapply(seq_len(p), function(j) {
    b <- m$b; b[j] <- 0
    2 * (m$e$value - maximise(r, b, TRUE, j)$e$value)
  })
  list(id = id, kind = "firth", names = colnames(r$x), coef = m$b, se = scale, loglik_null = null$l, loglik = m$e$l,
       penalised_null = null$value, penalised = m$e$value, lr = lr, log_p = pchisq(lr, 1, lower.tail = FALSE, log.p = TRUE),
       lower = sapply(seq_len(p), function(j) limit(r, m$b, j, -1, TRUE, m$e$value, scale[j])),
       upper = sapply(seq_len(p), function(j) limit(r, m$b, j, 1, TRUE, m$e$value, scale[j])))
}

profile <- function(id, verified = TRUE) {
  r <- rows_of(id); p <- ncol(r$x)
  if (verified) verify(r)
  m <- maximise(r, rep(0, p), FALSE)
  scale <- sqrt(diag(solve(m$e$info)))
  list(id = id, kind = "profile", names = colnames(r$x), coef = m$b,
       lower = sapply(seq_len(p), function(j) limit(r, m$b, j, -1, FALSE, m$e$value, scale[j])),
       upper = sapply(seq_len(p), function(j) limit(r, m$b, j, 1, FALSE, m$e$value, scale[j])))
}

# A coefficient that runs to minus infinity: the likelihood's limit is that at -40 (hazard ratios of 1e-17).
separated <- function(id, j, side) {
  r <- rows_of(id); p <- ncol(r$x)
  b <- rep(0, p); b[j] <- side * 40
  top <- maximise(r, b, FALSE, j)
  b[j] <- 0
  lr <- 2 * (top$e$value - maximise(r, b, FALSE, j)$e$value)
  start <- b; start[-j] <- top$b[-j]; start[j] <- side * 12
  end <- limit(r, start, j, -side, FALSE, top$e$value, 1)
  list(id = id, kind = "separated", names = colnames(r$x), index = j - 1, side = side, coef = top$b, loglik = top$e$l,
       limit = end, lr = lr, log_p = pchisq(lr, 1, lower.tail = FALSE, log.p = TRUE))
}

cat(toJSON(list(
  firth("nasty-separation-stratified-efron"), firth("nasty-separation-pooled-efron"), firth("ovarian-efron"),
  firth("heart-efron"), firth("lung-weights-frac-stratified-efron"), firth("veteran-six-stratified-breslow"),
  profile("ovarian-efron"), profile("heart-efron"), profile("lung-weights-frac-stratified-efron"),
  profile("veteran-six-stratified-breslow"), profile("veteran-six-pooled-efron"), profile("lung-age-sex-ecog-pooled-breslow"),
  separated("nasty-separation-stratified-efron", 1, -1), separated("nasty-separation-pooled-efron", 1, -1)),
  digits = I(17), auto_unbox = TRUE, pretty = TRUE), "\n")
