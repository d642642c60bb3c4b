# Rscript glmer.R data.csv formula family columns terms repeats: prints first CPU, median CPU, median wall seconds,
# then the coefficients and the sds of the terms in their order. columns: those that are factors.
suppressMessages(library(lme4))
words <- commandArgs(trailingOnly = TRUE)
frame <- read.csv(words[1])
for (name in strsplit(words[4], ",")[[1]]) frame[[name]] <- factor(frame[[name]])
costs <- NULL
for (i in seq_len(as.integer(words[6]) + 1)) {
  cost <- system.time(fit <- suppressWarnings(glmer(as.formula(words[2]), frame, family = words[3])))
  costs <- rbind(costs, c(sum(cost[c("user.self", "sys.self")]), cost["elapsed"]))
  if (cost["elapsed"] > 20) break
}
warm <- if (nrow(costs) > 1) costs[-1, , drop = FALSE] else costs
sds <- sapply(strsplit(words[5], ",")[[1]], function(term) attr(VarCorr(fit)[[term]], "stddev"))
cat(costs[1, 1], median(warm[, 1]), median(warm[, 2]), fixef(fit), sds, "\n")
