"""Words and phrases that indicate what is asked for, and how: they determine the level.

Add a word to its list, as in subjects.py.
"""

from __future__ import annotations

MANNER = {
    "proof": """
        prove, proof, disprove, derive, derivation, show that, show by induction, by induction, demonstrate that,
        demuestra, beweise, irrational, counterexample, rigorously, formally, theorem, prove it, full arguments,
        full argument, characterise, characterize, if and only if, necessary and sufficient, is every, for every n,
        prove or disprove,
        برهن, برهان, أثبت, اثبت, إثبات, اثبات, بالاستقراء, دلل على أن, بين ان, بيّن أن كل, أعط مثالا مضادا, مثالا
        مضادا, دليل رياضي, بالتناقض
    """,
    "design": """
        design, architecture, architect, redesign, roadmap, pipeline, migration plan, threat model, migrate, split
        it, system design, plan a, business plan, full stack, phased, multi region, tasked with designing, best
        approach to, design your, case studies,
        صمم, تصميم, صمملي, معمارية, خطة كاملة, خطة لفتح, خطة عمل, استراتيجية, انقل مشروع, هيكلة, بنية النظام, خطة
    """,
    "analysis": """
        analyse, analyze, analysis, evaluate, assess, critique, justify, argue, weigh, weigh them, trade offs,
        tradeoffs, trade off, critically, ranked, compute the effect size, confounders, hypotheses, argumentative,
        feasibility, optimal, optimise, optimize, assumptions, asymptotic, generalise, generalize, all cases,
        discuss all, each case, every case, simulate, scenarios, your reasoning, impact on, implications of, to what
        extent, moral obligation, discuss which, discuss the, discuss whether, discuss how, rank them, evaluation
        criteria, measurable criteria, lock free, memory orderings, aba problem, sensitive, lay out every,
        حلل, تحليل, قيم سياسة, تقييم, ناقش, وازن, قارن نقديا, ادرس, استشهد, حجج, الحجج, افتراضات, الافتراضات,
        معايير, سيناريو, سيناريوهات, مخاطر, بين من يخسر, عمم, كل حالة, كل الحالات, اقترح بديلا, البدائل
    """,
    "diagnosis": """
        root cause, race condition, deadlock, memory leak, segfault, segfaults, flaky, valgrind, oom, outage,
        heisenbug, invalid read, diagnose, diagnosing, wraparound, loses messages, replication lag, possible causes,
        security problems, vulnerabilities, intermittently, bottleneck, data loss, data race, corrupts, find the
        race,
        السبب الاساسي, سبب المشكلة, تسريب الذاكرة, فين المشكلة, تحت الضغط, بيقع, يتعطل, ثغرات
    """,
    "compare": """
        compare, comparison, difference, differences, differ, versus, vs, pros and cons, which is better, better
        than, advantages, disadvantages, when should i use, which one should, when to use, unterschied, worth it,
        better, rank these, rank the,
        فرق, الفرق, قارن, مقارنة, ايهما أفضل, ايهما, مين أحسن, إيجابيات, سلبيات, مميزات, عيوب, متى أستخدم, ولا,
        أحسن, احسن, فرقلي, تستاهل
    """,
    "explain": """
        explain, explanation, describe, understand, how does, how is, how are, teach me, elaborate, tell me more,
        more detail, in detail, intuitively, intuition, with an example, walk me through, eli5, what happened, what
        should, what can i do, causes, causes of, help me, advice, suggest, recommend, guide, tutorial, tips, show
        the steps, show me how, summarise, summarize, feedback, what does this do, not working, doesnt work, wont,
        what it means, how to choose, erklar, explique, expliquer, shopping list, interpret, doing wrong, what is
        wrong, whats wrong, went wrong, should i use, should i, which should i, how do, how did, outline, what if,
        what would happen, share ideas, ideas for, what are the main, what are the most, overview of, introduction
        to, illustrate, discuss, how might, identify, best way to, best ways, ways to, effects of, impact of,
        influence, should we, do we, what would you, what makes, your opinion, tips for, list the, list all, list
        five, list some, what are the major, what are the key, what are some, what are the best, what are the
        differences, the deal with, going on, whats going on, any idea, any ideas, thinking about,
        اشرح, شرح, اشرحلي, وضح, توضيح, فهمني, كيف تعمل, كيف يعمل, كيف أختار, كيف أتعامل, كيف أتخلص, ازاي اختار, اعمل
        ايه, ماذا أفعل, شو اعمل, أسباب, ما أسباب, بالتفصيل, تفاصيل, مع مثال, نصيحة, انصحني, لخص, طريقة عمل, شو يعني,
        بيعمل ايه, اقترح, افضل, أفضل, ايش افضل, ما هي أسباب, مش عارف, تشرح, خطوة خطوة, ماذا لو, ما تأثير, كيف أثر,
        ما أفضل, ما أهم, اذكر, نظرة عامة, رأيك, فوائد, أضرار, نصائح, تأثير, احكيلي, احكي, يزعل
    """,
    "how_to": """
        how do i, how do you, how do we, how can i, how can we, how to, how would i, how would you, wie kann ich,
        comment faire,
        كيف, ازاي, شلون, كيفاش
    """,
    "calculation": """
        integrate, word problem, inverse of, equation of, find the equation, probability of, system of equations,
        show the steps, show steps, how many ways, eigenvalues of, linear system, when does the, solve the
        inequality, solution of the, probability, express, the remainder,
        كل منهما, مع الخطوات, توضيح الخطوات, ما احتمال, احتمال, معكوس, عمر كل
    """,
    "why": """
        why, why is, how come, why does, whats the reason, reason for, warum, pourquoi, why do i,
        لماذا, ليش, ليه, علاش, ايه السبب, ما السبب, سبب, ما سبب
    """,
    "create": """
        write, draft, compose, create, implement, build, generate, make a, write me, give me a, set up, code for,
        ecris, escribe, redige, schreib, poem, letter, story, speech, essay, cover letter, add tests, dockerfile,
        unit tests, refactor, rewrite, product description, plan, menu, sql query, add, plot the, draw, need a, need
        an, i need, develop a, develop an, develop, structure a, craft, help me write, write a program, lesson plan,
        come up with, brainstorm, design a logo, program, toast, bio, text to, caption, toast for, lay out,
        اكتب, اكتبلي, أنشئ, انشئ, اعملي, سوي, اسوي, عاوز, محتاج, ابغى, اريد, عطني, أعطني, جهز, صيغ, قصيدة, قصة,
        رسالة, خطبة, سيرة ذاتية, دالة, سكربت, استعلام, ضيف, أضف, مقال, اعمل لي, محتاج لي, ألف, اقترح, عايز
    """,
    "long_form": """
        chapter, novel, essay, 1500 words, 2000 words, 2500 words, 3000 words, thesis, white paper, grant proposal,
        business plan, work packages, sestina, pages,
        ٢٠٠٠ كلمة, ١٥٠٠ كلمة, ٣٠٠٠ كلمة, صفحات, بحث كامل, فصل من رواية, طلب منحة
    """,
    "transform": """
        translate, convert, fix the grammar, fix the typos, correct the typos, spell check, spell, synonym, another
        word, shorter, make this shorter, make it more formal, more formal, capitalise, capitalize, sort these,
        round, rename, turn this into, past tense, plural of, word for, affect or effect, hashtag, hashtags, title
        for, a title, make this a, syntax error, fix the syntax, comment out, add a docstring, formula to, make it
        shorter, reverse a, same but, traduis, ubersetze, traduce, word from, define, abbreviation, rewrite as,
        lowercase, uppercase, just the line, nicer, say this, say it, shortcut,
        ترجم, ترجملي, صحح, مرادف, ضد كلمة, جمع كلمة, أعرب, اختصر, حول, رتب, عنوان لمقال, أقصر, اقصر شوي, احذف
        المكرر, ما معنى, معادلة اكسل
    """,
    "works_on": """
        the following, following text, following paragraph, following sentence, following sentences, this text, this
        paragraph, below, given text, given article, passage, this for me, this email, this letter, extract,
        summarise, summarize, summary of, edit, correct, proofread, classify, categorize, translate, rewrite,
        rephrase, paraphrase, identify, this article, turn this, convert, make this, simplify this,
        النص التالي, الفقرة التالية, الجملة التالية, لخص, ترجم, صحح, أعد صياغة, استخرج, صنف, المقال التالي, هذا
        النص, التالية
    """,
    "roleplay": """
        pretend, act as, imagine, imagine you, embody, assume the role, picture yourself, embrace the role, play the
        role, you are a, as a pirate, roleplay, role play, in the style of, as if you,
        تخيل, تقمص, تصرف ك, العب دور, كأنك, مثل دور
    """,
    "lookup": """
        what is, whats, what does, who, whos, when did, when was, where, which, how many, how much, how tall, how
        old, how far, how long, how big, is it, is there, what year, what time, capital of, population of, default,
        default port, whats the command, meaning of, area of, currency, average of, count, what language, quelle,
        combien, cuanto, wer, wann, wo, how do you spell, sqrt of, log2, gcd of, factorial, half of, what are, what
        was, name the, name a, name two, tell me the,
        ما هو, ما هي, ما عاصمة, من هو, مين, متى, أين, وين, فين, كم, كام, هل, ايش, شو, ما أعلى, وش, ايه هي, ما أكبر
    """,
    "steps": """
        step by step, then, and then, afterwards, after that, walk me through, day by day, each step, work through,
        in what order, in which order, milestones, stage by stage, in each stage,
        خطوة بخطوة, خطوات, ثم, بعدين, وبعدين, أولا, ثانيا, مراحل, على مراحل, رتب الخطوات, الترتيب الصح, وأخيرا
    """,
    "constraints": """
        must, at most, at least, no more than, without, constraint, constraints, requirement, requirements, budget,
        under load, subject to, maximum, minimum, has to, only if, stay under, exactly, no adverbs, provided that,
        guarantee, guarantees, per tenant, no downtime, without downtime, as long as, given that, but only, allergy,
        ensure, restrictions, using only, in fewer than, no longer than, each of, must not, may not, not exceed,
        بدون, من غير, على الأقل, على الاكثر, لا يتجاوز, لا يزيد, بشرط, شروط, يجب, لازم, ميزانية, ضمان, مع ضمان, ضمن,
        فقط, بحيث, قيود, إذا, اذا
    """,
    "breadth": """
        including, cover, consider, risks, milestones, scaling, security, caching, sharding, failover, access
        control, offline, consistency, replication, throughput, latency, availability, permissions, monitoring,
        rollback, roll back, testing, uncertainty, validation, drift, deliverables, evaluation, equity, revenue, ci
        and tests, auth, trade offs, edge cases, segments, channels, pricing, institutional, economic, political,
        military, indexes, compaction, presence, strategy, schema, proposal, case studies, considerations,
        components, key components,
        المخاطر, التكاليف, التسعير, الصلاحيات, التوسع, الإشعارات, التشفير, تشفيرها, الاقتصادية, السياسية, العسكرية,
        المتغيرات, التحقق, التنظيف, التقييم, المتابعة, دراسة السوق, انقطاع, الموازنة, ترتيبها, مقارنة النماذج,
        الأدلة
    """,
    "puzzle": """
        prisoners, suspects, liar, liars, truth teller, always lies, one is lying, riddle, logic puzzle, trolley
        problem, who did it, optimal strategy, success probability, weighings, river crossing,
        يكذب, كاذب, يصدق, لغز, أحجية, ما الاستراتيجية
    """,
    "easy": """
        quick question, quick, simple, short, basic, briefly, brief, in one sentence, tldr, one line, beginner,
        beginners,
        قصير, قصيرة, بسيط, بسيطة, سريع, باختصار, مختصر
    """,
    "greeting": """
        hi, hello, hey, thanks, thank you, thx, bye, good morning, good night, how are you, whats up, lol, haha, ok
        cool, your name, joke, guten morgen, hallo, bonjour, hola, perfect thanks, cool, talk to you, are you a
        robot, who made you, hear me, wie gehts, nice,
        السلام عليكم, مرحبا, اهلا, هلا, صباح الخير, مساء الخير, شكرا, تسلم, ازيك, كيفك, كيف حالك, شلونك, شخبارك, مع
        السلامة, نكتة, يعطيك العافية, تمام, شو اسمك, اسمك, انت انسان
    """,
    "feelings": """
        lonely, i feel, sad, anxious, nervous, depressed, rough week, heartbroken, worried, stressed, my girlfriend,
        my boyfriend,
        حاسس, حاسة, مخنوق, زعلان, خايف, متضايق, قلقان, مكتئب, ملل
    """,
    "urgent": """
        urgent, urgently, asap, emergency, immediately, right now, deadline, as soon as possible, production is
        down, prod is down, prod outage, production outage, in a hurry, hurry, due today, due tomorrow, in 10 minutes,
        in an hour, is down, swallowed, bleeding,
        عاجل, مستعجل, ضروري, حالا, فورا, بسرعة, طارئ, طوارئ, الآن حالا, دلوقتي حالا, موعد التسليم, بلع, ينزف
    """,
    "hurried": """
        quick, quickly, quick question, soon, fast,
        قريبا, سريع, سريعا
    """,
}
