"""How hard a question is and what it is about, from its text alone. No model is asked; docs/routing.md tells the rules.

words       letters to comparable words, in English and Arabic
subjects    which words speak for a domain
intents     which words say what is to be done
lines       which lines are code, tables, logs
features    what is counted in a text
weights     what each sign is worth
signals     the sums
domains     what a question is about
classifier  the scores that follow
evaluation  how often they are right
"""
