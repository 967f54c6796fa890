"""Rates a question's difficulty and finds its domain from its text alone, without a model. Rules: docs/routing.md.

words           text to comparable words, in English and Arabic
subjects        words that indicate a domain
intents         words that indicate what is asked for
vocabulary      the lookup tables of both
lines           which lines are code, tables or logs
features        what is counted in a text
weights         the weight of each sign
signals         the weighted sums
domains         the domain of a question
scores          the result
classifier      the scores of a question
evaluation      how often they are right, by labelled questions
second_opinion  a model's rating, if the site asks for it
"""
