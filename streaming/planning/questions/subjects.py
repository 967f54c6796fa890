"""Words and phrases that indicate a domain. Add a word to its list, in any spelling.

Other forms of a word (plural, -ing, -ed; Arabic prefixes and pronouns) are found automatically; those of a phrase are
not.
"""

from __future__ import annotations

# Words that leave little doubt about the domain.
CLEAR = {
    "code": """
        python, javascript, typescript, golang, java, kotlin, c++, c#, php, ruby, scala, haskell, perl, bash,
        powershell, html, css, vue, angular, svelte, npm, pip, django, flask, fastapi, laravel, rails, git, github,
        gitlab, docker, dockerfile, kubernetes, k8s, kubectl, nginx, apache, linux, ubuntu, vim, vscode, regex,
        json, yaml, toml, xml, rest api, graphql, grpc, websocket, ssh, jwt, oauth, redis, postgres, postgresql,
        mysql, mongodb, sqlite, nosql, kafka, rabbitmq, celery, terraform, ansible, pytest, unit test, compiler,
        parser, bytecode, segfault, stacktrace, stack trace, traceback, nullpointerexception, deadlock, mutex,
        goroutine, closure, async, decorator, docstring, snake case, camelcase, dataclass, dependency injection,
        garbage collection, source code, codebase, refactor, debug, debugger, microservices, monolith, backend,
        frontend, full stack, rate limiter, load balancer, url shortener, crdt, cron, chmod, sudo, localhost, ci cd,
        pull request, merge conflict, rebase, memory leak, race condition, devops, linked list, hash map, binary
        search tree, binary search, quicksort, bubble sort, big o, recursion, oop, debounce, object oriented,
        programming, sdk, webhook, kubelet, etcd, autovacuum, navbar, status code, lock free, template engine, orm,
        migration script, const, var, variables, ide, terminal command, react component, react hook, reactjs, react
        native, in react, with react, node js, nodejs, in rust, in swift, express js, git branch, spring boot, in
        spring, program, programs, data structure, data structures, dynamic programming, web app, web server,
        command line, machine code, c program, binary tree, queue data structure, source file, api gateway, an api,
        api key, http status, git undo, undo commit, into memory, line by line,
        بايثون, جافا, جافاسكربت, جافا سكربت, برمجة, برمجي, كود, سكربت, خوارزمية, لينكس, دوكر, سيرفر, متغيرات البيئة,
        كائنية التوجه, غير المتزامنة, باك اند, فرونت اند, مبرمج, الخطأ البرمجي, تطبيق ويب, واجهة برمجية, قاعدة
        البيانات, قواعد البيانات, معمارية, بورت, ريأكت, لغة السي, كومبايلر
    """,
    "mathematics": """
        prove, proof, theorem, lemma, derivative, integral, integrate, differentiate, equation, polynomial, matrix,
        matrices, eigenvalue, eigenvector, determinant, vector space, calculus, algebra, geometry, trigonometry,
        probability, combinatorics, permutation, combination, factorial, prime, primes, gcd, lcm, modulo, logarithm,
        log2, sqrt, square root, cube root, irrational, rational number, converge, convergent, limit of, asymptotic,
        bayes, p value, standard deviation, variance, estimator, lagrange, hypothesis test, chain rule, compound
        interest, triangle, radius, hypotenuse, pythagoras, bijection, injective, isomorphism, group theory,
        integral domain, continuous function, countable, divisible, arithmetic, quadratic, numerator, sine, cosine,
        pi, percent of, perimeter, generating function, closed form, counterexample, math, maths, mathematics, math
        problem, odd numbers, coin flips, dice, mle, inequality, inequalities, integers, vertices, solve for, word
        problem, probability that, remainder, slope, multiples, simultaneous equations, algebraic, maths problem,
        line segment, segment, endpoints, quadratic formula, value of f, in terms of, probability of, two dice,
        bounded sequence, graph with, tan, cos, sin,
        برهن, برهان, اثبت, أثبت, إثبات, نظرية فيثاغورس, مشتقة, تفاضل, تكامل, معادلة, معادلات, مصفوفة, احتمالات,
        تباديل, توافيق, جذر, الجذر التربيعي, عدد أولي, أعداد أولية, عدد نسبي, غير نسبي, مساحة دائرة, نصف قطر, مثلث,
        متسلسلة, متتالية, استقراء, لوغاريتم, كثيرة حدود, رياضيات, جبر, هندسة فراغية, جا, جتا, عدد طبيعي, القاسم
        المشترك, ما احتمال, احتمال ظهور, متقاربة, العدد الأولي, نصف, ربع, ثلث
    """,
    "writing": """
        essay, poem, haiku, sonnet, sestina, verse, lyrics, novel, short story, story, chapter, cover letter, blog
        post, linkedin, tweet, caption, hashtag, speech, toast, resume, cv, resignation, abstract, press release,
        product description, newsletter, slogan, headline, grant proposal, paragraph, wording, proofread, grammar,
        spelling, spell, typo, synonym, antonym, rephrase, paraphrase, rewrite, reword, translate, translation,
        summarise, summarize, summary, tone, thesis, word for, past tense, plural of, capitalise, capitalize,
        punctuation, apology, complaint, affect or effect, who or whom, more formal, sound more, sentence, lettre,
        traduire, carta, brief schreiben, ubersetze, letter of recommendation, formal letter, formal email,
        grammatical, grammatical errors, following paragraph, following text, podcast script, blog, travel blog,
        title for, a title, movie review, concert review, opening paragraph, headline for, youtube video, persuasive
        email, announcement, bio, nicer, whatsapp message, say this,
        ترجم, ترجمة, ترجمه, صحح الجملة, رسالة, رساله, بريد الكتروني, قصيدة, قصة, قصه, مقال, مقالة, مقالا, خطبة,
        خطاب, لخص, تلخيص, ملخص, اختصر, أعد صياغة, صياغة, صيغ, مرادف, ضد كلمة, جمع كلمة, مفرد كلمة, أعرب, اعراب, سيرة
        ذاتية, بوست, منشور, وصف منتج, اعتذار, شعر, إملاء, تدقيق لغوي, نحويا, رواية قصيرة, سيناريو فيلم, تهنئة, عنوان
        لمقال, طلب منحة, لغويا, رسالة واتساب
    """,
    "data": """
        sql, csv, excel, spreadsheet, google sheets, pivot, vlookup, xlookup, sumif, countif, dataset, dataframe,
        pandas, numpy, sum column, bar chart, line chart, pie chart, chart, histogram, box plot, scatter, mean of,
        outlier, missing values, survey data, inner join, left join, group by, etl, star schema, data warehouse,
        time series, forecasting, a b test, ab test, sample size, dashboard, tableau, power bi, markdown table, this
        table, table below, the table, sort these, cte, ctes, sql query, row count, plot the, average of, chart
        should, extract all, named entities, median of, matplotlib, seaborn, ggplot, scales, subplots, freeze, in
        sheets,
        اكسل, إكسيل, جدول البيانات, جوجل شيت, استعلام, رسم بياني, بيانات, قيم ناقصة, القيم المفقودة, قيم مفقودة,
        استبيان, تحليل البيانات, المبيعات, مبيعات, تجربة a b, حجم العينة, الجدول ده, الجدول التالي, لجدول, رتب
        الأرقام, تنبؤ, شوف الجدول, جدول محوري, انحراف معياري
    """,
    "small_talk": """
        hi, hello, hey, hiya, yo, good morning, good evening, good night, good afternoon, thanks, thank you, thx,
        ty, bye, goodbye, see you, lol, haha, hahaha, how are you, hows it going, whats up, wassup, sup, nice to
        meet you, your name, are you a robot, are you human, are you real, who made you, who are you, what are you,
        tell me a joke, joke, how was your day, you there, hear me, lonely, bored, just talk, just chat, lets chat,
        talk for a bit, love you, good bot, well done, cheers, welcome back, im back, talk to you, my feelings,
        nervous, guten morgen, hallo, wie gehts, bonjour, salut, merci, hola, gracias, buenos dias, do you sleep, do
        you dream, do you like, do you have feelings, are you ok, ok thanks, ok cool,
        السلام عليكم, مرحبا, اهلا, أهلين, هلا, هلو, صباح الخير, مساء الخير, تصبح على خير, شكرا, مشكور, متشكر, تسلم,
        ازيك, ازيكم, عامل ايه, عاملة ايه, كيفك, كيف حالك, كيف الحال, شلونك, شخبارك, اخبارك, شو اسمك, ما اسمك, اسمك
        ايه, وش اسمك, مين انت, من انت, نكتة, مع السلامة, باي, يعطيك العافية, الله يعافيك, جزاك الله, هههه, ههههه,
        انت انسان, انت روبوت, حاسس, حاسة, زهقان, ملل, طفشان, نتكلم, دردش, سولف
    """,
    "other": """
        capital, country, city, president, king, queen, war, empire, history, recipe, cook, oven, vitamins, vaccine,
        doctor, symptom, medicine, ibuprofen, workout, exercise, diet, calories, travel, trip, flight, hotel, visa,
        museum, mortgage, loan, tax, invest, rent, landlord, tenant, law, election, electoral, planet, ocean,
        mountain, animal, bike, car, weather, population, currency, religion, philosophy, kantian, movie, phone,
        iphone, plant, garden, sleep, insomnia, physics, chemistry, biology, electric, radiation, business, market,
        strategy, startup, pricing, restaurant, menu, vegetarian, dinner, lunch, kids, parents, family, school,
        suspects, friends lie, government, economy, economic, culture, cultural, society, environment, climate,
        renewable, earth, space, universe, health, stress, medical, patient, education, student, book, author,
        civilization, century, politics, philosophical, ethics, moral, photosynthesis, cell, molecule, atom,
        chemical, chemical equation, gravity, solar, energy, workplace, career, job interview, productivity,
        conflict resolution, machine learning, artificial intelligence, band, sport, football, championship,
        superhero, famous, company, communication, community, customer, food, water, ounces, pound, kilograms,
        عاصمة, دولة, مدينة, رئيس, حرب, تاريخ, وصفة, طبخ, طريقة عمل, لقاح, لقاحات, دكتور, دواء, مرض, تمارين, رجيم,
        سعرة, سفر, رحلة, فندق, فيزا, راتب, قرض, ايجار, قانون, كوكب, جبل, بحر, حيوان, سيارة, طقس, عملة, سماء, موبايل,
        مطعم, قهوة, مشروع, سكان, نوم, أرق, استثمر, يكذب, يصدق, ثقافة, مجتمع, اقتصاد, حكومة, صحة, تعليم, بيئة, طاقة,
        فيزياء, كيمياء, احياء, دين, كتاب, مؤلف, وظيفة, شركة, ذكاء اصطناعي, كرة القدم, اكل, ماء
    """,
}
# Words that indicate the domain if nothing else does.
HINTS = {
    "code": """
        code, function, script, method, class, variable, array, tuple, loop, thread, pointer, exception, bug,
        server, app, web page, database, query, cache, caching, queue, port, command, library, framework, package,
        deploy, login, endpoint, config, log, logs, schema, shard, sharding, throughput, latency, replica, failover,
        data model, undo, algorithm, architecture, bytes, flag, syntax, implement, containers, react, express,
        spring, swift, branch, commit, node, rust, div, oom, http, https, await, responsive, software, recursion,
        arrays, api, last commit, a process, a thread, string, a list, linked, my tests, test suite, error,
        terminal, file, unit,
        دالة, داله, برنامج, تطبيق, موقع, صفحة, خطأ, ايرور, ملف, ملفات, مصفوفات, امر, نظام, شبكة, مستخدم, اختبارات,
        بروسيس, ميموري, النسخ الاحتياطي, نسخة احتياطية, مستخدم متصل, تسجيل دخول
    """,
    "mathematics": """
        solve, sum, product, square, root, percentage, equal, angle, area, volume, formula, degrees, ratio, round,
        decimals, digits, divide, multiply, minus, plus, infinite, finite, all n, every n, function, die, series,
        calculate, squares, fraction, prisoners, induction, circle, circle with, divided by, times, a number,
        احسب, حل, مجموع, كم يساوي, نسبة, مربع, مكعب, زاوية, مساحة, ضعف, جمع, طرح, ناقص, زائد, ضرب, كسر, قسمة,
        احتمال, احتمالات, يساوي, محيط, عدد صحيح
    """,
    "writing": """
        write, draft, compose, words, formal, shorter, funny, funnier, friendly tone, narrator, proposal, feedback,
        description, ecris, redige, escribe, schreib, email, letter, hashtag, caption, spelling, script for,
        creative, imagery, podcast script, tone of voice, ghostwrite, recommendation, in english, in french, in
        german, in spanish, in arabic, to english, to french, to german, to spanish, to arabic, into english, into
        french, into german, into spanish, into arabic, keep it polite, more polite, a message, short message, edit
        this, edit the, toast for, their,
        اكتب, اكتبلي, كلمة, جملة, نص, فقرة, انجليزي, الانجليزية, بالانجليزي, بالعربي, فرنسي, عنوان, رسمي, صحح, أقصر,
        ايميل
    """,
    "data": """
        table, column, row, rows, data, chart, report, sales, revenue, per month, per week, sort, duplicates,
        metrics, graph, statistics, q1, average, median, regression, correlation, forecast, extract, json, bar,
        dashboard,
        جدول, عمود, صف, صفوف, أرقام, ارقام, رتب, نسبة, مكرر, فرع, شهر, مؤشرات, رسم, متوسط, وسيط
    """,
    "small_talk": """
        okay, cool, nice, great, perfect, sorry, please, feel, bro, wow, awesome, mate, sure, ok then, ok good,
        تمام, حلو, ماشي, اوكي, صديقي, أصحابي, حبيبي, طيب, عفوا
    """,
}
