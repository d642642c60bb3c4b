# Make predict_lme4.json: what lme4's predict says with all group terms, none and one of them, for rows of known and of
# new levels, with its criterion followed to its very minimum.
# Run it from the root of the project, where ../shared/data holds the data:
#
#     Rscript tests/truth/reference/make_predict_reference.R ../shared/data tests/truth/reference/predict_lme4.json
suppressMessages({ library(lme4); library(jsonlite) })
words <- commandArgs(trailingOnly = TRUE)

# Newton's method on the profiled criterion, with differences of the fourth order: bobyqa sees theta no closer than the
# square root of the rounding of the criterion.
polished <- function(criterion, theta) {
  slope <- function(t) vapply(seq_along(t), function(i) {
    h <- replace(numeric(length(t)), i, 2e-3)
    (8 * (criterion(t + h) - criterion(t - h)) - (criterion(t + 2 * h) - criterion(t - 2 * h))) / (12 * 2e-3)
  }, 0)
  curvature <- vapply(seq_along(theta), function(i) {
    h <- replace(numeric(length(theta)), i, 1e-3)
    (slope(theta + h) - slope(theta - h)) / 2e-3
  }, theta)
  for (i in 1:4) theta <- theta - solve(curvature, slope(theta))
  theta
}

fitted_tightly <- function(formula, frame, reml) {
  start <- getME(lmer(formula, frame, REML = reml), "theta")
  parts <- lFormula(formula, frame, REML = reml)
  criterion <- do.call(mkLmerDevfun, parts)
  theta <- polished(criterion, unname(start))
  value <- criterion(theta)
  mkMerMod(environment(criterion), list(par = theta, fval = value, conv = 0), parts$reTrms, fr = parts$fr)
}

read <- function(name, factors) {
  frame <- read.csv(file.path(words[1], paste0(name, ".csv")), colClasses = c(sample = "character"))
  for (one in factors) frame[[one]] <- factor(frame[[one]])
  frame
}

case <- function(name, formula, factors, subset, rows, new, reml = TRUE) {
  frame <- suppressWarnings(read(name, factors))
  fit <- fitted_tightly(as.formula(formula), frame, reml)
  kept <- if (is.null(rows)) seq_len(nrow(frame)) else rows
  known <- frame[kept, , drop = FALSE]
  terms <- setNames(lapply(subset, function(one) {
    as.numeric(predict(fit, known, re.form = as.formula(paste("~", one$terms))))
  }), vapply(subset, function(one) one$groups, ""))
  list(dataset = name, formula = formula, reml = reml, rows = kept - 1, sigma = sigma(fit),
       all = as.numeric(predict(fit, known)), none = as.numeric(predict(fit, known, re.form = NA)), subset = terms,
       new = new, new_levels = as.numeric(predict(fit, new, allow.new.levels = TRUE)),
       pearson = as.numeric(residuals(fit, type = "pearson", scaled = TRUE))[kept])
}

set.seed(3)
chosen <- sort(sample(73421, 200))
cases <- list(
  case("sleepstudy", "Reaction ~ Days + (Days | Subject)", "Subject",
       list(list(groups = "Subject", terms = "(Days | Subject)")), NULL,
       data.frame(Days = c(0, 4.5, 12, 3), Subject = c("new", "308", "new", "another"))),
  case("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", c("plate", "sample"),
       list(list(groups = "plate", terms = "(1 | plate)"), list(groups = "sample", terms = "(1 | sample)")), NULL,
       data.frame(plate = c("a", "new", "new"), sample = c("Z", "B", "Z"))),
  case("InstEval", "y ~ service + (1 | s) + (1 | d) + (1 | dept:service)", c("s", "d", "service", "dept"),
       list(list(groups = "s", terms = "(1 | s)"), list(groups = "s,d", terms = "(1 | s) + (1 | d)"),
            list(groups = "dept:service", terms = "(1 | dept:service)")), chosen,
       data.frame(s = c("1", "new", "2"), d = c("new", "1002", "115"), service = c("0", "1", "1"),
                  dept = c("2", "2", "5")))
)
writeLines(toJSON(cases, digits = 12, auto_unbox = TRUE, dataframe = "columns"), words[2])
