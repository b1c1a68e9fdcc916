"""The facts that the simulator knows: data only. True facts, enough for suites to ask natural questions."""

# ruff: noqa: RUF001, SIM905 - other scripts and typographic signs are data here, and lists of words

from __future__ import annotations

CAPITALS = dict(
    pair.split(":")
    for row in """\
Afghanistan:Kabul | Albania:Tirana | Algeria:Algiers | Argentina:Buenos Aires | Armenia:Yerevan | Australia:Canberra | Austria:Vienna
Azerbaijan:Baku | Bangladesh:Dhaka | Belarus:Minsk | Belgium:Brussels | Bolivia:Sucre | Botswana:Gaborone | Brazil:Brasília | Bulgaria:Sofia
Cambodia:Phnom Penh | Cameroon:Yaoundé | Canada:Ottawa | Chile:Santiago | China:Beijing | Colombia:Bogotá | Costa Rica:San José | Croatia:Zagreb
Cuba:Havana | Cyprus:Nicosia | Czech Republic:Prague | Czechia:Prague | Denmark:Copenhagen | Ecuador:Quito | Egypt:Cairo | England:London
Estonia:Tallinn | Ethiopia:Addis Ababa | Finland:Helsinki | France:Paris | Georgia:Tbilisi | Germany:Berlin | Ghana:Accra | Greece:Athens
Guatemala:Guatemala City | Hungary:Budapest | Iceland:Reykjavík | India:New Delhi | Indonesia:Jakarta | Iran:Tehran | Iraq:Baghdad | Ireland:Dublin
Israel:Jerusalem | Italy:Rome | Jamaica:Kingston | Japan:Tokyo | Jordan:Amman | Kazakhstan:Astana | Kenya:Nairobi | Latvia:Riga | Lebanon:Beirut
Lithuania:Vilnius | Luxembourg:Luxembourg | Malaysia:Kuala Lumpur | Malta:Valletta | Mexico:Mexico City | Mongolia:Ulaanbaatar | Morocco:Rabat
Mozambique:Maputo | Nepal:Kathmandu | Netherlands:Amsterdam | New Zealand:Wellington | Nigeria:Abuja | Norway:Oslo | Pakistan:Islamabad
Panama:Panama City | Paraguay:Asunción | Peru:Lima | Philippines:Manila | Poland:Warsaw | Portugal:Lisbon | Qatar:Doha | Romania:Bucharest
Russia:Moscow | Saudi Arabia:Riyadh | Scotland:Edinburgh | Senegal:Dakar | Serbia:Belgrade | Singapore:Singapore | Slovakia:Bratislava
Slovenia:Ljubljana | South Africa:Pretoria | South Korea:Seoul | Spain:Madrid | Sri Lanka:Colombo | Sweden:Stockholm | Switzerland:Bern
Taiwan:Taipei | Tanzania:Dodoma | Thailand:Bangkok | Tunisia:Tunis | Turkey:Ankara | Uganda:Kampala | Ukraine:Kyiv | United Arab Emirates:Abu Dhabi
United Kingdom:London | UK:London | United States:Washington, D.C. | USA:Washington, D.C. | Uruguay:Montevideo | Uzbekistan:Tashkent
Venezuela:Caracas | Vietnam:Hanoi | Wales:Cardiff | Zambia:Lusaka | Zimbabwe:Harare
""".splitlines()
    for pair in row.split(" | ")
)
COUNTRIES = {name.lower(): name for name in CAPITALS}

COLOURS = dict(
    pair.split(":")
    for pair in (
        "white:FFFFFF black:000000 red:FF0000 lime:00FF00 blue:0000FF yellow:FFFF00 cyan:00FFFF magenta:FF00FF silver:C0C0C0 "
        "gray:808080 grey:808080 maroon:800000 olive:808000 green:008000 purple:800080 teal:008080 navy:000080 orange:FFA500 "
        "pink:FFC0CB gold:FFD700 brown:A52A2A turquoise:40E0D0 violet:EE82EE indigo:4B0082 crimson:DC143C salmon:FA8072 "
        "coral:FF7F50 beige:F5F5DC lavender:E6E6FA khaki:F0E68C"
    ).split()
)
"""A colour of CSS and its code: red, green and blue, two hexadecimal digits each."""
FACTS = tuple(
    (frozenset(words.split()), short, long, more, tuple(domains.split()))
    for words, short, long, more, domains in (
        row.split(" | ")
        for row in """\
2024 euro | Spain | Spain won Euro 2024, beating England 2–1 in the final in Berlin on July 14, 2024. | Mikel Oyarzabal scored the winner in the 86th minute, which gave La Furia Roja a record fourth European title. | uefa.com wikipedia.org bbc.com
2022 cup world | Argentina | Argentina won the 2022 FIFA World Cup, beating France 4–2 on penalties after a 3–3 draw. | Lionel Messi scored twice and Kylian Mbappé three times in the final in Lusail. | fifa.com wikipedia.org
2024 ballon d'or | Rodri | Rodri of Manchester City won the 2024 men's Ballon d'Or. | The ceremony was held in the Théâtre du Châtelet in Paris on October 28, 2024. | francefootball.fr wikipedia.org
2024 nobel physics | John Hopfield and Geoffrey Hinton | The 2024 Nobel Prize in Physics went to John Hopfield and Geoffrey Hinton. | They were honoured for discoveries that made machine learning with artificial neural networks possible. | nobelprize.org wikipedia.org
mountain tallest | Mount Everest | Mount Everest is the tallest mountain on Earth, 8,849 metres above sea level. | It stands on the border of Nepal and China. | britannica.com wikipedia.org
highest mountain | Mount Everest | Mount Everest is the highest mountain on Earth, 8,849 metres above sea level. | It stands on the border of Nepal and China. | britannica.com wikipedia.org
largest planet | Jupiter | Jupiter is the largest planet of the solar system. | It has more than twice the mass of all other planets together. | nasa.gov wikipedia.org
longest river | the Nile | The Nile is usually called the longest river, about 6,650 kilometres. | Some measurements give that place to the Amazon. | britannica.com wikipedia.org
light speed | 299,792,458 metres per second | Light travels at 299,792,458 metres per second in a vacuum. | The metre is defined by it. | nist.gov wikipedia.org
hamlet who wrote | William Shakespeare | William Shakespeare wrote Hamlet, around 1600. |  | britannica.com
faust wrote | Johann Wolfgang von Goethe | Johann Wolfgang von Goethe wrote Faust. | Its first part appeared in 1808. | britannica.com
juliet romeo wrote | William Shakespeare | William Shakespeare wrote Romeo and Juliet, around 1595. |  | britannica.com
1984 wrote | George Orwell | George Orwell wrote 1984, published in 1949. |  | britannica.com
mona lisa painted | Leonardo da Vinci | Leonardo da Vinci painted the Mona Lisa. | It hangs in the Louvre in Paris. | louvre.fr
ii war world end | 1945 | World War II ended in 1945. |  | britannica.com
i war world end | 1918 | World War I ended in 1918. |  | britannica.com
fall wall berlin | 1989 | The Berlin Wall fell in 1989. |  | britannica.com
pride prejudice wrote | Jane Austen | Jane Austen wrote Pride and Prejudice, published in 1813. |  | britannica.com
mockingbird wrote | Harper Lee | Harper Lee wrote To Kill a Mockingbird, published in 1960. |  | britannica.com
gatsby wrote | F. Scott Fitzgerald | F. Scott Fitzgerald wrote The Great Gatsby, published in 1925. |  | britannica.com
first president united states | George Washington | George Washington was the first president of the United States. |  | britannica.com
first president us | George Washington | George Washington was the first president of the United States. |  | britannica.com
water boiling point | 100 °C | The boiling point of water is 100 °C (212 °F) at sea level. |  | britannica.com
water freeze | 0 °C | Water freezes at 0 °C (32 °F). |  | britannica.com
red planet | Mars | Mars is known as the Red Planet. | Iron oxide gives it its colour. | nasa.gov wikipedia.org
closest planet sun | Mercury | Mercury is the planet closest to the Sun. |  | nasa.gov wikipedia.org
smallest planet | Mercury | Mercury is the smallest planet of the solar system. |  | nasa.gov wikipedia.org
largest country world | Russia | Russia is the largest country by area. |  | britannica.com
largest animal | the blue whale | The blue whale is the largest animal. |  | britannica.com
fastest animal land | the cheetah | The cheetah is the fastest land animal. |  | britannica.com
earth flat | No | No, the Earth is not flat; it is nearly a sphere. |  | nasa.gov wikipedia.org
color grass | green | Grass is green because of its chlorophyll. |  | britannica.com
eiffel tower city | Paris | The Eiffel Tower is in Paris, the capital of France. |  | toureiffel.paris
eiffel tower where | Paris | The Eiffel Tower is in Paris, the capital of France. |  | toureiffel.paris
chemical sodium symbol | Na | The chemical symbol of sodium is Na. |  | britannica.com
chemical oxygen symbol | O | The chemical symbol of oxygen is O. |  | britannica.com
strings many guitar | 6 | A guitar usually has 6 strings. |  | britannica.com
instrument oboe | woodwind | The oboe is a woodwind instrument. |  | britannica.com
discovered penicillin | Alexander Fleming | Alexander Fleming discovered penicillin in 1928. |  | britannica.com
discovered gravity | Isaac Newton | Isaac Newton described the law of gravity, published in 1687. |  | britannica.com
2012 olympics | London | The 2012 Summer Olympics were held in London. |  | olympics.com
2016 olympics | Rio de Janeiro | The 2016 Summer Olympics were held in Rio de Janeiro. |  | olympics.com
2020 olympics | Tokyo | The 2020 Summer Olympics were held in Tokyo, in 2021. |  | olympics.com
2024 olympics | Paris | The 2024 Summer Olympics were held in Paris. |  | olympics.com
largest city mexico | Mexico City | Mexico City is the largest city in Mexico. |  | britannica.com
eiffel tower tall | 330 metres | The Eiffel Tower is 330 metres tall. |  | toureiffel.paris
largest ocean | the Pacific Ocean | The Pacific Ocean is the largest ocean. |  | britannica.com
chemical water formula | H2O | The chemical formula of water is H2O. |  | britannica.com
chemical symbol iron | Fe | The chemical symbol of iron is Fe. |  | britannica.com
chemical symbol silver | Ag | The chemical symbol of silver is Ag. |  | britannica.com
continents many | 7 | There are 7 continents. |  | britannica.com
days many year | 365 | A year has 365 days; a leap year has 366. |  | britannica.com
days many week | 7 | A week has 7 days. |  | britannica.com
planets many solar | 8 | The solar system has 8 planets. |  | nasa.gov
legs many spider | 8 | A spider has 8 legs. |  | britannica.com
relativity theory who | Albert Einstein | Albert Einstein developed the theory of relativity. |  | nobelprize.org
telephone invented | Alexander Graham Bell | Alexander Graham Bell is credited with the telephone, patented in 1876. |  | britannica.com
python created | Guido van Rossum | Guido van Rossum created Python, first released in 1991. |  | python.org
boil water | 100 | Water boils at 100 °C at sea level. | That is 212 °F. | britannica.com
first moon person | Neil Armstrong | Neil Armstrong was the first person on the Moon, on July 20, 1969. | Buzz Aldrin followed him minutes later. | nasa.gov wikipedia.org
blue sky | Rayleigh scattering | The sky is blue because air scatters short wavelengths of sunlight more than long ones. | This is called Rayleigh scattering. | nasa.gov wikipedia.org
colour sky | blue | The sky is blue. |  | nasa.gov
color sky | blue | The sky is blue. |  | nasa.gov
chemical gold symbol | Au | The chemical symbol of gold is Au. |  | britannica.com
""".splitlines()
    )
)
"""Words that the question must contain, the bare answer, a sentence, a second sentence (may be empty), the sites to cite."""

LISTS = {
    "colour": ["red", "green", "blue", "yellow", "orange", "purple", "white", "black"],
    "color": ["red", "green", "blue", "yellow", "orange", "purple", "white", "black"],
    "fruit": ["apple", "banana", "cherry", "orange", "pear", "grape", "mango", "plum"],
    "animal": ["cat", "dog", "horse", "elephant", "owl", "salmon", "fox", "bee"],
    "planet": ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"],
    "city": ["Oslo", "Paris", "Tokyo", "Lima", "Nairobi", "Toronto", "Sydney", "Madrid"],
    "cities": ["Oslo", "Paris", "Tokyo", "Lima", "Nairobi", "Toronto", "Sydney", "Madrid"],
    "countr": ["Norway", "France", "Japan", "Peru", "Kenya", "Canada", "Australia", "Spain"],
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "month": "January February March April May June July August September October November December".split(),
    "prime": ["2", "3", "5", "7", "11", "13", "17", "19", "23", "29", "31", "37", "41", "43", "47", "53"],
    "season": ["spring", "summer", "autumn", "winter"],
    "language": ["Python", "Rust", "Go", "TypeScript", "Java", "Kotlin", "Swift", "C"],
    "name": ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Margaret", "Ken"],
    "capital": ["Paris", "Berlin", "Rome", "Madrid", "Lisbon", "Vienna", "Oslo", "Athens"],
    "vegetable": ["carrot", "potato", "tomato", "onion", "spinach", "cucumber", "pepper", "cabbage"],
    "sport": ["football", "tennis", "basketball", "swimming", "cycling", "rowing", "hockey", "golf"],
    "instrument": ["piano", "violin", "guitar", "flute", "drums", "cello", "trumpet", "harp"],
    "ocean": ["Pacific", "Atlantic", "Indian", "Southern", "Arctic"],
    "continent": ["Africa", "Antarctica", "Asia", "Australia", "Europe", "North America", "South America"],
    "bird": ["sparrow", "owl", "eagle", "robin", "penguin", "crow", "hawk", "duck"],
    "flower": ["rose", "tulip", "daisy", "lily", "sunflower", "orchid", "violet", "iris"],
    "cookie": ["chocolate chip", "oatmeal raisin", "shortbread", "gingersnap", "macaron", "biscotti"],
}

OPPOSITES = {
    word: other
    for pair in (
        "up:down hot:cold big:small happy:sad fast:slow light:dark high:low good:bad old:new open:closed tall:short day:night left:right "
        "hard:soft wet:dry early:late full:empty rich:poor strong:weak young:old black:white large:little"
    ).split()
    for word, other in (pair.split(":"), pair.split(":")[::-1])
}
WORDS = {
    "i love you": {"fr": "je t'aime", "de": "ich liebe dich", "es": "te quiero", "it": "ti amo", "pt": "eu te amo", "ja": "愛しています", "zh": "我爱你"},
    "i love programming": {"fr": "j'aime programmer", "de": "ich liebe das Programmieren", "es": "me encanta programar", "it": "amo programmare", "pt": "eu amo programar", "ja": "私はプログラミングが大好きです"},
    "how are you": {"fr": "comment allez-vous", "de": "wie geht es dir", "es": "cómo estás", "it": "come stai", "pt": "como você está", "ja": "お元気ですか", "zh": "你好吗"},
    "book": {"fr": "livre", "de": "Buch", "es": "libro", "it": "libro", "pt": "livro", "ja": "本", "zh": "书"},
    "the book is on the table": {"fr": "le livre est sur la table", "de": "das Buch liegt auf dem Tisch", "es": "el libro está sobre la mesa", "it": "il libro è sul tavolo", "pt": "o livro está na mesa"},
    "the weather is nice today": {"fr": "il fait beau aujourd'hui", "de": "das Wetter ist heute schön", "es": "hoy hace buen tiempo", "it": "oggi fa bel tempo", "ja": "今日はいい天気です"},
    "yes": {"fr": "oui", "de": "ja", "es": "sí", "it": "sì", "pt": "sim", "ja": "はい", "zh": "是"},
    "apple": {"fr": "pomme", "de": "Apfel", "es": "manzana", "it": "mela", "pt": "maçã", "ja": "りんご", "zh": "苹果"},
    "friend": {"fr": "ami", "de": "Freund", "es": "amigo", "it": "amico", "pt": "amigo", "ja": "友達", "zh": "朋友"},
    "hello": {"fr": "bonjour", "de": "hallo", "es": "hola", "it": "ciao", "pt": "olá", "no": "hei", "sv": "hej", "nl": "hallo", "ja": "こんにちは"},
    "good morning": {"fr": "bonjour", "de": "guten Morgen", "es": "buenos días", "it": "buongiorno", "pt": "bom dia", "no": "god morgen", "ja": "おはようございます"},
    "thank you": {"fr": "merci", "de": "danke", "es": "gracias", "it": "grazie", "pt": "obrigado", "no": "takk", "sv": "tack", "nl": "dank je", "ja": "ありがとう"},
    "goodbye": {"fr": "au revoir", "de": "auf Wiedersehen", "es": "adiós", "it": "arrivederci", "pt": "adeus", "no": "ha det", "ja": "さようなら"},
    "water": {"fr": "eau", "de": "Wasser", "es": "agua", "it": "acqua", "pt": "água", "no": "vann", "sv": "vatten", "nl": "water", "ja": "水"},
    "cat": {"fr": "chat", "de": "Katze", "es": "gato", "it": "gatto", "pt": "gato", "no": "katt", "sv": "katt", "nl": "kat", "ja": "猫"},
    "dog": {"fr": "chien", "de": "Hund", "es": "perro", "it": "cane", "pt": "cão", "no": "hund", "sv": "hund", "nl": "hond", "ja": "犬"},
    "cheese": {"fr": "fromage", "de": "Käse", "es": "queso", "it": "formaggio", "pt": "queijo", "no": "ost", "sv": "ost", "nl": "kaas", "ja": "チーズ"},
    "house": {"fr": "maison", "de": "Haus", "es": "casa", "it": "casa", "pt": "casa", "no": "hus", "sv": "hus", "nl": "huis", "ja": "家"},
    "good night": {"fr": "bonne nuit", "de": "gute Nacht", "es": "buenas noches", "it": "buonanotte", "no": "god natt", "ja": "おやすみなさい"},
}  # fmt: skip

CAPITAL_IS = {
    "en": "The capital of {country} is {capital}.",
    "fr": "La capitale de {country} est {capital}.",
    "de": "Die Hauptstadt von {country} ist {capital}.",
    "es": "La capital de {country} es {capital}.",
    "it": "La capitale di {country} è {capital}.",
    "pt": "A capital de {country} é {capital}.",
    "nl": "De hoofdstad van {country} is {capital}.",
    "no": "Hovedstaden i {country} er {capital}.",
    "sv": "Huvudstaden i {country} är {capital}.",
    "ja": "{country}の首都は{capital}です。",
    "zh": "{country}的首都是{capital}。",
    "ko": "{country}의 수도는 {capital}입니다.",
    "ru": "Столица страны {country} — {capital}.",
    "el": "Η πρωτεύουσα της χώρας {country} είναι {capital}.",
    "ar": "عاصمة {country} هي {capital}.",
    "hi": "{country} की राजधानी {capital} है।",
}
ANSWER_IS = {
    "fr": "La réponse est : {short}.",
    "de": "Die Antwort lautet: {short}.",
    "es": "La respuesta es: {short}.",
    "it": "La risposta è: {short}.",
    "pt": "A resposta é: {short}.",
    "nl": "Het antwoord is: {short}.",
    "no": "Svaret er: {short}.",
    "sv": "Svaret är: {short}.",
    "ja": "答えは{short}です。",
    "zh": "答案是{short}。",
    "ko": "답은 {short}입니다.",
    "ru": "Ответ: {short}.",
    "el": "Η απάντηση είναι: {short}.",
    "ar": "الجواب هو: {short}.",
    "hi": "उत्तर है: {short}।",
}
CONFIRMED = {
    "en": "Several sources — {sources} — agree on this.",
    "fr": "Plusieurs sources, dont {sources}, le confirment.",
    "de": "Mehrere Quellen, darunter {sources}, bestätigen das.",
    "es": "Varias fuentes, entre ellas {sources}, lo confirman.",
    "it": "Più fonti, tra cui {sources}, lo confermano.",
    "pt": "Várias fontes, entre elas {sources}, confirmam isto.",
    "nl": "Meerdere bronnen, waaronder {sources}, bevestigen dit.",
    "no": "Flere kilder, blant dem {sources}, bekrefter dette på nett.",
    "sv": "Flera källor, bland dem {sources}, bekräftar detta.",
    "ja": "{sources}などの情報源で確認できます。",
    "zh": "{sources}等来源证实了这一点。",
    "ko": "{sources} 등 여러 출처에서 확인됩니다.",
    "ru": "Это подтверждают источники: {sources}.",
    "el": "Το επιβεβαιώνουν πηγές όπως {sources}.",
    "ar": "تؤكد ذلك مصادر مثل {sources}.",
    "hi": "{sources} जैसे स्रोत इसकी पुष्टि करते हैं।",
}
LOCAL = {
    "ja": {"Brazil": "ブラジル", "Brasília": "ブラジリア", "France": "フランス", "Paris": "パリ", "Japan": "日本", "Tokyo": "東京",
           "Norway": "ノルウェー", "Oslo": "オスロ", "Germany": "ドイツ", "Berlin": "ベルリン", "Spain": "スペイン", "Madrid": "マドリード",
           "Italy": "イタリア", "Rome": "ローマ", "Peru": "ペルー", "Lima": "リマ"},
    "fr": {"Germany": "l'Allemagne", "Japan": "Japon", "Norway": "la Norvège", "Spain": "l'Espagne", "Brazil": "Brésil", "France": "la France", "Vienna": "Vienne",
           "Moscow": "Moscou", "Warsaw": "Varsovie", "London": "Londres", "Brussels": "Bruxelles", "Athens": "Athènes", "Lisbon": "Lisbonne",
           "Beijing": "Pékin", "Cairo": "Le Caire", "Copenhagen": "Copenhague"},
    "es": {"Vienna": "Viena", "Rome": "Roma", "Moscow": "Moscú", "Warsaw": "Varsovia", "London": "Londres", "Brussels": "Bruselas", "Athens": "Atenas",
           "Lisbon": "Lisboa", "Berlin": "Berlín", "Paris": "París", "Copenhagen": "Copenhague", "Cairo": "El Cairo", "Tokyo": "Tokio"},
    "de": {"France": "Frankreich", "Germany": "Deutschland", "Norway": "Norwegen", "Spain": "Spanien", "Brazil": "Brasilien", "Italy": "Italien", "Vienna": "Wien",
           "Rome": "Rom", "Moscow": "Moskau", "Warsaw": "Warschau", "Prague": "Prag", "Brussels": "Brüssel", "Athens": "Athen", "Lisbon": "Lissabon",
           "Beijing": "Peking", "Cairo": "Kairo", "Copenhagen": "Kopenhagen", "Tokyo": "Tokio"},
    "hi": {"India": "भारत", "New Delhi": "नई दिल्ली", "France": "फ्रांस", "Paris": "पेरिस", "Japan": "जापान", "Tokyo": "टोक्यो"},
    "zh": {"China": "中国", "Beijing": "北京", "France": "法国", "Paris": "巴黎", "Japan": "日本", "Tokyo": "东京"},
    "ru": {"Russia": "Россия", "Moscow": "Москва", "France": "Франция", "Paris": "Париж"},
}  # fmt: skip

NAMED_ABROAD = dict(
    pair.split(":")
    for pair in (
        "Österreich:Austria Schweiz:Switzerland Polen:Poland Portugal:Portugal Griechenland:Greece Ungarn:Hungary Türkei:Turkey Russland:Russia "
        "Schweden:Sweden Dänemark:Denmark Finnland:Finland Irland:Ireland Niederlande:Netherlands Belgien:Belgium Japan:Japan China:China Indien:India "
        "Kanada:Canada Ägypten:Egypt Mexiko:Mexico Argentinien:Argentina Kroatien:Croatia Tschechien:Czechia Rumänien:Romania "
        "Italie:Italy Allemagne:Germany Espagne:Spain Autriche:Austria Suisse:Switzerland Pologne:Poland Grèce:Greece Hongrie:Hungary Turquie:Turkey "
        "Russie:Russia Suède:Sweden Norvège:Norway Danemark:Denmark Finlande:Finland Irlande:Ireland Belgique:Belgium Japon:Japan Chine:China Inde:India "
        "Égypte:Egypt Mexique:Mexico Argentine:Argentina Brésil:Brazil Pérou:Peru Maroc:Morocco Chili:Chile "
        "Italia:Italy Alemania:Germany España:Spain Francia:France Suiza:Switzerland Polonia:Poland Grecia:Greece Hungría:Hungary Rusia:Russia "
        "Suecia:Sweden Noruega:Norway Dinamarca:Denmark Finlandia:Finland Irlanda:Ireland Bélgica:Belgium Japón:Japan Brasil:Brazil Perú:Peru México:Mexico "
        "Egipto:Egypt Marruecos:Morocco Canadá:Canada Alemanha:Germany França:France Espanha:Spain Itália:Italy Germania:Germany Giappone:Japan "
        "Spagna:Spain 韓国:South-Korea 한국:South-Korea 일본:Japan 프랑스:France 德国:Germany 意大利:Italy Германия:Germany Италия:Italy Япония:Japan"
    ).split()
    if pair.split(":")[1] in CAPITALS
)
"""The name of a country in another language -> its English name."""

GIVEN_NAMES = frozenset(
    (
        "Ada Adam Adriana Aisha Alan Albert Alejandro Alex Alexander Alice Alicia Amelia Amir Amy Ana Anders Andrea Andreas Andrew Angela Anja Ann Anna Anne "
        "Anton Antonio Arthur Barbara Ben Benjamin Bernd Bettina Bill Bob Boris Brian Camille Carl Carla Carlos Carmen Carol Caroline Catherine Cecilia Chen "
        "Chester Chloe Chris Christian Christina Claire Clara Claudia Clara Daniel Daniela David Deborah Dennis Diana Diego Dieter Dmitri Don Donald Dora Edith "
        "Eduardo Edward Elena Eleanor Eli Elisa Elizabeth Ella Ellen Elsa Emil Emily Emma Eric Erica Erick Erik Erika Eva Eve Fatima Felix Fernando Francesca "
        "Francisco Frank Franz Fred Frida Friedrich Fritz Gabriel Gabriela George Gerd Giulia Giovanni Grace Greta Gustav Hana Hannah Hans Harald Harry Heidi "
        "Heinz Helen Helena Helga Henri Henry Hiroshi Hugo Ian Ibrahim Igor Ines Ingrid Irene Isabel Isabella Ivan Jack Jacob Jakob James Jan Jana Jane Janet "
        "Javier Jean Jens Jim Joan Joanna Joe Johan Johann Johanna John Jonas Jonathan Jose José Josef Joseph Juan Julia Julian Julie Jürgen Kai Karen Karin "
        "Karl Kate Katharina Katherine Katja Keiko Kemal Ken Kenji Kevin Kim Klaus Kofi Kurt Lars Laura Lea Lena Leo Leon Leonid Leyla Li Liam Lina Linda Lisa "
        "Liu Liz Louis Louise Luca Lucas Lucia Lucy Luis Luisa Lukas Maja Manuel Marc Marco Marcus Margaret Maria María Marie Mario Mark Markus Marta Martha "
        "Martin Martina Mary Mateo Matthias Max Maya Mehmet Mia Michael Michel Miguel Mike Mohamed Mohammed Moritz Nadia Nancy Natalia Nathan Nick Nicolas "
        "Nicole Nikolai Nina Noah Nora Olaf Ole Olga Oliver Olivia Omar Oscar Oskar Otto Pablo Patricia Patrick Paul Paula Pedro Peter Petra Philip Pierre "
        "Rachel Rafael Ralf Ravi Rebecca René Richard Rita Robert Roberto Robin Rosa Rosalind Ruth Ryan Sabine Sam Samuel Sandra Sara Sarah Sebastian Sergei "
        "Simon Simone Sofia Sonja Sophia Sophie Stefan Stella Stephanie Stephen Steve Steven Susan Susanne Sven Sylvia Tanja Teresa Theo Theresa Thomas Tim "
        "Tina Tom Tomas Tony Ulrich Ursula Uwe Valentina Vera Victor Viktor Vincent Vladimir Walter Wei Werner William Wolfgang Xavier Yan Yasmin Yuki Yusuf "
        "Zoe Zoë"
    ).split()
)
"""Given names that are no places."""

STORY = (
    "Once there was {topic} at the edge of a quiet bay.",
    "Every evening the keeper climbed the stairs and looked out over the grey water.",
    "People in the village said that {topic} had seen more storms than any of them could count.",
    "One night the wind turned, and a small boat lost its way between the rocks.",
    "Nobody heard the call for help except an old dog that slept by the door.",
    "It barked until the keeper woke, took a lantern and ran down to the shore.",
    "Together they pulled three tired sailors out of the cold sea.",
    "In the morning the storm was gone and the whole village came to see {topic}.",
    "They brought bread, warm soup and a new blue coat for the keeper.",
    "The sailors promised to come back each spring, and they kept their word.",
    "Children drew pictures of that night and hung them in the school.",
    "Years later the light still turned, slow and patient, over the sleeping houses.",
    "And whenever the wind rose, somebody would smile and think of {topic}.",
    "That is how a small light became a large story.",
)
