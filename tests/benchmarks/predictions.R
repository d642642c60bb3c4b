# Rscript predictions.R data.csv formula factors repeats: prints the median CPU seconds of lme4's predict at all rows, then
# of simulate from which a conditional bootstrap would make its intervals, for one data set.
suppressMessages(library(lme4))
words <- commandArgs(trailingOnly = TRUE)
frame <- read.csv(words[1])
for (name in strsplit(words[3], ",")[[1]]) frame[[name]] <- factor(frame[[name]])
fit <- lmer(as.formula(words[2]), frame)
cpu <- function(call) {
  cost <- system.time(call())
  sum(cost[c("user.self", "sys.self")])
}
repeats <- as.integer(words[4])
point <- median(replicate(repeats, cpu(function() predict(fit, newdata = frame))))
one <- median(replicate(repeats, cpu(function() simulate(fit, 1, re.form = NULL))))
cat(point, one, "\n")
