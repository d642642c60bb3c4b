# Rscript lme4.R data.csv formula factors repeats: prints first CPU, median CPU, median wall seconds and sigma.
suppressMessages(library(lme4))
words <- commandArgs(trailingOnly = TRUE)
frame <- read.csv(words[1])
for (name in strsplit(words[3], ",")[[1]]) frame[[name]] <- factor(frame[[name]])
costs <- NULL
for (i in seq_len(as.integer(words[4]) + 1)) {
  cost <- system.time(fit <- lmer(as.formula(words[2]), frame))
  costs <- rbind(costs, c(sum(cost[c("user.self", "sys.self")]), cost["elapsed"]))
  if (cost["elapsed"] > 20) break
}
warm <- if (nrow(costs) > 1) costs[-1, , drop = FALSE] else costs
cat(costs[1, 1], median(warm[, 1]), median(warm[, 2]), sigma(fit), "\n")
