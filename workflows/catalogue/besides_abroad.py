"""What a description in another language says that a tool does besides: "Liest eine Datei und löscht sie"."""

import re
from typing import Final

from workflows.catalogue.hidden import quoted
from workflows.catalogue.tokens import bag

_LONGEST: Final = 2_000
# As they stand in a sentence: the third person, in German, Spanish, Portuguese, French, Italian, Dutch, Polish, Turkish and Russian.
_DEEDS: Final = bag(
    """
    löscht loescht entfernt storniert widerruft kündigt leert vernichtet bezahlt zahlt überweist ueberweist kauft verkauft belastet bucht
    elimina eliminan borra suprime cancela anula destruye destrói revoca revoga vacía paga reembolsa transfiere transfere compra vende cobra
    retira exclui apaga deleta remove saca estorna
    supprime efface annule détruit révoque vide paie rembourse transfère achète vend débite
    cancella rimuove distrugge svuota rimborsa trasferisce acquista addebita
    verwijdert wist annuleert betaalt usuwa kasuje anuluje płaci siler öder
    удаляет отменяет очищает стирает оплачивает переводит покупает продаёт списывает удаляются списываются
    """
)
_JOINS: Final = bag(
    """
    und dann danach anschließend sowie y e luego después despues además también lo la los las se depois então também et puis ensuite le les
    poi inoltre quindi en daarna oraz potem sonra и затем потом также
    """
)
_NOT: Final = bag(
    "nicht nie niemals kein keine no nunca não nem jamais ne pas non mai niet geen nie не никогда без ohne sin sem sans senza"
)
_GERMAN: Final = (
    r"(?:gelöscht|geleert|entfernt|storniert|widerrufen|vernichtet|überschrieben|bezahlt|überwiesen|abgebucht|belastet|gekündigt)"
)
_PASSIVES: Final = re.compile(
    rf"\b(?:wird|werden)\b(?P<between>[^.,;\n]{{0,60}}?)\b{_GERMAN}\b"
    r"|\b(?:est|sont|es|son|é|são|è|sono|será|serán|serão|sera|seront|viene|vengono|verrà|verranno|zostan(?:ie|ą)|будет|будут)\b"
    r"(?P<short>(?: \w{1,12})?) "
    r"(?:eliminad|borrad|cancelad|cobrad|excluíd|apagad|removid|supprimé|effacé|annulé|débité|détruit|eliminat|cancellat|addebitat|pagat"
    r"|rimoss|usunięt|удал|отмен|списан)\w{0,6}",
    re.IGNORECASE,
)
# One of these stands in what that pattern finds; few English texts have one.
_PARTICIPLES: Final = tuple(
    bag(
        """
        gelöscht geleert entfernt storniert widerrufen vernichtet überschrieben bezahlt überwiesen abgebucht belastet gekündigt eliminad
        borrad cancelad cobrad excluíd apagad removid supprimé effacé annulé débité détruit eliminat cancellat addebitat pagat rimoss
        usunięt
        удал отмен списан
        """
    )
)
_SUBORDINATE: Final = re.compile(r"\b(?:wenn|falls|ob|dass|die|que|si|se|qui|che|если)\b", re.IGNORECASE)
_CHINESE: Final = re.compile(
    r"(?:然后|然後|并且|并|並|之后|之後|随后|接着|再|同时|最后|最後|且)[^\u3002\uff1b\uff0c,.\n]{0,10}?(?P<deed>删除|刪除|清空|销毁|注销|撤销|移除|取消"
    r"|支付|付款|退款|转账|轉帳|扣款|提现|购买|下单)"
)
_ALREADY: Final = ("已", "被", "未", "不", "无法", "是否", "不会")
_JAPANESE: Final = re.compile(r"(?:削除|消去|破棄|返金|送金|支払|決済|購入)(?:し(?:ます|、|て)|する|を行い)|を?支払います")
_KOREAN: Final = re.compile(r"(?:삭제|취소|제거|결제|환불|송금|이체|구매)(?:합니다|하고|한다|해)")
_WORD: Final = re.compile(r"[^\W\d_]+|[.;!?,\n]")
_BACK: Final = 3  # words before a deed in which the joint stands, or the denial


def besides_abroad(description: str) -> tuple[str, ...]:
    """Give the words by which a second verb, or a passive, says that a tool deletes or pays; nothing of denials."""
    text = description[:_LONGEST]
    found = [*_joined(text), *_passives(text)]
    if not text.isascii():
        found += [quoted(match[0]) for match in _CHINESE.finditer(text) if not any(each in match[0] for each in _ALREADY)]
        found += [quoted(match[0]) for pattern in (_JAPANESE, _KOREAN) for match in pattern.finditer(text)]
    return tuple(dict.fromkeys(found))


def _joined(text: str) -> list[str]:
    """Find what is joined to another verb, or begins a sentence after "then": "und löscht", "Poi paga"."""
    words = _WORD.findall(text.lower())
    if _DEEDS.isdisjoint(words):
        return []
    found = []
    for place, word in enumerate(words):
        if word in _DEEDS:
            before, around = words[max(place - _BACK, 0) : place], words[max(place - _BACK, 0) : place + 1 + _BACK]
            if (_JOINS.intersection(before) or before[-1:] == [","]) and not _NOT.intersection(around):
                found.append(quoted(" ".join(words[max(place - 1, 0) : place + 2]).lstrip(", ")))
    return found


def _passives(text: str) -> list[str]:
    lower = text.lower()
    if not any(each in lower for each in _PARTICIPLES):
        return []
    found = []
    for match in _PASSIVES.finditer(text):
        sentence = text[max(match.start() - 80, 0) : match.start()].rpartition(".")[2].rpartition(",")[2]
        said = match[0].lower().split()
        if not _NOT.intersection(said) and not _SUBORDINATE.search(sentence):
            found.append(quoted(match[0]))
    return found
