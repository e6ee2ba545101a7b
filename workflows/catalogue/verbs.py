"""What tools do, by verb, in every form of it. Law: a verb stands in one category; what its object changes is said in `meaning`.

A weak verb is as often a noun or an adjective ("order", "run", "open"): alone it does not decide against a plain verb.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workflows.catalogue.shapes import Category


class Form(StrEnum):
    """How a verb is written: delete, deletes, deleting, deleted, deletion."""

    BASE = "base"
    THIRD = "third"
    GERUND = "gerund"
    PARTICIPLE = "participle"
    NOUN = "noun"


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb as it was found: its base form, what it does, how it was written, and whether it is as often a noun."""

    base: str
    category: Category
    form: Form
    weak: bool


_READ: Final = """
    get fetch retrieve describe find show list lookup browse inspect examine summarize summarise analyze analyse compare validate verify
    explain preview estimate download detect identify classify extract parse discover explore introspect lint ping peek grep locate
    enumerate gather collect calculate compute predict recommend suggest assess diagnose visualize echo greet think
    measure obtain determine crawl scrape recall reflect transcode return provide display geocode autocomplete disassemble decompile
    interpret understand investigate categorize recognize ocr whoami simulate categorise correlate cite quantify rerank observe
    brainstorm critique proofread perceive infer tokenize embed deduplicate pinpoint aggregate enrich solve simplify differentiate
    integrate plot paginate appraise whois assert unshorten transliterate lemmatize getinfo pwd differ forecast consult reveal
    traceroute netstat troubleshoot tally geolocate disambiguate contextualize decipher itemize tabulate interrogate triangulate
    scrutinize hypothesize paraphrase reword rephrase illustrate advise skim peruse interpolate extrapolate contrast
    hgetall hget lrange llen smembers scard zrange zcard mget ttl strlen
"""
_READ_WEAK: Final = """
    search query read view check count diff export scan track watch monitor audit trace profile match filter sort poll research review
    score rank screenshot tail look see access sense glance receive survey sample hash say hello resolve ask answer translate expect
    quote top dump
    exists assist graph average round factor has give tell reason cluster cat stat ls du df ps wc map
"""
_WRITE: Final = """
    create update add write rename edit modify insert append upload send save assign join merge publish unpublish restore reopen unlock
    pin unpin unstar follow unfollow unlike react reply mention enable disable activate deactivate reactivate configure register
    unregister unsubscribe notify synchronize attach detach unlink unshare grant reject accept decline submit remember memorize alter
    replace declare initialize initialise init allocate apply increment decrement extend expand upvote downvote annotate upsert
    overwrite stage unstage acknowledge snooze mute unmute unblock escalate transition promote demote reorder adjust fix refactor rsvp
    confirm whitelist blacklist allowlist associate disassociate dissociate bind unbind mount untag rebase squash amend dismiss unhide
    populate ingest persist make compose onboard enroll unenroll authorise authorize subscribe manage administer maintain customize
    personalise customise retag relabel revert undo redo unfavorite unban uncomment untrash undelete collapse rewrite nest hyperlink
    prepend introduce contribute modernize tweak autosave reconfigure relocate reparent complete finish broadcast unresolve
    author toot tweet retweet repost crosspost backfill checkin impersonate mutate alias scaffold curate remind reclassify refine seed
    recategorize establish toggle protect unprotect unprotect triage nudge announce warn raise lower increase decrease reduce boost
    brighten
    shorten suspend unsuspend freeze unfreeze retire deprecate quarantine isolate anonymize redact mask mkdir mv cp ln reindex dedupe
    reprioritize uncomplete incomplete instrument expose unwatch unarchive unsnooze untimeout unpair commission endorse praise rearrange
    realign recolor restyle reformat renumber reschedule reassign unassign reconcile renew refill handle respond revise ungroup deny
    propose reupload repin resend resubmit republish rebrand readd reattach reapply reinvite jot enlist recruit nominate elect notarize
    countersign cosign crosslink interlink postpone defer backdate autofill underline italicize indent outdent chmod chown chgrp symlink
    hset hmset lpush rpush sadd zadd xadd setex mset setnx incr decr arrange clock memoize suppress unsuppress dispute
    contest unvote parameterize checkpoint overlay unnest encapsulate relock relink reimport extrude sculpt
"""
_WRITE_WEAK: Final = """
    define set put post patch move copy clone fork commit push pull archive close open lock star like comment tag label mark flag schedule
    import link share approve request record log note draft email message store branch stash vote rate bookmark hide block report resize
    scale index cache sign issue stay place setup connect disconnect snapshot sms text favorite favourite document group split leave
    transform highlight name template heart progress bump prefill sync timeout signal format reverse arm disarm limit page pop dim
    mirror route optimize outline style align feed attribute target invite whisper shout hold release queue unlist change mock stub dm
    pair alert reward rule capture duplicate prepare distribute
"""
_EXECUTE: Final = """
    execute exec initiate invoke evaluate eval generate deploy start stop launch spawn compile install reinstall click press scroll hover
    drag tap navigate goto render convert compress decompress zip unzip crop upscale downscale transcribe synthesize animate reboot
    shutdown dispatch orchestrate automate rerun retry migrate rollback dial hangup speak inject fuzz exploit benchmark encrypt decrypt
    finetune inpaint outpaint remix denoise dub lipsync blur watermark redeploy provision unpause interact reload doubleclick rightclick
    preprocess bootstrap transpile enqueue dequeue unmount eject emulate hibernate relaunch drive operate debounce stitch trim mux
    concatenate vectorize colorize regenerate failover cordon uncordon drain requeue instruct instantiate sudo curl upgrade
    downgrade refresh begin continue proceed vacuum compact defragment rebuild recompute recalculate rescan reprocess prefetch preload
    sanitize minify beautify prettify obfuscate attack defend heal equip craft emit halt interrupt quit brew undock takeoff honk vibrate
    backtest tar untar gzip gunzip rasterize colourise colorise vectorise depixelate retouch stabilize recalibrate calibrate reconnect
    teleport jump dig smelt walk sneak crouch narrate sing vocalize dictate zoom tilt bruteforce pentest sniff unpack
    rescrape recrawl replay rewind
    intercept throttle wget scp fulfill fulfil rollout restart perform doubletap longpress recreate unseal utilize boot unselect defang
"""
_EXECUTE_WEAK: Final = """
    run call build play pause skip seek stream print process rotate test control prompt chat turn switch power type fill step go use
    draw paint debug focus work do batch back mouse keyboard proxy resync pipeline bash shell terminal python sandbox repl phone enhance
    shoot conduct engage minimize maximize handoff program wake end fire forward flash ring dock land fly steer consume swipe warm cd
    gen tts stt codegen
    kubectl nmap nikto sqlmap gobuster ffmpeg cmd cli powershell applescript osascript npm npx pip pytest jest cargo gradle mvn maven
    pan throw toss flip park beep buzz knock crack
    train resume sed awk cast heat cool backup spin load bundle exit paste select slice ssh trigger touch
"""
_DESTRUCTIVE: Final = """
    delete remove destroy wipe prune purge erase truncate terminate kill revoke cancel uninstall discard expunge nuke obliterate forget
    evict deprovision decommission ban kick expel shred del rm rmdir deregister teardown clear drop cleanup abort annihilate unprovision
    demolish offboard scrub dispose flushall flushdb selfdestruct raze eradicate exterminate dismantle disband dissolve deallocate
    deauthorize deauthorise banish undeploy rmtree rimraf rmi hdel zrem srem lrem xdel lpop rpop spop getdel zeroize depublish reimage
    excise
"""
_DESTRUCTIVE_WEAK: Final = """
    reset flush empty trash void clean expire strip tear unset eliminate cull invalidate
"""
_FINANCIAL: Final = """
    pay refund withdraw buy sell donate unstake borrow lend repay redeem disburse remit invest liquidate wager topup reimburse prepay
    undelegate redelegate restake overpay monetize cashout rebuy rebalance overdraw crowdfund refinance
    preauthorize preauthorise underwrite payoff prefund subsidize remunerate levy bankroll compensate overcharge unbond deduct outbid
    preorder procure redeposit recoup snipe buyback
"""
_FINANCIAL_WEAK: Final = """
    charge deposit swap purchase trade stake mint payout checkout bid bet order transfer bridge fund tip settle supply airdrop invoice
    bill book reserve rent lease hire exchange delegate recharge harvest short hedge wire claim spend tipping gift sponsor loan credit
    onramp offramp vest chargeback escrow arbitrage flashloan multisend dca sweep
    debit auction wrap unwrap burn forfeit zap pledge rebate
"""
_OTHER: Final = """
    encode decode authenticate noop escape unescape stringify serialize deserialize slugify lowercase uppercase capitalize
    pluralize singularize shuffle urlencode urldecode subtract multiply divide modulo
"""
_OTHER_WEAK: Final = """
    auth delay learn nothing roll wait sleep login logout
"""

# Which form of an irregular verb is which; a participle in a name is an adjective ("list_deleted").
_IRREGULAR: Final = """
    sent:send written:write wrote:write ran:run bought:buy sold:sell paid:pay got:get found:find made:make built:build shown:show
    lent:lend withdrawn:withdraw withdrew:withdraw drawn:draw forgotten:forget overwritten:overwrite hidden:hide torn:tear undone:undo
    redone:redo rewritten:rewrite spoken:speak spent:spend reset:reset left:leave seen:see driven:drive given:give told:tell taken:take
    chosen:choose
"""
_NOUNS: Final = """
    deletion:delete removal:remove creation:create cancellation:cancel cancelation:cancel termination:terminate destruction:destroy
    revocation:revoke withdrawal:withdraw execution:execute deployment:deploy installation:install modification:modify
    retrieval:retrieve generation:generate insertion:insert purchase:purchase repayment:repay donation:donate redemption:redeem
    disbursement:disburse remittance:remit liquidation:liquidate reimbursement:reimburse conversion:convert transcription:transcribe
    extraction:extract detection:detect analysis:analyze validation:validate verification:verify comparison:compare
    calculation:calculate summarization:summarize discovery:discover inspection:inspect classification:classify estimation:estimate
    prediction:predict recommendation:recommend registration:register eviction:evict uninstallation:uninstall erasure:erase
    truncation:truncate editing:edit synthesis:synthesize simulation:simulate explanation:explain navigation:navigate lookups:lookup
    identification:identify
"""

_VOWELS: Final = """
    aeiou
"""
_UNDOUBLED: Final = ("x", "w", "y")


def _doubles(base: str) -> bool:
    """Whether the last letter may be doubled before -ed and -ing: drop, dropped."""
    return len(base) > 2 and base[-1] not in (*_VOWELS, *_UNDOUBLED) and base[-2] in _VOWELS and base[-3] not in _VOWELS  # noqa: PLR2004


def _third(base: str) -> str:
    if base.endswith("y") and base[-2] not in _VOWELS:
        return base[:-1] + "ies"
    return base + ("es" if base[-1] in "sxzo" or base[-2:] in ("ch", "sh") else "s")


def _forms(base: str) -> dict[str, Form]:
    stems = [base, base + base[-1]] if _doubles(base) else [base]
    forms = {_third(base): Form.THIRD}
    for stem in stems:
        if stem.endswith("e") and not stem.endswith(("ee", "oe", "ye")):
            forms |= {stem + "d": Form.PARTICIPLE, stem[:-1] + "ing": Form.GERUND}
        elif stem.endswith("y") and stem[-2] not in _VOWELS:
            forms |= {stem[:-1] + "ied": Form.PARTICIPLE, stem + "ing": Form.GERUND}
        else:
            forms |= {stem + "ed": Form.PARTICIPLE, stem + "ing": Form.GERUND}
    return forms


def _pairs(table: str) -> Iterator[tuple[str, str]]:
    for pair in table.split():
        written, _, base = pair.partition(":")
        yield written, base


def _table() -> dict[str, Verb]:
    table: dict[str, Verb] = {}
    bases: dict[str, Verb] = {}
    for category, strong, weak in (
        (Category.DESTRUCTIVE, _DESTRUCTIVE, _DESTRUCTIVE_WEAK),
        (Category.FINANCIAL, _FINANCIAL, _FINANCIAL_WEAK),
        (Category.EXECUTE, _EXECUTE, _EXECUTE_WEAK),
        (Category.WRITE, _WRITE, _WRITE_WEAK),
        (Category.READ, _READ, _READ_WEAK),
        (Category.OTHER, _OTHER, _OTHER_WEAK),
    ):
        for text, is_weak in ((strong, False), (weak, True)):
            for base in text.split():
                bases.setdefault(base, Verb(base, category, Form.BASE, is_weak))
    for base, verb in bases.items():
        for written, form in _forms(base).items():
            table.setdefault(written, Verb(base, verb.category, form, verb.weak))
    for written, base in _pairs(_IRREGULAR):
        if base in bases:
            table[written] = Verb(base, bases[base].category, Form.PARTICIPLE, bases[base].weak)
    for written, base in _pairs(_NOUNS):
        if base in bases:
            table[written] = Verb(base, bases[base].category, Form.NOUN, weak=True)
    return table | bases


_VERBS: Final = _table()


def verb(word: str) -> Verb | None:
    """Look a lower-case word up; None where it is no verb that says what a tool does."""
    return _VERBS.get(word)


def forms(test: Callable[[Verb], bool]) -> frozenset[str]:
    """Give all words that are a form of the verbs that pass a test."""
    return frozenset(word for word, found in _VERBS.items() if test(found))
