"""What tools do it to: the nouns that change what a verb means, and those that say Read without any verb."""

from typing import Final

from workflows.catalogue.tokens import bag

# A name that ends in one of these, with no plain verb in it, looks something up.
READ: Final = bag(
    """
    status health info information count counts history balance balances price prices quote quotes version versions schema schemas
    detail details stat stats statistics metric metrics summary summaries overview list logs rates ticker tickers depth candles
    candlestick candlesticks klines kline ohlcv forecast forecasts weather news docs doc documentation metadata properties usage whoami
    ping hello echo random help diff preview result results lookup analysis analytics insight insights trend trends trending leaderboard
    holdings portfolio fee fees cost costs spec specs directory tree capabilities examples guide tutorial about readme faq dashboard
    definition definitions reference references answer answers recommendations suggestions search finder readonly read listing listings
    catalog catalogue activity availability eligibility limits quota progress outline transcript transcripts sentiment score scores
    ranking rankings facts fact dictionary time timezone date calendar_view hours distance route routes directions elevation coordinates
    air quality tide tides sunrise sunset hash checksum uuid digest orderbook volume marketcap apy tvl apr yield yields gas earnings
    dividends fundamentals financials filings statements explorer inspector checker validator viewer reader analyzer analyser calculator
    converter advisor errors warnings issues_list messages requests headlines articles papers citations reviews comments repositories
    greeting welcome joke quotes_random comparison checklist guidelines standards practices tips signals heatmap diagnostics diagnosis
    screener rate matrix exists similarity healthcheck stories winrate standings fixtures schedules whois inspect breakdown benchmark
    compatibility vulnerabilities dependencies latest types today nearby temperature humidity altitude pollen moon horoscope lyrics
    chords recipe recipes nutrition calories synonyms antonyms rhymes etymology pronunciation glossary changelog roadmap contributors
    stargazers backlinks keywords serp impressions pageviews visitors audience demographics benchmarks latency uptime throughput
    utilization processes identity bio followers timeline mentions hashtags poi attractions restaurants flights departures arrivals
    itinerary timetable episodes trailers odds lineup lineups roster scoreboard sitemap
    pnl fills positions leaderboards wiki wikipedia arxiv
    subtitles captions thumbnail thumbnails favicon
    """
)

# What a description without a verb offers.
CONTENT: Final = bag("data imagery images photos archive plot figure dataset")
# Kinds of content that are made into one another: text_to_speech, pdf_to_docx.
KINDS: Final = bag(
    """
    text speech image images pdf docx doc html markdown md audio video csv json xml yaml excel xlsx url photo voice word svg png jpg
    jpeg gif sketch code string file prompt webpage page latex epub pptx base64 hex rgb mp3 mp4 sql txt img vid
    """
)
# Objects that move money when they are made, placed, sent or captured.
MONEY_ACTS: Final = bag(
    """
    payment payments refund refunds charge charges payout payouts withdrawal withdrawals deposit deposits order orders invoice invoices
    subscription subscriptions checkout purchase purchases trade trades swap swaps bid bids donation donations loan loans stake mandate
    transaction transactions escrow airdrop bill bills preauthorization preauth disbursement remittance reimbursement paymentlink
    paymentintent bet wager tx payroll settlement giftcard topup autopay tip bounty repayment redemption installment oco oto otoco
    transfer transfers reversal reversals drawdown cashout buyback remittances
    """
)
# What may follow such an object and still be it: a payment link, an order item.
MONEY_TAILS: Final = bag(
    """
    link links intent intents method methods session sessions page request requests schedule batch token item items market limit stop
    loss profit new test oco spot futures margin perp perpetual buy sell auto recurring automatic for with v1 v2 v3 2 1 bracket trailing
    card bank account instruction draft drafts immediate instant direct debit pix sepa ach usd usdc eur btc eth sol onchain lightning qr
    code header
    """
)
# Things of value: sending or transferring them moves money.
VALUE: Final = bag(
    """
    money fund funds cash eth ether btc bitcoin sol usdc usdt dai xrp matic bnb ada dot avax trx ton near sui apt algo coin coins crypto
    cryptocurrency sats satoshi satoshis wei lamports nft nfts erc20 erc721 spl native token tokens stablecoin stablecoins asset assets
    share shares stock stocks currency payment payments transaction transactions invoice balance dollars euros amount payout lightning
    onchain gift giftcard tip tips zap zaps tao xlm hbar equity equities bond bonds option options crypto_asset wallet usd eur rewards
    airdrop liquidity position positions collateral mana
    """
)
# Where a transfer, an order, a subscription or an exchange has nothing to do with money.
NOT_TRANSFER: Final = bag(
    """
    profile app workspace site team user vm server zone event document folder page board file files data ownership call calls issue
    issues repository repo domain ticket tickets conversation chat project host lead contact playlist task tasks knowledge style
    learning owner object agent control caller session record records image artifact
    """
)
NOT_MADE_TRANSFER: Final = bag("file files data ownership domain call sftp ftp scp storage learning")
NOT_ORDER: Final = bag("work sort tab reading display z column field layer item by")
NOT_SUBSCRIPTION: Final = bag(
    """
    notification notifications topic webhook webhooks event events email mail push pubsub azure graphql newsletter calendar graph sns
    thread issue channel feed rss mqtt stream websocket resource alert azmcp eventgrid marketing sub
    """
)
NOT_TRANSACTION: Final = bag(
    """
    begin database db sql start commit rollback budget ynab ledger category categorize log record expense sentry span apm
    """
)
PAID_BOOKING: Final = bag(
    """
    hotel flight room travel ticket tickets ride taxi transfer trip stay guest cruise car tour bus train hostel
    """
)
FREE_BOOKING: Final = bag(
    """
    meeting appointment slot call demo event calendar class consultation interview time table court desk viewing visit timeslot session
    """
)
UNDONE_BY_HAND: Final = bag(
    """
    password passwords filter filters view zoom viewport layout selection form input field focus cursor camera volume pose location
    orientation appearance theme rotation brightness formatting style styles
    """
)
MEDIA: Final = bag(
    """
    background backgrounds noise watermark watermarks vocals silence object objects reverb blemish wrinkles glare text_overlay audio
    echo bg
    """
)
SCREEN: Final = bag(
    """
    browser page tab tabs window windows mouse keyboard cursor app application url link dialog screen desktop popup menu simulator
    emulator terminal terminals pane shell console
    """
)
# What a tool drives, where its name begins with it: a write there is a click or a key.
DRIVEN: Final = bag("browser playwright puppeteer mouse keyboard desktop computer screen chrome selenium")
INFRASTRUCTURE: Final = bag(
    """
    terraform tf tofu opentofu pulumi cloudformation cdk plan infrastructure infra migration migrations stack manifest_plan ansible
    playbook helm
    """
)
# What links things and is put back by one more call: nothing of its own is lost with it.
TIES: Final = bag(
    """
    tag tags label labels bookmark bookmarks reaction reactions link links relation relations relationship relationships dependency
    dependencies protection star role roles assignee assignees watcher reviewer attendee subissue parent
    """
)
# Places that only gather what exists elsewhere.
GATHERED: Final = bag("playlist cycle sprint blocklist blacklist denylist allowlist whitelist watchlist favorites favourites")
NOTICES: Final = bag("notification notifications thread newsletter")
# What a tool opens for its own later calls.
SESSIONS: Final = bag("db database databases broker ssh nrepl repl mysql postgres postgresql mongodb redis server session websocket ws")
RUNNING: Final = bag("browser container sandbox process kernel repl vm emulator simulator debugger agent subagent")
# Where value is kept: between these, moving an asset is a transfer.
PURSES: Final = bag("wallet wallets account accounts subaccount subaccounts vault address margin futures spot")
PAID_PLAN: Final = bag("subscription subscriptions")
ON_CHAIN: Final = bag("erc20 erc721 erc1155 bep20 spl jetton memecoin")
CONTRACT: Final = bag("contract contracts")
KEY_PAIRS: Final = bag("pair keypair bitcoin ethereum wif p2wpkh wallet address mnemonic")
# What is worked out from the arguments alone.
MEASURES: Final = bag(
    """
    timezone timezones unit units time temperature timestamp timestamps coordinate coordinates coord coords geo hex rgb base64 encoding
    encodings binary decimal octal radix ascii utf8 unicode roman numeral numerals celsius fahrenheit hexadecimal bech32
    """
)
DATA_FORMATS: Final = bag("json yaml toml xml kml gpx geojson topojson wkt")
# What a model makes: a completion that is created has been computed.
MODEL_WORK: Final = bag(
    "completion completions embedding embeddings inference prediction predictions transcription transcriptions moderation"
)
MODELS: Final = bag("llm llms ai gpt chatgpt claude gemini deepseek mistral llama grok qwen copilot perplexity openai ollama model models")
# What is put together from the arguments alone, and only handed back.
WORDING: Final = bag("snippet snippets command commands link url urls uri signature topic boilerplate regex cron")
# What a look at something yields.
LOOKED_AT: Final = bag("search lookup analysis report reports review audit audits diagnostic diagnostics assessment inspection comparison")
# Machines: what moves them is done at once.
MACHINES: Final = bag("mouse cursor robot arm player character drone servo motor gripper")
CONSOLES: Final = bag("terminal stdin console serial pty tty shell repl tmux pane")
JOBS: Final = bag("job jobs workflow workflows prompt prompts build builds experiment training")
FORMULAS: Final = bag("expression expressions equation equations math mathematical area sum integral derivative")
NOT_OWN: Final = bag("user users customer login phone")
MATHS: Final = bag("numbers number integers integer matrices vectors fractions operands values")
CHANCE: Final = bag("uuid uuids ulid guid password passphrase hash id dice lorem nanoid")
CART: Final = bag("cart basket wishlist bag")

# After a grave verb these make a noun of it: a delete policy, a refund reason.
NEUTRAL: Final = bag(
    """
    protection policy policies marker rule rules template templates permission permissions event events reason reasons method note notes
    label labels status webhook webhooks key keys log logs history page config settings flag list info details preview estimate quote
    """
)
# What is loaded to be read, and not to be run.
TAKEN_IN: Final = bag(
    """
    data dataset datasets csv context memories tickers symbols list document documents content contents text configuration skill skills
    guide instructions knowledge schema notes history profile rows records
    """
)
# What is resolved by saying that it is settled.
SETTLED: Final = bag(
    """
    issue issues thread threads conversation incident incidents alert alerts case cases comment comments conflict conflicts ticket tickets
    market dispute task discussion error exception bug finding vulnerability violation annotation
    """
)
# What is captured by looking.
SEEN: Final = bag("screenshot screenshots screen page pages image images photo picture logs trace frame packets window snapshot webpage")
APPROVED_MONEY: Final = bag(
    "token tokens nft nfts allowance spend spender spending erc20 payment invoice transaction payout payroll payrun"
)
