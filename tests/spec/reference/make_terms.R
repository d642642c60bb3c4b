# Writes terms.json: how R's terms() and lme4's findbars() read formulas.
# Run from this folder: Rscript make_terms.R
library(jsonlite)
suppressMessages(library(lme4))

common <- c(
  "y ~ a", "y ~ a + b", "y ~ a * b", "y ~ a:b", "y ~ a / b", "y ~ b %in% a", "y ~ a + b %in% a",
  "y ~ (a + b)^2", "y ~ (a + b)**2", "y ~ (a + b + c)^2", "y ~ (a + b + c)^3", "y ~ (a + b + c + d)^3",
  "y ~ (a + b)^9", "y ~ (a:b)^2",
  "y ~ a / b / c", "y ~ (a + b) / c", "y ~ a / (b + c)", "y ~ (a * b) / c", "y ~ a / (b * c)", "y ~ a / b:c",
  "y ~ a:a", "y ~ a * a", "y ~ a + a", "y ~ b:a + a:b", "y ~ a:b + c", "y ~ a:b:c + a", "y ~ (a * b):c",
  "y ~ (a + b):(c + d)", "y ~ (a:b) * (b:c)", "y ~ a * b * c", "y ~ a:b %in% c", "y ~ a * b %in% c",
  "y ~ a %in% b:c", "y ~ (a + b) %in% c", "y ~ (a + b) %in% (c + d)", "y ~ a %in% (b + c)",
  "y ~ a * b - a:b", "y ~ a * b - b:a", "y ~ a * b - b", "y ~ a * b * c - a:b:c", "y ~ (a + b + c)^2 - a:b",
  "y ~ (a + b + c)^3 - a:b:c - b", "y ~ a + b - a", "y ~ a - (b + a)", "y ~ a - b", "y ~ a - a", "y ~ (a - a)",
  "y ~ a + b - (a - b)", "y ~ a * b - (a + b)", "y ~ -a + b", "y ~ +a", "y ~ a - -b",
  "y ~ 1", "y ~ 0", "y ~ -1", "y ~ 0 + a", "y ~ a - 1", "y ~ a + 0", "y ~ -1 + a", "y ~ a - 0", "y ~ -1 + 1",
  "y ~ 1 - 1", "y ~ 0 + 1", "y ~ a - 1 + 1", "y ~ a - (-1)", "y ~ a + (b - 1)", "y ~ (a - 1) + b",
  "y ~ (a + b - 1)", "y ~ a + (0 + b)", "y ~ (a - 1) * b", "y ~ (0 + a):b", "y ~ (1 + a):b", "y ~ (1 + a)^2",
  "y ~ (1 + a) / b", "y ~ a - (1 + b)", "y ~ a + 1.0",
  "y ~ log(x):a", "y ~ I(x^2) + x", "y ~ x + I(x^2) + x:I(x^2)", "y ~ poly(x, 2) * a", "y ~ a + log(x + 1) / b",
  "log(y) ~ a", "y ~ offset(x) + a", "y ~ a + offset(log(x)) + b", "y ~ b * a + a * b", "y ~ a + b + b:a",
  "y ~ c + b + a + a:b:c + c:b", "y ~ a:b + a + b", "y ~ body.mass * .x", "y ~ `body mass` + a"
)
grouped <- c(
  "y ~ x + (1 | g)", "y ~ (x | g)", "y ~ 1 + (1 + x | g)", "y ~ x + (0 + x | g)", "y ~ (x - 1 | g)",
  "y ~ (1 | g) + (1 | h)", "y ~ (1 | a/b)", "y ~ (x | a/b/c)", "y ~ (1 | a:b)", "y ~ (1 | a:b:c)",
  "y ~ (1 | a/b:c)", "y ~ x + (x * z | g)", "y ~ (x / z | g)", "y ~ (x:z | g)", "y ~ ((x + z)^2 | g)",
  "y ~ (1 | g) + (0 + x | g)", "y ~ (x || g)", "y ~ (x * z || g)", "y ~ (0 + x || g)", "y ~ (0 + x + z || g)",
  "y ~ x + (1 | g) + z + (z | h)", "y ~ (0 + f | g) + f", "y ~ (log(x) | g)", "y ~ ((x | g))",
  "y ~ x + ((1 | g) + (1 | h))", "y ~ (1 | a) + (1 | a:b)", "y ~ (x - x | g)"
)

labels <- function(t) lapply(attr(t, "term.labels"), function(s) I(strsplit(s, ":", fixed = TRUE)[[1]]))
read_terms <- function(text) {
  t <- terms(as.formula(text))
  list(formula = text, terms = labels(t), intercept = attr(t, "intercept") == 1,
       offsets = length(attr(t, "offset")))
}
read_bars <- function(text) {
  f <- as.formula(text)
  bars <- lapply(findbars(f), function(bar) {
    t <- terms(as.formula(paste("~", deparse(bar[[2]]))))
    list(factor = I(all.vars(bar[[3]])), terms = labels(t), intercept = attr(t, "intercept") == 1)
  })
  t <- terms(nobars(f))
  list(formula = text, terms = labels(t), intercept = attr(t, "intercept") == 1, groups = bars)
}
result <- list(
  made_by = paste("R", getRversion(), "lme4", packageVersion("lme4")),
  common = lapply(common, read_terms),
  grouped = lapply(grouped, read_bars)
)
writeLines(toJSON(result, auto_unbox = TRUE, pretty = FALSE), "terms.json")
