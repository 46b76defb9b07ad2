"""Labelled texts with personal data, and with what only looks like it, made by code from a seed."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from headwater.curate.pii.checksums import luhn
from headwater.curate.pii.identifiers import LETTERED, NUMERIC, Scheme

DIGITS, CAPITALS, ALNUM = string.digits, string.ascii_uppercase, string.ascii_letters + string.digits
HEX = "0123456789abcdef"


@dataclass(frozen=True)
class Sample:
    """A text and the value of the one kind that is in it; `kind` is empty for a text without any."""

    text: str
    kind: str = ""
    value: str = ""


def samples(seed: int, count: int) -> Iterator[Sample]:
    """`count` texts: two thirds with one value, one third with none."""
    source = random.Random(seed)
    kinds = tuple(_MAKERS)
    for number in range(count):
        if number % 3 == 2:
            yield _negative(source)
            continue
        kind = kinds[(number // 3 * 2 + number % 3) % len(kinds)]
        value, templates = _MAKERS[kind](source)
        template = source.choice(templates)
        before, after = source.choice(_PROSE), source.choice(_PROSE)
        yield Sample(f"{before}\n{template.replace('@@', value)}\n{after}", kind, value)


_PROSE = (
    "The report was read twice before the committee met again in the old town hall.",
    "Der Bericht wurde zweimal gelesen, bevor sich der Ausschuss wieder traf.",
    "Le rapport a été lu deux fois avant que la commission ne se réunisse.",
    "El informe se leyó dos veces antes de que la comisión volviera a reunirse.",
    "Il rapporto è stato letto due volte prima della riunione.",
    "O relatório foi lido duas vezes antes da reunião.",
    "Raport przeczytano dwa razy przed posiedzeniem komisji.",
    "Отчёт прочитали дважды, прежде чем комитет снова собрался.",
    "在委员会再次开会之前，这份报告被读了两遍。",
    "委員会が再び開かれる前に、報告書は二度読まれた。",
    "위원회가 다시 모이기 전에 보고서를 두 번 읽었다.",
    "قُرئ التقرير مرتين قبل أن تجتمع اللجنة مرة أخرى.",
    "for index in range(10):\n    total += weights[index] * 3",
    "",
)


def _text(source: random.Random, alphabet: str, size: int) -> str:
    return "".join(source.choice(alphabet) for _ in range(size))


def _digits(source: random.Random, size: int) -> str:
    return _text(source, DIGITS, size)


_FIRST_WORDS = """
    anna bob chen dmitri elif fatima giulia hans ines joão kenji łukasz maría nils olga pedro
"""
_FIRST = _FIRST_WORDS.split()
_LAST_WORDS = """
    smith müller garcia rossi kowalski ivanov tanaka silva dubois jansen novák nielsen
"""
_LAST = _LAST_WORDS.split()
_DOMAINS_WORDS = """
    acme-tools.com firma.de mairie.fr correo.es posta.it empresa.com.br biuro.pl pochta.ru gongsi.cn
    kaisha.co.jp uni.ac.uk
"""
_DOMAINS = _DOMAINS_WORDS.split()


def _email(source: random.Random) -> tuple[str, tuple[str, ...]]:
    first, last = source.choice(_FIRST), source.choice(_LAST)
    local = source.choice(
        (
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}_{last}{source.randint(1, 99)}",
            f"{first}+list",
            last,
            f"{first}-{last}",
        )
    )
    return f"{local}@{source.choice(_DOMAINS)}", (
        "Write to @@ for details.",
        "Schreiben Sie an @@.",
        "Écrivez à @@, s'il vous plaît.",
        "Escriba a @@ si tiene preguntas.",
        "Contattare @@ per informazioni.",
        "Envie para @@ até sexta.",
        "Proszę pisać na @@.",
        "Пишите на @@.",
        "请联系@@。",
        "お問い合わせは@@まで。",
        "mailto:@@",
        "Author: Someone <@@>",
        '{"email": "@@", "active": true}',
        "user: @@",
        "7,@@,paid",
        'SEND = "@@"  # owner',
        "(@@)",
    )


def _global_ipv4(source: random.Random) -> str:
    first = source.choice((5, 8, 23, 46, 54, 81, 91, 134, 151, 185, 199, 213))
    return ".".join(
        map(str, (first, source.randint(30, 250), source.randint(0, 255), source.randint(1, 254)))
    )


def _ip(source: random.Random) -> tuple[str, tuple[str, ...]]:
    if source.random() < 0.6:
        value = _global_ipv4(source)
    else:
        groups = [f"2{source.choice('0468')}{_text(source, '01', 1)}{source.choice('1379')}"]
        groups += [f"{source.randint(1, 65535):x}" for _ in range(7)]
        short = source.random() < 0.5
        value = f"2a02:{groups[1]}:{groups[2]}::{groups[3]}" if short else ":".join(["2a02", *groups[1:]])
    return value, (
        "Connection from @@ refused.",
        "Der Zugriff kam von @@.",
        "La requête venait de @@ hier.",
        "La petición llegó desde @@.",
        "Запрос пришёл с @@.",
        "来自@@的请求",
        "アクセス元は@@です",
        '@@ - - [10/Oct/2024:13:55:36 +0000] "GET / HTTP/1.1" 200 2326',
        '{"client_ip": "@@"}',
        "remote: @@",
        "12,@@,allowed",
        "ping @@ && echo up",
    )


def _phone(source: random.Random) -> tuple[str, tuple[str, ...]]:
    free = (
        "Call @@ today.",
        "Rufen Sie @@ an.",
        "Appelez le @@.",
        "Llame al @@ ahora.",
        "Chiamare @@ domani.",
        "Ligue para @@.",
        "Zadzwoń: @@",
        "Звоните @@.",
        '{"phone": "@@"}',
        "contact: @@",
        "5,@@,Boston",
        "Reach us: @@",
    )
    telling = (
        "Tel: @@",
        "Telefon: @@",
        "Téléphone : @@",
        "Teléfono: @@",
        "Telefono @@",
        "Telefone: @@",
        "тел. @@",
        "电话：@@",
        "電話番号: @@",
        "전화 @@",
        "هاتف: @@",
        '{"phone": "@@"}',
        "mobile_phone: @@",
        "Phone number is @@.",
        "Fax @@",
    )

    def d(size: int) -> str:
        return _digits(source, size)

    def n(size: int) -> str:
        return source.choice("23456789") + d(size - 1)

    choice = source.randrange(10)
    if choice < 4:
        value = source.choice(
            (
                f"+44 20 7{d(3)} {d(4)}",
                f"+49 30 {n(3)} {d(4)}",
                f"+49 (0)89 {n(7)}",
                f"+33 1 {d(2)} {d(2)} {d(2)} {d(2)}",
                f"+34 9{d(2)} {d(3)} {d(3)}",
                f"+39 06 {n(4)} {d(4)}",
                f"+55 11 9{d(4)}-{d(4)}",
                f"+48 {n(3)} {d(3)} {d(3)}",
                f"+7 495 {n(3)}-{d(2)}-{d(2)}",
                f"+86 138 {d(4)} {d(4)}",
                f"+8190{n(4)}{d(4)}",
                f"+1-{n(3)}-{n(3)}-{d(4)}",
                f"+91 9{d(4)} {d(5)}",
                f"+31.20.{n(3)}.{d(4)}",
            )
        )
        return value, free
    if choice < 6:
        return source.choice(
            (
                f"({n(3)}) {n(3)}-{d(4)}",
                f"{n(3)}-{n(3)}-{d(4)}",
                f"{n(3)}.{n(3)}.{d(4)}",
                f"1-{n(3)}-{n(3)}-{d(4)}",
            )
        ), free
    value = source.choice(
        (
            f"020 7{d(3)} {d(4)}",
            f"030 {n(7)}",
            f"(030) {n(3)} {d(4)}",
            f"089/{n(7)}",
            f"01 {d(2)} {d(2)} {d(2)} {d(2)}",
            f"06.{d(2)}.{d(2)}.{d(2)}.{d(2)}",
            f"9{d(2)} {d(3)} {d(3)}",
            f"06 {n(4)} {d(4)}",
            f"(11) 9{d(4)}-{d(4)}",
            f"{n(3)} {d(3)} {d(3)}",
            f"138{d(8)}",
            f"090-{n(4)}-{d(4)}",
            f"8 (495) {n(3)}-{d(2)}-{d(2)}",
            f"070-{n(3)} {d(2)} {d(2)}",
        )
    )
    return value, telling


_IBAN_SIZES = {
    "DE": 18,
    "GB": 18,
    "FR": 23,
    "ES": 20,
    "IT": 23,
    "NL": 14,
    "PL": 24,
    "CH": 17,
    "AT": 16,
    "SE": 20,
    "NO": 11,
}


def _iban(source: random.Random) -> tuple[str, tuple[str, ...]]:
    country = source.choice(sorted(_IBAN_SIZES))
    bank = _text(source, CAPITALS, 4) if country in ("GB", "NL") else _digits(source, 4)
    account = bank + _digits(source, _IBAN_SIZES[country] - 4)
    number = int("".join(str(int(character, 36)) for character in account + country + "00"))
    value = f"{country}{98 - number % 97:02d}{account}"
    if source.random() < 0.5:
        value = " ".join(value[start : start + 4] for start in range(0, len(value), 4))
    return value, (
        "Please pay to @@ by Friday.",
        "IBAN: @@",
        "Bitte auf @@ überweisen.",
        "Virement sur @@ avant vendredi.",
        "Transfiera a @@, gracias.",
        "Bonifico su @@ entro lunedì.",
        "Przelew na @@.",
        "Перевод на @@.",
        "汇款至@@。",
        '{"iban": "@@"}',
        "account: @@",
        "3,@@,EUR",
    )


def _card(source: random.Random) -> tuple[str, tuple[str, ...]]:
    prefix, size = source.choice(
        (("4", 16), ("51", 16), ("55", 16), ("2223", 16), ("34", 15), ("37", 15), ("6011", 16), ("3530", 16))
    )
    body = prefix + _digits(source, size - len(prefix) - 1)
    value = next(body + digit for digit in DIGITS if luhn(body + digit))
    separator = source.choice(("", " ", "-"))
    cuts = (4, 10) if size == 15 else (4, 8, 12)
    value = separator.join(value[a:b] for a, b in zip((0, *cuts), (*cuts, size), strict=True))
    return value, (
        "Paid with card @@ in Leeds.",
        "Bezahlt mit Karte @@.",
        "Payé par carte @@ hier.",
        "Pagado con la tarjeta @@.",
        "Pagato con @@ ieri.",
        "Pago com o cartão @@.",
        "Оплачено картой @@.",
        "卡号 @@",
        "カード番号：@@",
        '{"card": "@@"}',
        "pan: @@",
        "9,@@,declined",
    )


_BIRTH = {
    "pl_pesel": (0, "ymd"),
    "se_personnummer": (-10, "ymd"),
    "fi_hetu": (0, "dmy"),
    "no_fodselsnummer": (0, "dmy"),
    "dk_cpr": (0, "dmy"),
    "be_national_number": (0, "ymd"),
    "kr_rrn": (0, "ymd"),
    "za_id": (0, "ymd"),
    "ro_cnp": (1, "ymd"),
    "cz_rodne_cislo": (0, "ymd"),
    "cn_resident_id": (8, "ymd"),
    "mx_curp": (4, "ymd"),
}
_FIXED = {
    "ch_ahv": (0, "756"),
    "cn_resident_id": (0, "11010519"),
    "es_nie": (0, "X"),
    "sg_nric": (0, "S"),
    "mx_curp": (10, "HDFRRL"),
}


def _number_of(scheme: Scheme, form: str, source: random.Random) -> str:
    """A valid number in this form; its characters are drawn until the check digits are right."""
    size = sum(character in "dL" for character in form)
    while True:
        compact = [
            source.choice(DIGITS if character == "d" else CAPITALS) for character in form if character in "dL"
        ]
        if scheme.label in _BIRTH:
            offset, order = _BIRTH[scheme.label]
            parts = {
                "y": f"{source.randint(40, 99)}",
                "m": f"{source.randint(1, 12):02d}",
                "d": f"{source.randint(1, 28):02d}",
            }
            start = offset % size
            compact[start : start + 6] = "".join(parts[letter] for letter in order)
        if scheme.label == "se_personnummer" and size == 12:
            compact[:2] = "19"
        if scheme.label in _FIXED:
            start, fixed = _FIXED[scheme.label]
            compact[start : start + len(fixed)] = fixed
        if scheme.label == "cn_resident_id":
            compact[-1] = "X" if form.endswith("L") else compact[-1]
        if scheme.valid("".join(compact)):
            break
    drawn = iter(compact)
    return "".join(next(drawn) if character in "dL" else character for character in form)


def _identifier(source: random.Random) -> tuple[str, tuple[str, ...]]:
    scheme = source.choice((*NUMERIC, *LETTERED))
    form = source.choice((*scheme.free, *scheme.announced))
    value = _number_of(scheme, form, source)
    word = source.choice(scheme.words) if scheme.words else "id"
    templates = (
        f"{word}: @@",
        f"{word.upper()} @@",
        f'{{"{word}": "@@"}}',
        f"{word} = @@",
        f"({word} @@)",
        f"{word} is @@.",
    )
    if form in scheme.free:
        templates += (
            "Born abroad, registered as @@ in the file.",
            "Eingetragen als @@.",
            "Inscrit sous @@ depuis lors.",
            "Inscrito como @@.",
            "Registrato come @@.",
            "Zapisany jako @@.",
            "Записан как @@.",
            "登记为@@。",
            "3,@@,active",
        )
    return value, templates


def _secret(source: random.Random) -> tuple[str, tuple[str, ...]]:

    def t(alphabet: str, size: int) -> str:
        return _text(source, alphabet, size)

    base32 = CAPITALS + "234567"
    url = ALNUM + "_-"
    issued = (
        lambda: "AKIA" + t(base32, 16),
        lambda: "ASIA" + t(base32, 16),
        lambda: "ghp_" + t(ALNUM, 36),
        lambda: "github_pat_" + t(ALNUM, 22) + "_" + t(ALNUM, 59),
        lambda: "glpat-" + t(ALNUM, 20),
        lambda: f"xoxb-{t(DIGITS, 12)}-{t(DIGITS, 12)}-{t(ALNUM, 24)}",
        lambda: "AIza" + t(ALNUM, 35),
        lambda: "sk_live_" + t(ALNUM, 24),
        lambda: "sk-proj-" + t(ALNUM, 48),
        lambda: "hf_" + t(string.ascii_letters, 33) + "7",
        lambda: "pypi-AgEIcHlwaS5vcmc" + t(ALNUM, 100),
        lambda: "npm_" + t(ALNUM, 36),
        lambda: "dckr_pat_" + t(ALNUM, 27),
        lambda: f"SG.{t(ALNUM, 22)}.{t(ALNUM, 43)}",
        lambda: "SK" + t(HEX, 32),
        lambda: "shpat_" + t(HEX, 32),
        lambda: "dop_v1_" + t(HEX, 64),
        lambda: "hvs." + t(ALNUM, 90),
        lambda: f"eyJ{t(ALNUM, 33)}.eyJ{t(ALNUM, 60)}.{t(url[:-1], 42)}a",
    )
    choice = source.randrange(10)
    if choice < 6:
        return source.choice(issued)(), (
            "The key @@ was revoked.",
            "Der Schlüssel @@ ist gesperrt.",
            "La clé @@ a fuité.",
            "La clave @@ se filtró.",
            "Ключ @@ отозван.",
            "密钥@@已泄露。",
            'client = Client("@@")',
            "export TOKEN=@@",
            '{"key": "@@"}',
            "credential: @@",
            "1,@@,old",
            "curl -H 'X-Key: @@' https://api.acme-tools.com",
        )
    if choice < 9:
        value = t(ALNUM, source.choice((20, 32, 40))) + source.choice(DIGITS) + source.choice(CAPITALS)
        return value, (
            'password = "@@"',
            "password: @@",
            'DB_PASSWORD="@@"',
            '"client_secret": "@@"',
            "api_key: '@@'",
            "aws_secret_access_key = @@",
            "Authorization: Bearer @@",
            "ACCESS_TOKEN=@@",
            'auth_token => "@@",',
            "postgres://reports:@@@db.acme-tools.com:5432/main",
        )
    kind = source.choice(("", "RSA ", "EC ", "OPENSSH "))
    body = "\n".join(t(ALNUM + "+/", 64) for _ in range(source.randint(3, 12)))
    value = f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"
    return value, ("@@", "key: |\n@@", "Here it is:\n@@")


_MAKERS: dict[str, Callable[[random.Random], tuple[str, tuple[str, ...]]]] = {
    "email": _email,
    "ip": _ip,
    "phone": _phone,
    "iban": _iban,
    "card": _card,
    "national_id": _identifier,
    "secret": _secret,
}


def _negative(source: random.Random) -> Sample:
    value = source.choice(_NEGATIVES)(source)
    template = source.choice(_AROUND)
    before, after = source.choice(_PROSE), source.choice(_PROSE)
    return Sample(f"{before}\n{template.replace('@@', value)}\n{after}")


_AROUND = (
    "@@",
    "See @@ for more.",
    '"value": "@@",',
    "- @@",
    "1,@@,2",
    "Siehe @@ dort.",
    "参见@@。",
    "(@@)",
    "x = @@",
)
_NEGATIVES: tuple[Callable[[random.Random], str], ...] = (
    lambda s: f"version {s.randint(1, 20)}.{s.randint(0, 30)}.{s.randint(0, 99)}.{s.randint(0, 9999)}",
    lambda s: f"v{s.randint(1, 20)}.{s.randint(0, 30)}.{s.randint(0, 99)}.{s.randint(0, 99)}",
    lambda s: f"package=={s.randint(1, 9)}.{s.randint(0, 30)}.{s.randint(0, 99)}.{s.randint(0, 9)}",
    lambda s: f"lodash@{s.randint(1, 9)}.{s.randint(0, 30)}.{s.randint(0, 99)}",
    lambda s: f"@types/node@{s.randint(1, 9)}.{s.randint(0, 30)}.{s.randint(0, 99)}-beta.dev",
    lambda s: _text(s, HEX, 40),
    lambda s: _text(s, HEX, 64),
    lambda s: "-".join(_text(s, HEX, size) for size in (8, 4, 4, 4, 12)),
    lambda s: ":".join(_text(s, HEX, 2) for _ in range(6)),
    lambda s: f"${s.randint(1, 999)},{s.randint(0, 999):03d}.{s.randint(0, 99):02d}",
    lambda s: f"{s.randint(1, 999)}.{s.randint(0, 999):03d}.{s.randint(0, 999):03d},00 €",
    lambda s: f"20{s.randint(10, 26)}-{s.randint(1, 12):02d}-{s.randint(1, 28):02d}",
    lambda s: f"{s.randint(1, 28):02d}.{s.randint(1, 12):02d}.20{s.randint(10, 26)}",
    lambda s: f"20{s.randint(10, 26)}-05-{s.randint(10, 28)}T{s.randint(10, 23)}:{s.randint(10, 59)}:05.000Z",
    lambda s: f"20{s.randint(10, 26)}-05-12 {s.randint(10, 23)}:{s.randint(10, 59)}:05,{s.randint(100, 999)}",
    lambda s: f"978-3-16-{s.randint(100000, 999999)}-{s.randint(0, 9)}",
    lambda s: f"ISBN 978{_digits(s, 10)}",
    lambda s: f"EAN 40{_digits(s, 11)}",
    lambda s: f"order no. {_digits(s, 10)}",
    lambda s: f"ticket #{_digits(s, 8)}",
    lambda s: f"at {s.randint(1_400_000_000, 1_790_000_000)}",
    lambda s: f"at {s.randint(1_400_000_000_000, 1_790_000_000_000)}",
    lambda s: f"arXiv:{s.randint(10, 26)}{s.randint(1, 12):02d}.{_digits(s, 5)}v2",
    lambda s: f"192.0.2.{s.randint(1, 254)}",
    lambda s: f"10.{s.randint(0, 255)}.{s.randint(0, 255)}.{s.randint(1, 254)}",
    lambda s: f"{_global_ipv4(s).rsplit('.', 1)[0]}.0/24",
    lambda s: f"2001:db8::{s.randint(1, 9999):x}",
    lambda s: f"std::chrono::{s.choice(('seconds', 'minutes'))}, abc::def::fade",
    lambda s: f"commit {_text(s, HEX, 7)}",
    lambda s: f"4{_wrong_luhn(s)}",
    lambda s: f"DE{s.randint(2, 9)}{s.randint(0, 9)}{_text(s, '0', 10)}12345678",
    lambda s: f"ssh deploy@build{s.randint(1, 99)}.corp-x.io",
    lambda s: f"scp a.txt admin@web{s.randint(1, 99)}.corp-x.io:/srv",
    lambda s: f"git@github.com:org{s.randint(1, 99)}/repo.git",
    lambda s: f"@app.route('/x{s.randint(1, 99)}')",
    lambda s: f"someone{s.randint(1, 99)}@example.com",
    lambda s: f"icon{s.randint(1, 99)}@2x.png",
    lambda s: f"arn:aws:iam::{_digits(s, 12)}:user/Adele",
    lambda s: f"i-0{_text(s, HEX, 16)}",
    lambda s: f"AKIA{_text(s, CAPITALS, 9)}EXAMPLE",
    lambda s: 'password = "your-password"',
    lambda s: "password: ${DB_PASSWORD}",
    lambda s: "token = get_token(user)",
    lambda s: f"api_key: <key {s.randint(1, 9)}>",
    lambda s: "call 212-555-0142 or +1 206 555 0100",
    lambda s: f"clause 252.227-7013, RFC {s.randint(1000, 9999)}, page {s.randint(1, 999)}",
    lambda s: f"{s.randint(-90, 90)}.{_digits(s, 6)}, {s.randint(-180, 180)}.{_digits(s, 6)}",
    lambda s: " ".join(str(s.randint(10, 99)) for _ in range(12)),
    lambda s: " ".join(str(s.randint(100, 9999)) for _ in range(6)),
    lambda s: f"width={_digits(s, 4)} height={_digits(s, 4)} size={_digits(s, 9)}",
    lambda s: f"sha256:{_text(s, HEX, 64)}",
    lambda s: f"part AB-{_digits(s, 6)}-C, model X{_digits(s, 4)}, SKU {_digits(s, 8)}",
    lambda s: f"0x{_text(s, HEX, 16)} {_digits(s, 3)}-{_digits(s, 2)}-{_digits(s, 3)}",
)


def _wrong_luhn(source: random.Random) -> str:
    while True:
        rest = _digits(source, 15)
        if not luhn("4" + rest):
            return rest
