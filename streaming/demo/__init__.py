"""The demo model server: a separate process that speaks vLLM's HTTP protocol without a model.

It serves for trying the product and for testing it. Answers are made from the question by rule, the same each time.

In a question, for tests and for trying failures by hand:
    count to N              the tokens `1 `, `2 `, … `N `
    [echo] text             the text, exactly
    [think]                 a thinking part before the answer
    [[demo name=value …]]   how this one answer is made, see faults.py; removed from the question
"""
