"""The html report in Debian's Chromium: sort, filter, turn a page, open a row, at work offline and by keyboard."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from busy_runs import busy_background, busy_run
from reconciler.reports.compose import book_of
from reconciler.reports.html_report import html_report
from run_builders import decision, drift, run_record

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
RUN = busy_run(900)
PATIENCE_S = 60
ROWS = 50

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="Chromium and its driver are not installed (apt-get install chromium-driver)",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (
        *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"),
        *("disable-component-update", "disable-sync", "disable-dev-shm-usage", "window-size=1280,1600"),
        f"user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(executable_path=str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(html_report(RUN, book_of(RUN, busy_background(RUN))))
    return path.as_uri()


@pytest.fixture
def page(browser: Chrome, address: str) -> Chrome:
    return opened(browser, address)


def opened(browser: Chrome, address: str) -> Chrome:
    browser.get(address)
    WebDriverWait(browser, PATIENCE_S).until(
        lambda each: each.execute_script("return document.documentElement.dataset.ready") == "yes"
    )
    return browser


def rows(page: Chrome) -> list[dict[str, str]]:
    """The drifts that are shown, by the words of the header."""
    found: Any = page.execute_script(
        "return [...document.querySelectorAll('#list tbody tr[data-number]')].map((row) => "
        "Object.fromEntries([...row.cells].map((cell) => [cell.dataset.label, cell.textContent])))"
    )
    return list(found)


def count(page: Chrome) -> str:
    return page.find_element(By.ID, "count").text


def header(page: Chrome, label: str) -> WebElement:
    return page.find_element(By.XPATH, f"//table[@id='list']//th[@data-label='{label}']")


def amount(text: str) -> float:
    return float(text.split(" ", maxsplit=1)[0].replace(",", ""))


def test_every_drift_is_there_a_page_at_a_time(page: Chrome) -> None:
    listed = sum(each.decided != "ok" for each in RUN.decisions)
    assert count(page) == f"{listed} in all."
    assert len(rows(page)) == ROWS
    first = rows(page)
    page.find_element(By.ID, "next").click()
    assert rows(page) != first
    page.find_element(By.ID, "previous").click()
    assert rows(page) == first


def test_the_page_says_nothing_against_its_own_policy(page: Chrome) -> None:
    log = page.get_log("browser")  # type: ignore[no-untyped-call]  # selenium's own
    assert [each for each in log if each["level"] in {"SEVERE", "WARNING"}] == []
    assert page.execute_script("return getComputedStyle(document.body).maxWidth") != "none"


def test_a_header_sorts_both_ways_and_says_which(page: Chrome) -> None:
    Select(page.find_element(By.CSS_SELECTOR, "[data-filter=currency]")).select_by_value("usd")
    button = header(page, "Leak").find_element(By.TAG_NAME, "button")
    button.click()
    leaks = [amount(row["Leak"]) for row in rows(page) if row["Leak"]]
    assert header(page, "Leak").get_attribute("aria-sort") == "descending"
    assert leaks == sorted(leaks, reverse=True)
    button.click()
    assert header(page, "Leak").get_attribute("aria-sort") == "ascending"
    assert amount(rows(page)[0]["Leak"] or "0") == 0


def test_filters_and_search_narrow_together_and_clear_at_once(page: Chrome) -> None:
    Select(page.find_element(By.CSS_SELECTOR, "[data-filter=code]")).select_by_value("tier_over")
    of_code = sum(each.drift.code == "tier_over" for each in RUN.decisions)
    assert count(page).startswith(f"{of_code} of ")
    assert {row["Code"] for row in rows(page)} == {"tier_over"}
    page.find_element(By.ID, "search").send_keys("kestrel")
    assert all("kestrel" in row["Name"].lower() for row in rows(page))
    assert 0 < len(rows(page)) < of_code
    page.find_element(By.CSS_SELECTOR, "#filters button[type=reset]").click()
    WebDriverWait(page, PATIENCE_S).until(lambda each: count(each).endswith("in all."))


def test_a_row_opens_into_reasoning_remedy_evidence_and_links_and_closes_again(page: Chrome) -> None:
    opener = page.find_element(By.CSS_SELECTOR, "#list .opener")
    assert opener.get_attribute("aria-expanded") == "false"
    opener.click()
    details = page.find_element(By.CSS_SELECTOR, ".opened")
    for words in ("What it is", "Remedy", "Why decided so", "Evidence", "recorded_id", "the recorded customer id"):
        assert words in details.text
    shown = [each.text for each in details.find_elements(By.TAG_NAME, "dt")]
    assert any(re.fullmatch(r"cus_[0-9a-f]{14}", each) for each in shown)
    assert re.search(r"monthly\n[\d,.]+ [A-Z]{3}\n", details.text)
    links = {each.text: each.get_attribute("href") for each in details.find_elements(By.TAG_NAME, "a")}
    assert str(links["Open in Stripe"]).startswith("https://dashboard.stripe.com/acct_1Example/subscriptions/sub_")
    assert str(links["Open in Lago"]).startswith("https://lago.example.com/customer/")
    page.find_element(By.CSS_SELECTOR, "#list .opener").click()
    assert page.find_elements(By.CSS_SELECTOR, ".opened") == []


def test_a_row_opens_by_keyboard_and_keeps_the_focus(page: Chrome) -> None:
    page.find_element(By.CSS_SELECTOR, "#list .opener").send_keys(Keys.ENTER)
    assert page.switch_to.active_element.get_attribute("aria-expanded") == "true"
    page.switch_to.active_element.send_keys(Keys.SPACE)
    assert page.find_elements(By.CSS_SELECTOR, ".opened") == []


def test_a_hostile_name_is_text_and_runs_nothing(browser: Chrome, tmp_path: Path) -> None:
    name = "</script><img src=x onerror=document.title='run'><b>bold</b>"
    run = run_record(decisions=[decision(drift(org_name=name, evidence={name: {name: name}}))])
    path = tmp_path / "hostile.html"
    path.write_bytes(html_report(run, book_of(run)))
    page = opened(browser, path.as_uri())
    page.find_element(By.CSS_SELECTOR, "#list .opener").click()
    assert page.title != "run"
    assert name in page.find_element(By.CSS_SELECTOR, ".opened").text
    assert page.find_elements(By.CSS_SELECTOR, "#drifts img, #drifts b") == []


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Chrome, address: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        page = opened(browser, address)
        page.find_element(By.CSS_SELECTOR, "#list .opener").click()
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_paper_shows_every_row_of_what_is_filtered_and_opens_all_sections(page: Chrome) -> None:
    Select(page.find_element(By.CSS_SELECTOR, "[data-filter=code]")).select_by_value("tier_over")
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert len(rows(page)) == sum(each.drift.code == "tier_over" for each in RUN.decisions)
    assert page.find_elements(By.CSS_SELECTOR, "details:not([open])") == []
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert len(rows(page)) == ROWS
