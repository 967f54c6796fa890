"""The demo model server: a process of its own that speaks vLLM's HTTP protocol and knows nothing.

It is there to try the product and to test it. What it says is made from the question by rule, the same each time.

In a question, for tests and for trying failures by hand:
    count to N              the tokens `1 `, `2 `, … `N `
    [echo] text             the text, exactly
    [think]                 a thinking part before the answer
    [[demo name=value …]]   how this one answer is made, see faults.py; it is cut from the question
"""
