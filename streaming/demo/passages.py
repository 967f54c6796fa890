"""The passages from which the demo composes its answers."""

GREETINGS = {"hello", "hi", "hey", "thanks", "thank", "good", "morning", "evening"}
BRIEF = {"short", "briefly", "brief", "quick", "quickly", "one"}
LONG = {"long", "detailed", "detail", "essay", "everything", "thorough"}

HELLO = (
    "Hello! I am Throughline's **demo model**. I know nothing, but I can show you how answers arrive here. "
    "Ask me for *a table*, *some code* or *a formula*, and press **Stop** whenever you like. 👋"
)
OPENINGS = [
    "You asked about **{topic}**. I am Throughline's demo model: I do not know anything, I show how an answer looks. "
    "So read what follows for its form, not for its facts.",
    "Let us look at **{topic}**. A word before we start: this is the *demo model*. Its sentences are prepared and its "
    "figures are made up; connect a real vLLM server to get real answers.",
]
REVISED = (
    "This answer about **{topic}** was written with the drafts before me. I am the *demo model*, so I did not weigh them: "
    "a real model would now keep what is right in them and correct the rest."
)
SHORT = "In short: begin with *{topic}*, take one step at a time, and check each of them. That is `all` I can say."
CLOSINGS = [
    "That is as far as a demo can go with *{topic}*. Set `VLLM_BASE_URL` to let a real model answer.",
    "> A demo that says it is one cannot disappoint.\n\nAsk again about *{topic}* once a real model is connected.",
    "If you reload this page now, the text stays as it is: what was shown is stored.",
]

# Name → headings, words of a question that ask for it, and text.
SECTIONS: dict[str, tuple[list[str], set[str], str]] = {
    "code": (
        ["A piece of code", "How it looks in code", "An example to run"],
        {"code", "python", "function", "program", "script", "javascript", "sql", "regex", "bug", "class", "api"},
        '''The function below folds events into a text, and refuses to fold when one is missing:

```python
def fold(deltas: list[Delta]) -> str:
    """The whole text. Raises ValueError if a delta is missing."""
    text = ""
    for delta in deltas:
        if delta.at != len(text):
            raise ValueError(f"hole at {len(text)}")
        text += delta.text
    return text


print(fold([Delta(0, "Hello, "), Delta(7, "world!")]))  # Hello, world!
```

Two things are worth a look:

- the exception, which names the place of the hole, and
- the check *before* the text is appended, so that an error leaves nothing half done.

On the command line you would try it like this:

```bash
python -m venv .venv && . .venv/bin/activate
python fold.py --verbose | tee fold.log
```

and count what it has written in SQL:

```sql
SELECT status, count(*) AS answers, avg(tokens) AS tokens
FROM generations WHERE finished_at > now() - interval '1 day' GROUP BY status ORDER BY answers DESC;
```''',
    ),
    "table": (
        ["Side by side", "The options compared", "An overview"],
        {"table", "compare", "comparison", "versus", "vs", "difference", "differences", "options", "data"},
        """| Way | First token | Survives a reload | Effort |
|:----|------------:|:-----------------:|--------|
| Wait for the whole answer | 12.4 s | yes | low |
| Stream, and hope | 0.3 s | no | low |
| Stream from a log | **0.3 s** | **yes** | higher |
| Write it by hand | 3 days | yes, on paper | very high |

The third row is what this page does: the text is written to a log first, and every reader, early or late, reads the same log. The figures are made up, `as is everything here`.""",
    ),
    "mathematics": (
        ["The mathematics of it", "A formula or two"],
        {"mathematics", "math", "maths", "formula", "equation", "integral", "probability", "statistics", "proof"},
        r"""If tokens arrive at a rate \(\lambda\), the time until the \(n\)-th one is on average

$$
\mathbb{E}[T_n] = t_0 + \frac{n}{\lambda}
$$

where \(t_0\) is the time to the first token. With $t_0 = 0.3$ s and $\lambda = 50$ tokens per second, an answer of 500 tokens takes about 10.3 s. The confidence in a sequence is often given by the mean log-probability,

\[
\bar{\ell} = \frac{1}{n} \sum_{i=1}^{n} \log p(x_i \mid x_{<i}),
\]

so that \(e^{\bar{\ell}}\) is the geometric mean of the tokens' probabilities. It costs \$5 to be wrong and \$10 to be late, but these are dollars and no formulas.""",
    ),
    "list": (
        ["The steps", "What to do, in order", "A plan"],
        {"list", "steps", "plan", "how", "guide", "todo", "ideas", "tips", "recipe", "install", "setup"},
        """1. **Find out where you stand.** Write down what you know about {topic}:
   - what works already,
   - what does not, and
   - what nobody has tried.
2. **Take the smallest step** that shows whether you are on the right way.
3. **Look at the result** with somebody else:

   > Four eyes see more than two, and they argue.

4. **Repeat**, until the list below is empty:
   - [x] a first draft
   - [x] a reader who was not amused
   - [ ] a second draft
   - [ ] a reader who was""",
    ),
    "explain": (
        ["How it works", "The idea behind it", "Background"],
        {"explain", "why", "what", "describe", "understand", "idea", "theory", "background", "history", "does"},
        """Think of a river with a gauge. The water does not wait for the gauge to be read, and the gauge does not care who reads it: whoever comes, early or late, sees the same marks. An answer that is *streamed* is such a river. The **log** is the gauge.

Three properties make it work:

**Order.** Every piece has a place, and no two share one.

**Memory.** What was shown is stored *before* it is shown, so that nobody sees what could still be lost.

**One writer.** Should a second one appear, the first is turned away, politely but firmly.[^1]

More about {topic}, good and bad, is at <https://docs.vllm.ai> and in the [documentation of Django](https://docs.djangoproject.com/).

[^1]: In Redis' own words: *the ID specified is equal or smaller than the target stream top item*.""",
    ),
    "story": (
        ["A small story", "Told differently"],
        {"story", "poem", "tale", "write", "essay", "letter", "email", "joke"},
        """There was once a thread that would not break. People pulled at it in the morning, when the line was bad; they cut it at noon, to see what would happen; and in the evening somebody always closed the lid of a laptop on it.

> "Does it hurt?" asked the needle.
>
> "No," said the thread. "I remember where I was."

And it went on, in the middle of the

word, as if nothing had been. 🧵""",
    ),
    "notes": (
        ["Things to watch", "Loose ends", "Worth remembering"],
        {"problem", "problems", "risk", "risks", "important", "error", "warning", "notes"},
        """- **Do not measure once.** A single figure is an anecdote; take the *median* of several.
- **Do not trust the happy path.** Pull the plug while it runs, and look.
- **Do not hide failures.** Say what happened and what to do: `Retry`, `Continue`, or *wait*.

---

~~Everything will be fine.~~ Most things will be fine, if they were tried.""",
    ),
}
IN_OTHER_LANGUAGES = {
    "ar": """سألتَ عن **{topic}**. أنا *النموذج التجريبي* في Throughline: لا أعرف شيئًا، لكنني أُريك كيف تبدو الإجابة.

## الخطوات

1. ابدأ بما تعرفه، واكتبه.
2. خذ أصغر خطوة ممكنة، ثم انظر إلى النتيجة.
3. أعد المحاولة مع `git status` نظيف.

| الطريقة | الزمن | تبقى بعد إعادة التحميل |
|---|---|---|
| انتظار الإجابة كلها | 12.4 ثانية | نعم |
| البث من سجل | **0.3 ثانية** | **نعم** |

> ما كُتب لا يضيع، وإن انقطع الخط.

```python
print("مرحبا بالعالم")
```

هذا كل ما يستطيع نموذج تجريبي قوله. صِل خادم vLLM حقيقيًا لتحصل على إجابة حقيقية.""",
    "he": """שאלת על **{topic}**. אני *מודל ההדגמה* של Throughline: אינני יודע דבר, אבל אני מראה כיצד תשובה נראית.

## הצעדים

1. כתבו מה שכבר ידוע.
2. עשו צעד קטן, והביטו בתוצאה.
3. חזרו על כך, עם `git status` נקי.

> מה שנכתב אינו הולך לאיבוד, גם אם הקו נקטע.

חברו שרת vLLM אמיתי כדי לקבל תשובה אמיתית.""",
    "zh": """你问的是**{topic}**。我是 Throughline 的*演示模型*：我什么都不知道，只是展示回答的样子。

## 步骤

1. 写下已经知道的内容。
2. 迈出最小的一步，然后看看结果。
3. 用干净的 `git status` 再试一次。

| 方式 | 首个词元 | 刷新后仍在 |
|---|---|---|
| 等待完整回答 | 12.4 秒 | 是 |
| 从日志流式传输 | **0.3 秒** | **是** |

> 写下来的东西不会丢失，即使线路中断。

请连接真正的 vLLM 服务器以获得真正的回答。""",
}
