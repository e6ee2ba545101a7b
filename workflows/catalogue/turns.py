"""What a verb means with some objects: the table behind `meaning`. It is data, and the first turn that fits decides."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from workflows.catalogue import nouns
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag

_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Turn:
    """What a verb means with one of these `objects`, one of these words `near` and `beside`, none of `unless`. Empty asks for nothing."""

    to: Category
    objects: frozenset[str] = _NONE
    near: frozenset[str] = _NONE
    unless: frozenset[str] = _NONE
    beside: frozenset[str] = _NONE

    def fits(self, objects: Collection[str], around: frozenset[str]) -> bool:
        """Whether it holds here."""
        if self.unless and self.unless & around:
            return False
        near = (not self.near or bool(self.near & around)) and (not self.beside or bool(self.beside & around))
        return near and (not self.objects or not self.objects.isdisjoint(objects))


_MESSAGES: Final = bag("notification push message email sms request reminder receipt link")
_BOOKING: Final = (Turn(Category.WRITE, near=nouns.FREE_BOOKING, unless=nouns.PAID_BOOKING),)
_PLAN: Final = (Turn(Category.FINANCIAL, objects=bag("subscription subscriptions"), unless=nouns.NOT_SUBSCRIPTION),)
_HELD_MONEY: Final = (Turn(Category.FINANCIAL, objects=bag("authorization authorisation")),)
_BEGINS: Final = (Turn(Category.EXECUTE, near=nouns.INFRASTRUCTURE | nouns.RUNNING),)
_WORKS_OUT: Final = (Turn(Category.OTHER, near=nouns.FORMULAS),)
_CHECKS: Final = (Turn(Category.OTHER, objects=bag("credentials"), unless=nouns.NOT_OWN),)
_LOOKS: Final = (Turn(Category.READ, objects=nouns.LOOKED_AT, unless=bag("job task code script")),)
_FROM_ARGUMENTS: Final = Turn(Category.OTHER, objects=nouns.WORDING, unless=nouns.MONEY_ACTS | bag("file files short deep tracking upload"))
_TO_MODELS: Final = Turn(Category.EXECUTE, near=nouns.MODELS)
_STAKES: Final = (
    Turn(Category.FINANCIAL, objects=bag("balance collateral liquidity margin stake allowance"), unless=bag("white load")),
    Turn(Category.FINANCIAL, objects=bag("position positions"), near=bag("perp perpetual long short futures leverage liquidity trade")),
)
_FUNDS: Final = bag("funds money cash escrow payment payments deposit tokens")
_TIDIES_TEXT: Final = (Turn(Category.OTHER, near=nouns.DATA_FORMATS),)
_COMMANDS: Final = Turn(Category.EXECUTE, objects=bag("command commands execution"))
_OF_DOMAINS: Final = (Turn(Category.FINANCIAL, near=bag("ens")),)
_PAID_TIERS: Final = (Turn(Category.FINANCIAL, objects=bag("plan membership tier")),)
_OVER_SOCKETS: Final = (Turn(Category.OTHER, near=bag("ws websocket websockets")),)
_SENDS_VALUE: Final = Turn(Category.FINANCIAL, objects=nouns.VALUE, unless=_MESSAGES)

TURNS: Final = {
    "add": (
        Turn(Category.FINANCIAL, objects=bag("liquidity funds fund money cash collateral margin credit credits balance stake")),
        Turn(Category.WRITE, near=nouns.CART),
        Turn(Category.OTHER, objects=nouns.MATHS, unless=bag("phone contact row column page issue line")),
    ),
    "accept": (Turn(Category.FINANCIAL, objects=bag("dispute disputes chargeback chargebacks")),),
    "adjust": _STAKES,
    "allocate": (Turn(Category.FINANCIAL, objects=_FUNDS),),
    "apply": (
        Turn(Category.FINANCIAL, objects=bag("credit credits"), near=bag("invoice account customer balance")),
        Turn(Category.EXECUTE, near=nouns.INFRASTRUCTURE),
    ),
    "associate": (Turn(Category.FINANCIAL, near=bag("billing")),),
    "attach": (
        Turn(Category.FINANCIAL, near=bag("billing")),
        Turn(Category.EXECUTE, near=bag("process debugger pid gdb lldb")),
    ),
    "approve": (
        Turn(Category.FINANCIAL, objects=nouns.APPROVED_MONEY),
        Turn(Category.FINANCIAL, near=bag("payroll payrun")),
        _COMMANDS,
    ),
    "activate": (Turn(Category.EXECUTE, objects=bag("scene window app tab mode")),),
    "arrange": (Turn(Category.FINANCIAL, objects=nouns.MONEY_ACTS),),
    "ask": (
        Turn(Category.OTHER, near=bag("approval confirmation permission confirm")),
        Turn(Category.EXECUTE, objects=bag("user human person")),
        _TO_MODELS,
    ),
    "book": _BOOKING,
    "reserve": _BOOKING,
    "batch": (Turn(Category.READ, near=bag("read reads get lookups")),),
    "broadcast": (Turn(Category.FINANCIAL, objects=bag("transaction transactions tx")),),
    "build": (_FROM_ARGUMENTS,),
    "calculate": _WORKS_OUT,
    "compute": _WORKS_OUT,
    "evaluate": (Turn(Category.OTHER, near=bag("mathematical math arithmetic equation calculates")),),  # another expression is code
    "call": (_TO_MODELS, Turn(Category.READ, near=bag("readonly eth_call static"))),
    "cancel": (Turn(Category.EXECUTE, objects=bag("call calls timer alarm recording speech playback navigation animation")),),
    "capture": (
        Turn(Category.FINANCIAL, objects=bag("authorization authorisation")),
        Turn(Category.READ, objects=nouns.SEEN),
    ),
    "change": (Turn(Category.FINANCIAL, objects=nouns.PAID_PLAN, unless=nouns.NOT_SUBSCRIPTION),),
    "charge": (Turn(Category.EXECUTE, near=bag("battery vehicle ev tesla car")),),
    "checkout": (Turn(Category.WRITE, near=bag("git branch commit repo repository file revision svn branches")),),
    "claim": (
        Turn(Category.FINANCIAL, objects=bag("reward rewards airdrop fees tokens winnings bonus funds payout yield")),
        Turn(Category.WRITE),
    ),
    "clear": (Turn(Category.WRITE, objects=nouns.UNDONE_BY_HAND), Turn(Category.EXECUTE, objects=nouns.DRIVEN)),
    "close": (
        Turn(Category.FINANCIAL, objects=bag("position positions trade trades long short")),
        Turn(Category.OTHER, objects=bag("connection connections")),
        Turn(Category.DESTRUCTIVE, objects=bag("account accounts")),
        Turn(Category.EXECUTE, near=nouns.SCREEN),
    ),
    "compare": (Turn(Category.OTHER, objects=bag("text texts string strings"), unless=bag("file files document documents")),),
    "confirm": (_COMMANDS,),
    "connect": (Turn(Category.OTHER, near=nouns.SESSIONS),),
    "consult": (_TO_MODELS,),
    "convert": (
        Turn(Category.WRITE, objects=bag("issue task lead subtask ticket comment")),
        Turn(Category.READ, near=bag("currency currencies amount")),
        Turn(Category.OTHER, near=nouns.MEASURES | nouns.DATA_FORMATS),
    ),
    "create": (
        Turn(Category.FINANCIAL, objects=bag("booking reservation"), near=nouns.PAID_BOOKING, unless=nouns.FREE_BOOKING - {"table"}),
        Turn(Category.FINANCIAL, objects=bag("token tokens coin"), near=nouns.ON_CHAIN),
        Turn(Category.FINANCIAL, objects=bag("qr qrcode"), near=bag("payment payments upi pix")),
        Turn(Category.FINANCIAL, objects=bag("card cards credit"), near=bag("prepaid virtual gift giftcard note")),
        Turn(Category.FINANCIAL, objects=bag("position"), near=bag("liquidity lp pool perp long short leverage")),
        Turn(Category.EXECUTE, objects=nouns.MODEL_WORK | bag("diag diagnostic infrastructure deployment")),
        Turn(Category.EXECUTE, objects=bag("image images speech audio video"), near=nouns.MODELS | bag("prompt")),
        Turn(Category.READ, objects=bag("map sitemap"), near=bag("website websites urls site")),
        Turn(Category.OTHER, objects=bag("pair keypair mnemonic")),
        Turn(Category.OTHER, near=bag("authorization authorisation"), beside=bag("url link")),
    ),
    "clean": (Turn(Category.EXECUTE, objects=bag("html text data string markdown code audio transcript csv")),),
    "decrease": _STAKES,
    "define": (Turn(Category.READ, objects=bag("word words term")),),
    "delete": (Turn(Category.WRITE, objects=bag("subscription subscriptions"), near=nouns.NOTICES),),
    "disconnect": (Turn(Category.OTHER, near=nouns.SESSIONS),),
    "distribute": (Turn(Category.FINANCIAL, objects=nouns.VALUE | bag("dividend dividends reward")),),
    "downgrade": _PLAN + _PAID_TIERS,
    "delegate": (Turn(Category.EXECUTE, near=bag("task tasks agent agents subagent work model llm")),),
    "drop": (Turn(Category.EXECUTE, near=bag("drag mouse element")),),
    "encrypt": (Turn(Category.OTHER, unless=bag("file files folder disk drive volume bucket database column device")),),
    "execute": _LOOKS,
    "exchange": (Turn(Category.EXECUTE, near=bag("code oauth auth authorization credential")),),
    "generate": (
        Turn(Category.EXECUTE, near=bag("qr qrcode"), beside=bag("existing")),
        _FROM_ARGUMENTS,
        Turn(Category.OTHER, objects=nouns.CHANCE),
        Turn(Category.OTHER, objects=bag("key keys keypair address addresses mnemonic wallet"), near=nouns.KEY_PAIRS),
        Turn(Category.READ, objects=bag("number numbers summary statistics insights overview")),
        Turn(Category.OTHER, objects=bag("plan execution"), near=nouns.INFRASTRUCTURE - {"plan"}),
        Turn(Category.EXECUTE, near=bag("qr qrcode barcode"), unless=bag("payment payments pay checkout upi")),
    ),
    "forward": (Turn(Category.WRITE, near=bag("email emails message messages mail")),),
    "export": (Turn(Category.WRITE, near=bag("file disk"), beside=bag("to into")),),
    "format": (
        Turn(Category.DESTRUCTIVE, objects=bag("disk drive partition volume")),
        Turn(Category.EXECUTE, objects=bag("code json sql html xml yaml css javascript python source")),
        Turn(Category.OTHER, objects=bag("result results data output response number currency date string text")),
    ),
    "give": (Turn(Category.WRITE, objects=bag("feedback kudos points role reward access item")),),
    "hold": (Turn(Category.FINANCIAL, objects=_FUNDS),),
    "increase": _STAKES,
    "increment": _HELD_MONEY,
    "expand": (Turn(Category.READ, objects=bag("url urls query abbreviation acronym")),),
    "extend": (*_HELD_MONEY, *_OF_DOMAINS),
    "fire": (Turn(Category.DESTRUCTIVE, objects=bag("employee worker")),),
    "flip": (Turn(Category.OTHER, objects=bag("coin coins")),),
    "init": _BEGINS,
    "initialize": _BEGINS,
    "initialise": _BEGINS,
    "initiate": (Turn(Category.OTHER, objects=bag("authentication auth oauth login")),),
    "issue": (
        Turn(Category.READ, objects=bag("search query")),
        Turn(Category.FINANCIAL, objects=bag("gift giftcard card credit voucher shares token tokens")),
    ),
    "launch": (Turn(Category.FINANCIAL, objects=bag("token coin memecoin")),),
    "load": (
        Turn(Category.FINANCIAL, objects=bag("card giftcard wallet balance"), near=bag("amount money funds prepaid gift")),
        Turn(Category.READ, objects=nouns.TAKEN_IN),
    ),
    "lock": (Turn(Category.FINANCIAL, objects=bag("funds tokens lp liquidity stake")),),
    "list": (Turn(Category.FINANCIAL, near=bag("sale auction")),),
    "make": (
        Turn(Category.OTHER, objects=bag("roll toss flip")),
        Turn(Category.EXECUTE, objects=bag("call calls request requests")),
    ),
    "mock": (Turn(Category.EXECUTE, objects=nouns.MONEY_ACTS),),
    "minify": _TIDIES_TEXT,
    "modify": _PLAN,
    "move": (
        Turn(Category.FINANCIAL, objects=bag("funds money cash")),
        Turn(Category.EXECUTE, near=nouns.MACHINES),
        Turn(Category.FINANCIAL, objects=nouns.VALUE, near=nouns.PURSES),
        Turn(Category.DESTRUCTIVE, near=bag("trash bin recycle")),
    ),
    "open": (
        Turn(Category.FINANCIAL, objects=bag("position positions trade long short")),
        Turn(Category.WRITE, objects=bag("issue pr ticket pull")),
        Turn(Category.READ, objects=bag("node nodes entities")),
        Turn(Category.EXECUTE, objects=bag("tunnel port connection socket")),
        Turn(Category.EXECUTE, near=nouns.SCREEN),
    ),
    "optimize": (Turn(Category.READ, near=bag("route routes waypoint waypoints itinerary")),),
    "order": (Turn(Category.WRITE, near=nouns.NOT_ORDER),),
    "place": (Turn(Category.EXECUTE, objects=bag("block blocks"), unless=bag("order trade")),),
    "prepare": (Turn(Category.OTHER, objects=bag("search query"), unless=bag("tuning migration")),),
    "prettify": _TIDIES_TEXT,
    "beautify": _TIDIES_TEXT,
    "print": (Turn(Category.READ, objects=bag("current list tree status table summary info information version structure")),),
    "provide": (Turn(Category.FINANCIAL, objects=bag("liquidity")), Turn(Category.WRITE, objects=bag("input feedback answer"))),
    "queue": (Turn(Category.EXECUTE, objects=nouns.JOBS),),
    "recognize": (Turn(Category.EXECUTE, objects=bag("speech")),),
    "reduce": _STAKES,
    "register": (
        Turn(Category.FINANCIAL, objects=bag("domain")),
        Turn(Category.FINANCIAL, near=bag("ens registrar")),
    ),
    "release": (Turn(Category.FINANCIAL, objects=_FUNDS - {"tokens"}),),
    "renew": (Turn(Category.FINANCIAL, near=bag("ens domain domains subscription license plan policy membership insurance hosting")),),
    "remove": (
        Turn(Category.EXECUTE, objects=nouns.MEDIA),
        Turn(Category.FINANCIAL, objects=bag("liquidity collateral")),
        Turn(Category.WRITE, near=bag("trash spam"), unless=bag("permanently empty all")),
        Turn(Category.EXECUTE, objects=bag("focus")),
        Turn(Category.WRITE, objects=nouns.TIES | bag("approval")),
        Turn(Category.WRITE, near=nouns.GATHERED, beside=bag("from")),
        Turn(Category.WRITE, objects=bag("imports whitespace"), unless=bag("file files record records job jobs")),
    ),
    "post": (Turn(Category.EXECUTE, objects=bag("request")),),
    "request": (
        Turn(Category.EXECUTE, near=bag("http https")),
        Turn(Category.READ, objects=bag("quote quotes estimate price")),
    ),
    "reset": (
        Turn(Category.WRITE, near=nouns.UNDONE_BY_HAND),
        Turn(Category.WRITE, objects=bag("hold count counter counters")),
    ),
    "resize": (Turn(Category.EXECUTE, objects=bag("image images photo picture video screenshot")),),
    "resolve": (Turn(Category.WRITE, objects=nouns.SETTLED),),
    "run": _LOOKS,
    "send": (
        Turn(Category.EXECUTE, objects=bag("prompt prompts query input keystrokes keys command keypress")),
        Turn(Category.EXECUTE, near=nouns.CONSOLES, objects=bag("text data line characters")),
        _SENDS_VALUE,
    ),
    "simulate": (Turn(Category.EXECUTE, objects=bag("click press keypress button input touch gesture key keys mouse keyboard media")),),
    "display": (
        Turn(Category.EXECUTE, objects=bag("dialog popup form"), near=bag("input")),
        Turn(Category.WRITE, objects=bag("notification alert dialog banner toast popup")),
    ),
    "show": (Turn(Category.WRITE, objects=bag("notification alert dialog banner toast popup")),),
    "sample": (_TO_MODELS,),
    "select": (Turn(Category.READ, objects=bag("query xml html xpath rows columns data records")),),
    "snapshot": (Turn(Category.READ, near=nouns.DRIVEN),),
    "sign": (
        _SENDS_VALUE,
        Turn(Category.EXECUTE, objects=bag("message data payload typed hash jwt url")),
    ),
    "start": (
        Turn(Category.OTHER, objects=bag("thinking reasoning")),
        Turn(Category.OTHER, objects=bag("authentication auth oauth login")),
        Turn(Category.READ, objects=bag("search"), unless=bag("service server job")),
    ),
    "stop": (Turn(Category.WRITE, near=bag("watch watching notifications tracking timer")),),
    "submit": (Turn(Category.EXECUTE, objects=nouns.JOBS),),
    "subscribe": (
        *_OVER_SOCKETS,
        Turn(Category.FINANCIAL, near=bag("plan paid premium billing")),
    ),
    "toggle": (Turn(Category.EXECUTE, near=bag("light lights switch device power play playback mute lamp")),),
    "think": (_TO_MODELS,),
    "transform": (Turn(Category.EXECUTE, objects=bag("image images photo picture video audio")),),
    "unlock": (Turn(Category.FINANCIAL, objects=bag("funds tokens lp liquidity stake")),),
    "unsubscribe": _OVER_SOCKETS,
    "switch": (Turn(Category.WRITE, objects=bag("branch branches")),),
    "test": (
        Turn(Category.READ, near=bag("connection connectivity auth authentication credentials")),
        Turn(Category.OTHER, near=bag("tool simple")),
    ),
    "transfer": (
        Turn(Category.FINANCIAL, near=bag("ens")),
        Turn(Category.WRITE, near=nouns.NOT_TRANSFER, unless=nouns.VALUE - bag("token tokens")),
    ),
    "update": _PLAN,
    "upgrade": _PLAN + _PAID_TIERS,
    "validate": _CHECKS,
    "verify": (Turn(Category.FINANCIAL, near=bag("payment credit debit"), objects=bag("method card credit-card")), *_CHECKS),
    "write": (
        Turn(Category.EXECUTE, near=nouns.CONSOLES, unless=bag("file script")),
        Turn(Category.FINANCIAL, near=nouns.CONTRACT, objects=bag("contract data"), unless=bag("file document draft template test")),
    ),
}
