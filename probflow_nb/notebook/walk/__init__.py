"""The result to walk through: tabs above the static form, and sliders that move a prediction.

check_tab      the verdict, figures of merit by parameter with the worst first, traces and ranks of chains
curve_view     data and fitted curves with bands for chosen levels, or observed against fitted without a covariate
explore        sliders for covariates and menus for factors, with the predicted distribution moving along
group_tab      every level of a factor with its interval, and the difference of two levels
model_tab      the model in mathematics, long-hand and as Python, its priors, its data and how it was run
naming         names from data as a widget sends them; the page shows them as text and isolates their direction
posterior_tab  a density a scalar, and the joint draws of two
summary_tab    the table of scalars, with the interval that a person chooses
tabs           what the walk through a result consists of; each tab is a name, a Python answer and a JavaScript picture
walk           tabs between a fit's panel and its static form, whose contents are asked for when they are opened
"""
