"""What Prometheus is told: from the condition alone, all of it documented, and alerts that name only what there is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from reconciler.daemon.attempt import Attempt, Part
from reconciler.daemon.condition import Condition
from reconciler.daemon.metrics import Metrics
from run_builders import decision, drift, run_record

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC)


def told(condition: Condition) -> dict[str, float]:
    text = Metrics(lambda: condition, version="1.2.3").text().decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def after_a_run() -> Condition:
    run = run_record(decisions=(decision(drift()), decision(drift(org_id="org_2"))))
    attempt = Attempt(
        started_at=NOW, finished_at=NOW + timedelta(seconds=3), run=run, problems={Part.REPORTS: "no room"}
    )
    return Condition(interval=timedelta(minutes=15), irregular={"late": 1}).after(attempt, monotonic_s=0.0)


def test_drifts_money_and_durations_are_those_of_the_last_run() -> None:
    said = told(after_a_run())
    assert sum(value for name, value in said.items() if name.startswith("reconciler_drifts{")) == 2
    assert said["reconciler_run_duration_seconds"] == 3
    assert said['reconciler_trouble{part="reports"}'] == 1
    assert said["reconciler_consecutive_failures"] == 0
    assert any(name.startswith('reconciler_money_minor_units{column="leak"') for name in said)


def test_a_drift_that_is_gone_leaves_no_sample_behind() -> None:
    before = after_a_run()
    run = run_record(decisions=())
    after = before.after(Attempt(started_at=NOW, finished_at=NOW, run=run), monotonic_s=1.0)
    assert not [name for name in told(after) if name.startswith("reconciler_drifts")]


def families(condition: Condition) -> set[str]:
    text = Metrics(lambda: condition, version="1").text().decode()
    return set(re.findall(r"^# TYPE (reconciler_\w+)", text, re.MULTILINE))


def documented() -> set[str]:
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(reconciler_\w+)`", page, re.MULTILINE))


def test_every_metric_is_in_the_page_and_the_page_names_no_other() -> None:
    assert families(after_a_run()) == documented()


def test_there_is_every_metric_before_the_first_run_too() -> None:
    assert families(Condition(interval=timedelta(minutes=15))) == documented()


def test_every_part_that_can_be_in_trouble_is_in_the_page_of_log_events() -> None:
    page = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8").split("The parts of")[1]
    assert all(f"`{part.value}`" in page for part in Part)


def test_the_alert_rules_are_sound_yaml_and_name_only_metrics_that_there_are() -> None:
    rules = yaml.safe_load((ROOT / "config" / "prometheus-alerts.yml").read_text(encoding="utf-8"))
    alerts = rules["groups"][0]["rules"]
    assert len({alert["alert"] for alert in alerts}) == len(alerts) > 5
    for alert in alerts:
        assert alert["annotations"]["summary"]
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        assert set(re.findall(r"reconciler_\w+", alert["expr"])) <= documented()


def test_the_status_line_names_the_result_each_trouble_and_the_next_run() -> None:
    condition = replace(after_a_run(), next_run=NOW)
    assert re.fullmatch(
        r"Run \S+ ended .*Z: drift, .* fixed; reports since .*Z: no room; next run .*Z", condition.status()
    )
