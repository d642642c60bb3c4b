# Makes model_matrix.json: what R's model.matrix gives for each formula on one small table.
# Run in this folder: Rscript model_matrix.R

options(digits = 17, warn = 1)
library(jsonlite)
library(splines)

d <- data.frame(
  x = c(0.5, -1.25, 2, 3.5, -0.75, 1.125, 4.25, -2.5, 0.25, 1.75, 2.875, -3.5, 0.875, 5.5),
  w = c(1, 2, 4, 8, 3, 5, 7, 6, 9, 12, 10, 11, 14, 13),
  k = c(3L, 1L, 2L, 2L, 5L, 3L, 1L, 4L, 4L, 2L, 5L, 1L, 3L, 2L),
  flag = c(TRUE, FALSE, FALSE, TRUE, TRUE, FALSE, TRUE, FALSE, TRUE, FALSE, FALSE, TRUE, FALSE, TRUE),
  f = factor(c("b", "a", "c", "a", "b", "c", "c", "a", "b", "b", "a", "c", "a", "b")),
  g = factor(c("v", "u", "u", "v", "u", "v", "u", "v", "v", "u", "v", "v", "u", "u")),
  h = factor(c("lo", "hi", "mid", "hi", "lo", "mid", "lo", "top", "top", "mid", "hi", "lo", "top", "mid"),
             levels = c("lo", "mid", "hi", "top")),
  o = factor(c("s", "m", "l", "l", "m", "s", "xl", "s", "xl", "m", "l", "xl", "s", "m"),
             levels = c("s", "m", "l", "xl"), ordered = TRUE),
  q = factor(c(1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4), ordered = TRUE)
)

# Text of ours = formula of R, where they differ.
same <- c(
  "x", "0 + x", "1", "x + w", "x * w", "x:w", "f", "0 + f", "f - 1", "f + g", "0 + f + g", "0 + g + f",
  "f:g", "0 + f:g", "f * g", "0 + f * g", "f + f:g", "g + f:g", "0 + f + f:g", "0 + x + f", "0 + x:f",
  "x:f", "x + x:f", "f + x:f", "f * x", "0 + f * x", "f / x", "f / g", "x / f", "f * g * x", "f:g:x",
  "f * g * h", "(f + g + x)^2", "(f + g + h)^2", "f * g - f", "f * g - g", "f * g * x - f:g", "f %in% g",
  "f + g %in% f", "flag", "0 + flag", "flag * f", "flag:x", "o", "0 + o", "o * x", "o:f", "o + f:o", "q",
  "q:x", "0 + q * g", "f:x + g:x", "f:g + f:h", "f:g + f:h + g:h", "x:f:g + f", "0 + f:x + g", "f * h - h",
  "log(w)", "log(w) * f", "log2(w) + log10(w)", "sqrt(w):f", "exp(x)", "I(x^2)", "I(x * w + 1)", "x + I(x^2)",
  "scale(x)", "scale(x) * f", "poly(x, 2)", "poly(x, 4)", "poly(w, 3) * f", "poly(x, 3, raw = TRUE)",
  "bs(x, df = 5)", "bs(x, df = 4, degree = 2)", "bs(x, df = 3)", "ns(x, df = 3)", "ns(x, df = 1)",
  "ns(w, df = 4) + f", "bs(x, df = 6):g", "log1p(w)", "abs(x)", "0 + x + w + f:g", "h + f:h + g:f"
)
differs <- list(
  "C(f, Sum)" = "C(f, contr.sum)",
  "C(f, Sum) * x" = "C(f, contr.sum) * x",
  "C(f, Helmert)" = "C(f, contr.helmert)",
  "C(h, Helmert):g + g" = "C(h, contr.helmert):g + g",
  "C(h, Poly)" = "C(h, contr.poly)",
  "C(o, Treatment)" = "C(o, contr.treatment)",
  "C(f, Treatment(reference = \"b\"))" = "C(f, contr.treatment(levels(f), base = 2))",
  "C(h, Treatment(\"top\")) * x" = "C(h, contr.treatment(levels(h), base = 4)) * x",
  "C(k)" = "factor(k)",
  "0 + C(k) + f" = "0 + factor(k) + f",
  "center(x)" = "scale(x, scale = FALSE)",
  "standardize(x)" = "scale(x)"
)
formulas <- c(setNames(as.list(same), same), differs)

cases <- lapply(names(formulas), function(text) {
  X <- model.matrix(as.formula(paste("~", formulas[[text]])), d)
  p <- qr(X, tol = 1e-7)
  list(text = text, r = formulas[[text]], names = colnames(X), rows = unname(X),
       kept = sort(p$pivot[seq_len(p$rank)]))
})
rows <- function(m) lapply(seq_len(nrow(m)), function(i) m[i, ])
new <- seq(-5, 7, by = 0.75)
beyond <- list(
  x = new,
  poly = unname(predict(poly(d$x, 3), new))[, ],
  bs = suppressWarnings(unname(predict(bs(d$x, df = 5), new))[, ]),
  ns = unname(predict(ns(d$x, df = 4), new))[, ]
)
contrasts <- lapply(c(2:9, 12, 20), function(n) {
  list(n = n, poly = unname(contr.poly(n))[, , drop = FALSE], helmert = unname(contr.helmert(n)), sum = unname(contr.sum(n)))
})
table <- lapply(d, function(v) if (is.factor(v)) list(values = as.character(v), levels = levels(v), ordered = is.ordered(v)) else v)
write(toJSON(list(table = table, cases = cases, beyond = beyond, contrasts = contrasts),
             digits = NA, auto_unbox = TRUE), "model_matrix.json")
