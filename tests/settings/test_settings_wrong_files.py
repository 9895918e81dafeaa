"""Each wrong configuration gives its one clear line, with the full key."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings.settings_files import RIGHT, changed, refusal

NO_TIER = "\n".join(line for line in RIGHT.splitlines() if not line.startswith(("[tiers", "rank", "paid", "price")))

WRONG = [
    # keys
    (RIGHT + "[lagoo]", "[lagoo] is not a known section; the nearest is [lago]"),
    (RIGHT.replace('url = "', 'urll = "'), "[lago] urll is not a known key; the nearest is url"),
    (changed("[stripe]", "[stripe]\nlivemode = true"),
     "[stripe] livemode is not a known key here; there is [billing] livemode"),
    (changed("rank = 1", "rank = 1\nranc = 2"), "[tiers.pro] ranc is not a known key; the nearest is rank"),
    (changed("unpaid_tier", "unpaid_teir"), "[statuses] unpaid_teir is not a known key; the nearest is unpaid_tier"),
    (changed("rank = 1", "rank = 1\nlegacy = { amount = {} }"),
     "[tiers.pro] legacy.amount is not a known key; the nearest is amounts"),
    (RIGHT + "[catalog]\nnot_tiers = { plans = [] }",
     "[catalog] not_tiers.plans is not a known key; the nearest is lago_plans"),
    ("lago = 3\n" + changed('[lago]\nurl = "https://lago.example.com"', ""), "[lago] must be a table"),
    (changed('mode = "fix"', 'codes = { paused = { do = "flag", raeson = "x" } }'),
     "[policy] codes.paused.raeson is not a known key; the nearest is reason"),
    # must say
    (changed('store = "json:/app/data"', ""), '[orgs] store is missing: say where the store is, "json:/app/data"'),
    (changed('authority = "both"', ""),
     "[billing] authority is missing: say which side grants the tier: lago, stripe, both or either"),
    (changed('[billing]\nauthority = "both"', ""),
     "[billing] authority is missing: say which side grants the tier: lago, stripe, both or either"),
    (changed('unpaid_tier = "free"', ""),
     "[statuses] unpaid_tier is missing: say which tier an organisation falls to"),
    (changed("rank = 1", ""), "[tiers.pro] rank is missing: it has no default"),
    (changed('url = "https://lago.example.com"', ""),
     "[lago] url is missing: say where Lago is, or leave [lago] out"),
    # kinds of value
    (changed("rank = 1", 'rank = "1"'), "[tiers.pro] rank must be a whole number"),
    (changed("rank = 1", "rank = 1.5"), "[tiers.pro] rank must be a whole number"),
    (changed("month = 9900", "month = 99.5"), "[tiers.pro] price.usd.month must be a whole number"),
    (changed("month = 9900", "month = -1"), "[tiers.pro] price.usd.month is -1: must be at least 0"),
    (changed("month = 9900", "months = 9900"),
     "[tiers.pro] price.usd.months is 'months': must be day, week, month, quarter, half_year or year"),
    (changed("usd =", "dollars ="),
     '[tiers.pro] price.dollars must be a currency of three letters, such as "usd"'),
    (changed("eur =", "USD ="), "[tiers.pro] price names a currency twice"),
    (changed("paid = false", 'paid = "no"'), "[tiers.free] paid must be true or false"),
    (changed('lago_plans = ["free"]', 'lago_plans = "free"'), "[tiers.free] lago_plans must be a list"),
    (changed('lago_plans = ["free"]', "lago_plans = [3]"), "[tiers.free] lago_plans[0] must be text in quotes"),
    (changed('lago_plans = ["free"]', 'lago_plans = [""]'),
     "[tiers.free] lago_plans[0] must be a text that is not empty, without spaces around it"),
    (changed('"both"', '"bothh"'), "[billing] authority is 'bothh': must be lago, stripe, both or either"),
    (changed('"both"', '"both"\ncollects = "both"'), "[billing] collects is 'both': must be lago or stripe"),
    (changed('"both"', '"both"\ncurrency = "dollar"'),
     '[billing] currency must be a currency of three letters, such as "usd"'),
    (changed('"both"', '"both"\ngrace_days = -1'), "[billing] grace_days is -1: must be at least 0"),
    (changed('"both"', '"both"\nauthority_of = { acme = "lago" }'),
     "[billing] authority_of.acme must be an organisation's id: it begins with org_"),
    (changed('"both"', '"both"\nauthority_of = { org_1 = "lagoo" }'),
     "[billing] authority_of.org_1 is 'lagoo': must be lago, stripe, both or either"),
    (changed('"json:/app/data"', '"json:/app/data"\nexclude = { org_1 = "" }'),
     "[orgs] exclude.org_1 must be a text that is not empty, without spaces around it"),
    (changed('"json:/app/data"', '"json:/app/data"\nlock_timeout_s = 0'),
     "[orgs] lock_timeout_s must be a number above 0"),
    *((changed("[stripe]", f"[stripe]\nmax_requests_per_s = {value}"),
       "[stripe] max_requests_per_s must be a number above 0") for value in ("0", "-1", "nan", "inf", "true", '"20"')),
    *((changed('"json:/app/data"', store),
       '[orgs] store must be "json:" and the full path of the folder with organizations.json: "json:/app/data"')
      for store in ('"/app/data"', '"json:data"', '"json:"', '"redis://localhost"')),
    (changed('mode = "fix"', 'mode = "write"'), "[policy] mode is 'write': must be flag or fix"),
    (changed('mode = "fix"', 'raise = "ignore"'), "[policy] raise is 'ignore': must be fix or flag"),
    (changed('mode = "fix"', "confirm_runs = 0"), "[policy] confirm_runs is 0: must be at least 1"),
    *((changed('mode = "fix"', f"settle_lower = {value}"),
       '[policy] settle_lower must be a duration such as "24h", "15m", "1h30m" or "7d"')
      for value in ('"soon"', '""', "24", '"24"', '"-1h"', '"1h 30m"', '"30m1h"', '"1.5h"')),
    *((RIGHT + f"[limits]\nmax_lower_ratio = {value}",
       "[limits] max_lower_ratio must be a share from 0 to 1, such as 0.05")
      for value in ("5", "-0.1", "1.01", "nan", "inf", '"0.1"', "true")),
    (RIGHT + "[limits]\nmax_lower_count = -1", "[limits] max_lower_count is -1: must be at least 0"),
    (changed('unpaid_tier = "free"', 'unpaid_tier = "free"\nlapsed = "deleted"'),
     "[statuses] lapsed is 'deleted': must be active or suspended"),
    (changed('unpaid_tier = "free"', 'unpaid_tier = "free"\nflagged = "active"'),
     "[statuses] flagged is 'active': must be empty or suspended"),
    (RIGHT + '[log]\nlevel = "loud"', "[log] level is 'loud': must be debug, info, warning or error"),
    (RIGHT + '[reports]\nformats = ["pdf"]',
     "[reports] formats[0] is 'pdf': must be text, json, markdown, html, csv or xlsx"),
    (RIGHT + '[reports]\ntimezone = "Mars/Olympus"',
     '[reports] timezone must be a time zone that this machine knows, such as "UTC" or "Europe/Berlin"'),
    (RIGHT + '[reports]\ntimezone = "../../etc/passwd"',
     '[reports] timezone must be a time zone that this machine knows, such as "UTC" or "Europe/Berlin"'),
    (RIGHT + '[http]\nlisten = "9464"', '[http] listen must be an address and a port, such as "127.0.0.1:9464"'),
    (RIGHT + '[http]\nlisten = "localhost:70000"',
     '[http] listen must be an address and a port, such as "127.0.0.1:9464"'),
    (RIGHT + '[schedule]\ncron = "every day"',
     '[schedule] cron must be five fields as in cron, such as "*/15 * * * *"'),
    (RIGHT + '[schedule]\ncron = "0 * * * *"\nevery = "1h"', "[schedule] has both every and cron: keep one"),
    (RIGHT + '[schedule]\nevery = "0s"', "[schedule] every must be longer than 0s"),
    (RIGHT + '[ledger]\nurl = "/var/lib/ledger"',
     '[ledger] url must be a database address such as "sqlite:////var/lib/reconciler/ledger.sqlite3", or empty'),
    # addresses
    *((changed("https://lago.example.com", url),
       "[lago] url must be an http or https address with a host, such as https://lago.example.com")
      for url in ("", "lago.example.com", "ftp://lago.example.com", "https://", "https://lago.example.com:port",
                  "https://lago .example.com", "https://[::1")),
    (changed("https://lago.example.com", "https://lago.example.com/?page=1"), "[lago] url must end before any ? or #"),
    (changed("https://lago.example.com", "https://ann@lago.example.com"),
     "[lago] url must hold no user name and no password; keys go elsewhere"),
    # between keys
    (changed("[tiers.max]", '[tiers.""]'), "[tiers.] has no name"),
    (changed("rank = 2", "rank = 1"), "[tiers.max] rank is 1, as [tiers.pro] rank is: each needs its own"),
    (changed('"prod_max"]', '"prod_max"]\nlago_plans = ["pro_monthly"]'),
     "[tiers.max] lago_plans claims 'pro_monthly', which [tiers.pro] claims too"),
    (changed('"prod_max"]', '"prod_max"]\nlegacy = { stripe_prices = ["price_pro"] }'),
     "[tiers.max] stripe_prices claims 'price_pro', which [tiers.pro] claims too"),
    (RIGHT + '[catalog]\nnot_tiers = { stripe_products = ["prod_max"] }',
     "[tiers.max] stripe_products claims 'prod_max', which [catalog] not_tiers claims too"),
    (changed('"price_pro"]', '"price_pro"]\nstripe_price_metadata = { plan = "x" }')
     + 'stripe_price_metadata = { plan = "x" }',
     "[tiers.max] stripe_price_metadata claims 'plan = x', which [tiers.pro] claims too"),
    (changed('unpaid_tier = "free"', 'unpaid_tier = "fre"'),
     "[statuses] unpaid_tier is 'fre', but there is no [tiers.fre]; the nearest is free"),
    (changed('unpaid_tier = "free"', 'unpaid_tier = "max"'),
     "[statuses] unpaid_tier is 'max', whose section does not say paid = false"),
    (changed("paid = false", "paid = false\nprice = { usd = { month = 100 } }"),
     "[statuses] unpaid_tier is 'free', which has a price: a tier that costs is refused here"),
    (changed('unpaid_tier = "free"', 'unpaid_tier = "free"\ntrialing = "trial"'),
     "[statuses] trialing is 'trial', but there is no [tiers.trial]; the nearest is pro"),
    (changed('unpaid_tier = "free"', 'unpaid_tier = "free"\nflagged_codes = ["tier_ovr"]'),
     "[statuses] flagged_codes[0] is 'tier_ovr', which is no drift code; the nearest is tier_over"),
    (changed('unpaid_tier = "free"', 'unpaid_tier = "free"\nflagged_codes = ["tier_under"]'),
     "[statuses] flagged_codes[0] is 'tier_under', but only a code whose money is leak may change a status"),
    (changed('[lago]\nurl = "https://lago.example.com"', ""),
     '[lago] is missing, but [billing] authority = "both" needs it (its url)'),
    (changed("[stripe]", ""), '[stripe] is missing, but [billing] authority = "both" needs it (it may be empty)'),
    (changed('[lago]\nurl = "https://lago.example.com"', "").replace(
        '"both"', '"stripe"\nauthority_of = { org_1 = "lago" }'),
     '[billing] authority_of.org_1 is "lago", which needs the section [lago] (its url)'),
    (changed('mode = "fix"', 'codes = { tier_ovr = "flag" }'),
     "[policy] codes.tier_ovr is no drift code; the nearest is tier_over"),
    (changed('mode = "fix"', 'codes = { side_missing = "fix" }'),
     '[policy] codes.side_missing is "fix", but the catalogue never fixes it: say flag or ignore'),
    (changed('mode = "fix"', 'codes = { paused = "ignore" }'),
     '[policy] codes.paused is ignored without a reason: { do = "ignore", reason = "..." }'),
    (changed('mode = "fix"', 'codes = { paused = { do = "skip" } }'),
     "[policy] codes.paused.do is 'skip': must be fix, flag or ignore"),
]  # fmt: skip  # one case a line or two


@pytest.mark.parametrize(("text", "line"), WRONG, ids=[line for _, line in WRONG])
def test_a_wrong_file_gives_one_clear_line(tmp_path: Path, text: str, line: str) -> None:
    assert refusal(tmp_path, text) == line


def test_no_tiers_at_all_is_said_as_such(tmp_path: Path) -> None:
    text = RIGHT[: RIGHT.index("[tiers.free]")]
    assert "[tiers] names no tier: add a [tiers.NAME] section for each" in refusal(tmp_path, text)


def test_every_problem_is_listed_on_a_line_of_its_own(tmp_path: Path) -> None:
    text = changed("rank = 2", "rank = 1").replace('"both"', '"bothh"') + "[limits]\nmax_lower_ratio = 2\nmax_lower = 3"
    environ = {"RECONCILER__LOG__LEVEL": "loud"}
    said = refusal(tmp_path, text, environ)
    assert "has 5 problems. Nothing was judged or written. Correct each:\n" in said
    assert [line.strip() for line in said.splitlines()[1:]] == [
        "[billing] authority is 'bothh': must be lago, stripe, both or either",
        "[limits] max_lower_ratio must be a share from 0 to 1, such as 0.05",
        "[limits] max_lower is not a known key; the nearest is max_lower_ratio",
        "[log] level is 'loud': must be debug, info, warning or error (from RECONCILER__LOG__LEVEL)",
        "[tiers.max] rank is 1, as [tiers.pro] rank is: each needs its own.",
    ]
