"""Plain sentences in four languages, the same ten statements in each, and how their scripts break into lines."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import ImageFont

from vtbench.data.embedded.drawing.text_pages import SCALE, width_of, wrap

SENTENCES: dict[str, tuple[str, ...]] = {
    "zh": (
        "今天天气很好，我们去公园散步。",
        "图书馆每天早上九点开门。",
        "这条河从北向南流过城市。",
        "他买了三个苹果和两瓶牛奶。",
        "火车将在下午四点到达车站。",
        "山上的雪在春天慢慢融化。",
        "请把书翻到第25页。",
        "晚饭以后，奶奶给我们讲故事。",
        "外面很冷，请把窗户关上。",
        "这座桥建于1968年。",
    ),
    "ja": (
        "今日は天気がいいので、公園を散歩します。",
        "図書館は毎朝九時に開きます。",
        "この川は北から南へ流れています。",
        "りんごを三つと牛乳を二本買いました。",
        "電車は午後四時に駅に着きます。",
        "山の雪は春になるとゆっくり解けます。",
        "教科書の25ページを開いてください。",
        "夕食の後、祖母が昔話をしてくれました。",
        "外は寒いので、窓を閉めてください。",
        "この橋は1968年に作られました。",
    ),
    "ko": (
        "오늘은 날씨가 좋아서 공원에서 산책합니다.",
        "도서관은 매일 아침 아홉 시에 문을 엽니다.",
        "이 강은 북쪽에서 남쪽으로 흐릅니다.",
        "사과 세 개와 우유 두 병을 샀습니다.",
        "기차는 오후 네 시에 역에 도착합니다.",
        "산의 눈은 봄이 되면 천천히 녹습니다.",
        "책의 25쪽을 펴 주세요.",
        "저녁을 먹은 뒤에 할머니가 옛날이야기를 해 주셨습니다.",
        "밖이 추우니 창문을 닫아 주세요.",
        "이 다리는 1968년에 지어졌습니다.",
    ),
    "hi": (
        "आज मौसम अच्छा है, इसलिए हम बगीचे में टहलेंगे।",
        "पुस्तकालय रोज़ सुबह नौ बजे खुलता है।",
        "यह नदी उत्तर से दक्षिण की ओर बहती है।",
        "उसने तीन सेब और दो बोतल दूध खरीदा।",
        "रेलगाड़ी शाम चार बजे स्टेशन पहुँचेगी।",
        "पहाड़ों की बर्फ़ वसंत में धीरे धीरे पिघलती है।",
        "किताब का पृष्ठ 25 खोलिए।",
        "खाने के बाद दादी ने हमें कहानी सुनाई।",
        "बाहर ठंड है, कृपया खिड़की बंद कर दीजिए।",
        "यह पुल 1968 में बना था।",
    ),
}

UNSPACED = frozenset({"zh", "ja"})
"""Languages written without spaces between words: a line is one piece, and one box."""

_NEVER_FIRST = frozenset("。、，！？）」』ー・ゃゅょっァィゥェォャュョッぁぃぅぇぉ")
"""Characters that no line begins with (JIS X 4051); a run of digits is kept whole as well."""


def lines_of(
    language: str, sentences: Sequence[str], font: ImageFont.FreeTypeFont, width_px: int, most: int
) -> list[list[str]]:
    """Sentences to at most ``most`` lines no wider than ``width_px``: words, or one piece a line without spaces."""
    if language not in UNSPACED:
        return wrap(" ".join(sentences).split(), font, width_px, most)
    lines: list[str] = []
    for piece in _unbreakable("".join(sentences)):
        if lines and width_of(lines[-1] + piece, font) <= width_px * SCALE:
            lines[-1] += piece
        elif len(lines) < most:
            lines.append(piece)
        else:
            break
    return [[line] for line in lines]


def _unbreakable(text: str) -> list[str]:
    """Characters, each with what may not be parted from it."""
    pieces: list[str] = []
    for character in text:
        number = character.isdecimal() and bool(pieces) and pieces[-1][-1].isdecimal()
        if pieces and (number or character in _NEVER_FIRST):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
