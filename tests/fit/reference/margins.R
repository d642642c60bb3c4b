# Marginal means, contrasts and slopes of lme4's fits by emmeans; R2 and ICC by performance. Run from this folder:
#   Rscript margins.R > margins.csv
# Each number with the question that it answers; the intervals are asymptotic, as those of a point fit.
suppressMessages({library(lme4); library(emmeans); library(performance)})
emm_options(lmer.df = "asymptotic", msg.interaction = FALSE)
options(digits = 12)
data_of <- function(name) read.csv(file.path("../../../probflow_nb/datasets", paste0(name, ".csv")))

rows <- list()
keep <- function(case, question, frame, estimate, lower, upper) {
  label <- setdiff(names(frame), c("emmean", "estimate", "prob", "rate", "response", "odds.ratio", "ratio", "SE", "df",
    "asymp.LCL", "asymp.UCL", "null", "z.ratio", "p.value", grep("trend$", names(frame), value = TRUE)))
  for (i in seq_len(nrow(frame)))
    rows[[length(rows) + 1]] <<- data.frame(case, question, row = i,
      label = paste(sapply(label, function(l) as.character(frame[[l]][i])), collapse = "|"),
      estimate = frame[[estimate]][i], se = frame$SE[i], lower = frame[[lower]][i], upper = frame[[upper]][i])
}
ask <- function(case, question, grid, estimate, ...)
  keep(case, question, as.data.frame(summary(grid, infer = c(TRUE, FALSE), adjust = "none", ...)), estimate,
    "asymp.LCL", "asymp.UCL")

con <- data_of("Contraception"); con$use <- as.integer(con$use == "Y"); con$district <- factor(con$district)
con$livch <- factor(con$livch); con$urban <- factor(con$urban)
exact <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9))
# Without the small tolPwrss the deviance itself is known to 1e-7 only, and glmer stops some 1e-5 short.
tight <- glmerControl(optimizer = "bobyqa", tolPwrss = 1e-13,
  optCtrl = list(rhobeg = 1e-2, rhoend = 1e-9, maxfun = 1e5))
use <- glmer(use ~ age + I(age^2) + urban * livch + (1 | district), con, binomial, control = tight)
ask("use", "means livch by urban", emmeans(use, ~ livch | urban), "prob", type = "response")
ask("use", "means livch by urban link", emmeans(use, ~ livch | urban), "emmean")
ask("use", "means livch", emmeans(use, ~ livch), "prob", type = "response")
ask("use", "contrasts livch link", pairs(emmeans(use, ~ livch)), "estimate")
ask("use", "contrasts livch by urban ratio", pairs(emmeans(use, ~ livch | urban)), "odds.ratio", type = "response")
ask("use", "contrasts livch sum-to-mean link", contrast(emmeans(use, ~ livch), "eff"), "estimate")
ask("use", "contrasts livch treatment link", contrast(emmeans(use, ~ livch), "trt.vs.ctrl"), "estimate")

epi <- data_of("epilepsy"); epi$Trt <- factor(epi$Trt); epi$patient <- factor(epi$patient)
seizures <- glmer(count ~ log(Base) * Trt + log(Age) + (1 | patient), epi, poisson, control = tight)
ask("seizures", "means Trt", emmeans(seizures, ~ Trt), "rate", type = "response")
ask("seizures", "slopes Base at 20 by Trt link",
  emtrends(seizures, ~ Trt, var = "Base", at = list(Base = 20), delta.var = 1e-6), "Base.trend")

rad <- data_of("radon"); rad$county <- factor(rad$county)
radon <- lmer(log_radon ~ floor * log_uranium + (floor | county), rad, REML = FALSE,
  control = exact)
ask("radon", "means floor", emmeans(radon, ~ floor), "emmean")
ask("radon", "means overall", emmeans(radon, ~ 1), "emmean")
ask("radon", "slopes log_uranium by floor", emtrends(radon, ~ floor, var = "log_uranium"), "log_uranium.trend")

sleep <- lmer(Reaction ~ poly(Days, 2) + (Days | Subject), sleepstudy,
  control = exact)
ask("sleep", "means Days at 0 4.5 9", emmeans(sleep, ~ Days, at = list(Days = c(0, 4.5, 9))), "emmean")
linear <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy,
  control = exact)

# Unbalanced factors with an interaction.
con$using <- factor(con$use, labels = c("N", "Y"))
age <- lmer(age ~ using * livch + urban + (1 | district), con, control = exact)
ask("age", "means livch", emmeans(age, ~ livch), "emmean")
ask("age", "means livch proportional", emmeans(age, ~ livch, weights = "proportional"), "emmean")
ask("age", "means using by livch", emmeans(age, ~ using | livch), "emmean")
ask("age", "contrasts using by livch", pairs(emmeans(age, ~ using | livch)), "estimate")
ask("age", "contrasts livch revpairwise", contrast(emmeans(age, ~ livch), "revpairwise"), "estimate")
ask("age", "contrasts livch consecutive", contrast(emmeans(age, ~ livch), "consec"), "estimate")

# A family on both scales: differences of probabilities, odds ratios, slopes of the probability.
herds <- data_of("cbpp"); herds$period <- factor(herds$period); herds$herd <- factor(herds$herd)
sick <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), herds, binomial, control = tight)
ask("sick", "means period link", emmeans(sick, ~ period), "emmean")
ask("sick", "means period", emmeans(sick, ~ period), "prob", type = "response")
ask("sick", "contrasts period", pairs(regrid(emmeans(sick, ~ period))), "estimate")
ask("sick", "contrasts period ratio", contrast(emmeans(sick, ~ period), "trt.vs.ctrl"), "odds.ratio", type = "response")
ask("use", "slopes age at 5 and livch 2 by urban",
  emtrends(use, ~ urban, var = "age", at = list(age = 5, livch = "2"), regrid = "response", delta.var = 1e-4),
  "age.trend")
ask("use", "slopes age at 5 by urban link",
  emtrends(use, ~ urban, var = "age", at = list(age = 5), delta.var = 1e-4), "age.trend")

share <- function(case, model) {
  r <- suppressWarnings(r2_nakagawa(model)); i <- suppressWarnings(icc(model)); v <- insight::get_variance(model)
  one <- function(question, value)
    rows[[length(rows) + 1]] <<- data.frame(case, question, row = 1, label = "", estimate = as.numeric(value), se = NA,
      lower = NA, upper = NA)
  one("R2 marginal", r$R2_marginal); one("R2 conditional", r$R2_conditional)
  one("ICC adjusted", i$ICC_adjusted); one("ICC unadjusted", i$ICC_unadjusted)
  one("variance fixed", v$var.fixed); one("variance groups", v$var.random); one("variance residual", v$var.residual)
}
share("linear", linear); share("radon", radon); share("use", use); share("age", age)
write.csv(do.call(rbind, rows), stdout(), row.names = FALSE)
