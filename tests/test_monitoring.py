"""deploy/monitoring/ fits the metrics: rules fire when they should, expressions name only what exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from dispatcher.metrics.definitions import BY_NAME, MetricKind
from tests.tools import installed

ROOT = Path(__file__).parents[1]
MONITORING = ROOT / "deploy" / "monitoring"
RULES = MONITORING / "alerts.yaml"
P = "git_dispatcher_"
GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"]
}
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())


def promtool(*arguments: object) -> None:
    """Debian's package `prometheus` has it, which `.ci/run` installs."""
    program = installed("prometheus", "promtool")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# Alert rules

FOR_EVER = "x40"
HEALTHY = {
    'ledger_up{instance="web"}': f"1{FOR_EVER}",
    'ledger_writable{instance="web"}': f"1{FOR_EVER}",
    'leader{instance="watcher-1"}': f"1{FOR_EVER}",
    'leader{instance="watcher-2"}': f"0{FOR_EVER}",
    **{f'build_info{{process="{name}"}}': f"1{FOR_EVER}" for name in ("web", "worker", "watcher")},
    **{
        f'processes{{process="{name}", liveness="alive"}}': f"2{FOR_EVER}"
        for name in ("web", "worker", "watcher")
    },
    'processes{process="worker", liveness="late"}': f"0{FOR_EVER}",
    "wake_up_oldest_age_seconds": f"0.1{FOR_EVER}",
    'deliveries_total{hook="github", event="push", outcome="deployed"}': "0+10x40",
    'rejections_total{hook="github", reason="signature_mismatch"}': "0+1x40",
    'rejections_total{hook="", reason="signature_missing"}': "0+1000x40",
    "connections_refused_total": f"3{FOR_EVER}",
    'target_last_outcome{target="shop", namespace="deploys", state="succeeded", cause=""}': (
        f"1{FOR_EVER}"
    ),
    'deploy_pending_oldest_age_seconds{target="shop", namespace="deploys"}': "0+60x20 0x20",
    'config_last_load_successful{instance="web"}': f"1{FOR_EVER}",
    'config_fingerprint{instance="web"}': f"7{FOR_EVER}",
    'config_fingerprint{instance="watcher-1"}': f"7{FOR_EVER}",
    'namespace_synced{namespace="deploys", resource="jobs"}': f"1{FOR_EVER}",
    'watch_last_event_timestamp_seconds{namespace="deploys", resource="jobs"}': "0+60x40",
    "redis_memory_used_bytes": f"70{FOR_EVER}",
    "redis_memory_max_bytes": f"100{FOR_EVER}",
    'repairs_total{kind="expired-lease"}': "5x20 7x20",
}
"""What every rule sees while all is well, one value a minute."""
SHOP = {"target": "shop", "namespace": "deploys"}


class Case(NamedTuple):
    """What has to change for an alert to fire, and the labels that it has then."""

    alert: str
    series: dict[str, str]
    labels: dict[str, str]
    at: str = "30m"
    every: str = "1m"


def _stopping(cause: str, state: str) -> str:
    return f'target_trouble{{target="shop", namespace="deploys", state="{state}", cause="{cause}"}}'


HOOK = {"hook": "github"}
CASES = [
    Case("GitDispatcherRedisAway", {'ledger_up{instance="web"}': "1x20 0x20"}, {"instance": "web"}),
    Case(
        "GitDispatcherRedisNotWritable",
        {'ledger_writable{instance="web"}': "1x20 0x20"},
        {"instance": "web"},
    ),
    Case("GitDispatcherNoLeader", {'leader{instance="watcher-1"}': "1x20 0x20"}, {}),
    Case(
        "GitDispatcherNoLeader",
        {'leader{instance="watcher-1"}': "", 'leader{instance="watcher-2"}': ""},
        {},
    ),
    Case(
        "GitDispatcherNoWorker",
        {'processes{process="worker", liveness="alive"}': "2x20 0x20"},
        {},
    ),
    Case("GitDispatcherWakeUpsNotTaken", {"wake_up_oldest_age_seconds": "0x29 31x9"}, {}),
    Case(
        "GitDispatcherDeliveriesUnavailable",
        {'deliveries_total{hook="github", event="push", outcome="unavailable"}': "4x27 5x9"},
        HOOK,
    ),
    Case(  # the first of its kind: the series begins with it
        "GitDispatcherDeliveriesUnavailable",
        {'deliveries_total{hook="github", event="push", outcome="unavailable"}': "_x28 1x9"},
        HOOK,
    ),
    Case(
        "GitDispatcherDeliveriesUnavailable",
        {'rejections_total{hook="github", reason="busy"}': "0x27 1x9"},
        HOOK,
    ),
    Case("GitDispatcherDeliveriesUnavailable", {"connections_refused_total": "3x27 4x9"}, {}),
    *(
        Case(
            "GitDispatcherProcessMissing",
            {f'build_info{{process="{name}"}}': "1x20"},
            {"process": name},
        )
        for name in ("web", "worker", "watcher")
    ),
    Case(
        "GitDispatcherDeployFailed",
        {
            'target_last_outcome{target="shop", namespace="deploys", state="failed", cause="script"}': (
                "_x29 1x9"
            )
        },
        SHOP | {"state": "failed", "cause": "script"},
    ),
    *(
        Case(
            "GitDispatcherDeployDoesNotStart",
            {_stopping(cause, "starting"): "_x20 1x20"},
            SHOP | {"cause": cause},
        )
        for cause in ("image", "config", "scheduling")
    ),
    Case("GitDispatcherDeployStuck", {_stopping("", "stopping"): "_x20 1x20"}, SHOP),
    Case(
        "GitDispatcherDeployWaitsLong",
        {'deploy_pending_oldest_age_seconds{target="shop", namespace="deploys"}': "0+62x40"},
        SHOP,
    ),
    Case(
        "GitDispatcherConfigRefused",
        {'config_last_load_successful{instance="web"}': "1x20 0x20"},
        {"instance": "web"},
    ),
    Case("GitDispatcherConfigDiffers", {'config_fingerprint{instance="web"}': "7x15 8x25"}, {}),
    Case(
        "GitDispatcherManyUnauthenticated",
        {'rejections_total{hook="github", reason="signature_mismatch"}': "0+11x40"},
        HOOK,
    ),
    Case(
        "GitDispatcherHookSilent",
        {
            'deliveries_total{hook="github", event="push", outcome="deployed"}': "0+1x330 330x30",
            'hook_last_delivery_timestamp_seconds{hook="github"}': "0+3600x330 1188000x30",
        },
        HOOK,
        at="340h",
        every="1h",
    ),
    Case(
        "GitDispatcherPausedLong",
        {'target_paused_timestamp_seconds{target="shop", namespace="deploys"}': "3600x60"},
        SHOP,
        at="26h",
        every="1h",
    ),
    Case(
        "GitDispatcherPausedLong",
        {'target_paused_timestamp_seconds{target="", namespace=""}': "3600x60"},
        {},
        at="26h",
        every="1h",
    ),
    Case(
        "GitDispatcherNamespaceNotSynced",
        {'namespace_synced{namespace="deploys", resource="jobs"}': "1x20 0x20"},
        {"namespace": "deploys", "resource": "jobs"},
    ),
    Case(
        "GitDispatcherNamespaceNotSynced",
        {
            'watch_last_event_timestamp_seconds{namespace="deploys", resource="jobs"}': (
                "0+60x20 1200x20"
            )
        },
        {"namespace": "deploys", "resource": "jobs"},
    ),
    Case("GitDispatcherRedisMemory", {"redis_memory_used_bytes": "70x20 81x20"}, {}),
    Case(
        "GitDispatcherRepairs",
        {'repairs_total{kind="expired-lease"}': "0+1x40"},
        {"kind": "expired-lease"},
    ),
    Case(
        "GitDispatcherProcessLate",
        {'processes{process="worker", liveness="late"}': "0x20 1x20"},
        {"process": "worker"},
    ),
]
SILENT = [
    Case("", {}, {}),
    Case("", {}, {}, at="5m"),
    # Redis without a limit; a leader that has just changed; a long pause that nobody waits behind
    Case("", {"redis_memory_max_bytes": "0x40"}, {}),
    Case(
        "",
        {'leader{instance="watcher-1"}': "1x20 0x20", 'leader{instance="watcher-2"}': "0x20 1x20"},
        {},
    ),
    Case(
        "",
        {
            'deploy_pending_oldest_age_seconds{target="shop", namespace="deploys"}': "0+62x40",
            'target_paused_timestamp_seconds{target="shop", namespace="deploys"}': "60x40",
        },
        {},
    ),
    Case(
        "",
        {
            'deploy_pending_oldest_age_seconds{target="shop", namespace="deploys"}': "0+62x40",
            'target_paused_timestamp_seconds{target="", namespace=""}': "60x40",
        },
        {},
    ),
    # A hook that is used once a week
    Case(
        "",
        {'hook_last_delivery_timestamp_seconds{hook="weekly"}': "3600x40"},
        {},
        at="30m",
    ),
]


def unit_test(case: Case) -> dict[str, Any]:
    series = {name: values for name, values in (HEALTHY | case.series).items() if values}
    if case.every != "1m":
        series = case.series
    firing = f'ALERTS{{alertname="{case.alert}", alertstate="firing"}}'
    labels = {"alertname": case.alert, "alertstate": "firing", **case.labels}
    if case.alert:
        labels["severity"] = ALERTS[case.alert]["labels"]["severity"]
    said = ", ".join(f'{name}="{value}"' for name, value in labels.items() if value)
    samples = [{"labels": f"ALERTS{{{said}}}", "value": 1}] if case.alert else []
    return {
        "interval": case.every,
        "input_series": [{"series": P + name, "values": v} for name, v in series.items()],
        "promql_expr_test": [
            {
                "expr": firing if case.alert else 'ALERTS{alertstate="firing"}',
                "eval_time": case.at,
                "exp_samples": samples,
            }
        ],
    }


def test_the_rules_are_valid() -> None:
    promtool("check", "rules", RULES)


def test_each_rule_fires_when_it_should_and_none_otherwise(tmp_path: Path) -> None:
    for every in ("1m", "1h"):
        cases = [case for case in [*CASES, *SILENT] if case.every == every]
        document = {
            "rule_files": [str(RULES)],
            "evaluation_interval": every,
            "tests": [unit_test(case) for case in cases],
        }
        (tmp_path / "tests.yaml").write_text(yaml.safe_dump(document))
        promtool("test", "rules", tmp_path / "tests.yaml")


def test_a_rule_that_does_not_fire_is_noticed(tmp_path: Path) -> None:
    well = Case("GitDispatcherNoLeader", {}, {})
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [unit_test(well)]}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(document))

    with pytest.raises(AssertionError, match="GitDispatcherNoLeader"):
        promtool("test", "rules", tmp_path / "tests.yaml")


def test_each_rule_is_tried() -> None:
    assert {case.alert for case in CASES} == set(ALERTS)


def test_each_rule_says_what_to_do() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    headings = re.findall(r"^## (GitDispatcher\w+)$", runbook, re.MULTILINE)

    assert headings == list(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in ("page", "warn")
        assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"


# What expressions name


def expressions() -> Iterator[tuple[str, str]]:
    """Of alerts and of the dashboard, with where each is."""
    for name, rule in ALERTS.items():
        yield name, rule["expr"]
    for panel in panels():
        for target in panel.get("targets", ()):
            yield f"panel {panel['title']}", target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable["definition"]


def panels() -> list[dict[str, Any]]:
    return [each for each in DASHBOARD["panels"] if each["type"] != "row"]


def sample_names() -> dict[str, set[str]]:
    """Name of a sample → its labels."""
    found: dict[str, set[str]] = {}
    for name, each in BY_NAME.items():
        labels = {*each.labels, "instance", "job"}
        if each.kind is MetricKind.HISTOGRAM:
            found |= {
                f"{name}_sum": labels,
                f"{name}_count": labels,
                f"{name}_bucket": labels | {"le"},
            }
        else:
            found[name] = labels
    return found


SAMPLES = sample_names()
PROCESS_METRICS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}


@pytest.mark.parametrize(("where", "expr"), list(expressions()))
def test_expressions_name_metrics_and_labels_that_exist(where: str, expr: str) -> None:
    used = re.findall(r"\b((?:git_dispatcher|process)_\w+)(?:\{([^}]*)\})?", expr)
    assert used, expr
    labels: set[str] = set()
    for name, matchers in used:
        assert name in SAMPLES or name in PROCESS_METRICS, name
        own = SAMPLES.get(name, {"instance", "job"})
        labels |= own
        matched = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', matchers)))
        assert matched <= own, (name, matched - own)
    grouped = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expr)
    named = {label.strip() for each in grouped for label in each.split(",") if label.strip()}
    assert named <= labels, named - labels


def test_expressions_of_the_dashboard_are_valid(tmp_path: Path) -> None:
    found = [expr for where, expr in expressions() if where.startswith("panel")]
    plain = [
        expr.replace("$__rate_interval", "5m").replace("$__range", "1d").replace("$namespace", ".*")
        for expr in found
    ]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(plain)]
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]})
    )

    promtool("check", "rules", tmp_path / "rules.yaml")


def test_panels_do_not_overlap_and_each_says_what_it_shows() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
    assert all(panel["description"] for panel in panels())
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_what_scrapes_fits_the_manifests() -> None:
    ports = {
        port["name"]: port["containerPort"]
        for name in ("web", "worker", "watcher")
        for found in yaml.safe_load_all((ROOT / f"deploy/kubernetes/{name}.yaml").read_text())
        if found["kind"] == "Deployment"
        for container in found["spec"]["template"]["spec"]["containers"]
        for port in container["ports"]
    }
    monitors = list(yaml.safe_load_all((MONITORING / "monitors.yaml").read_text()))
    asked = {
        end["port"]
        for each in monitors
        for end in (
            *each["spec"].get("endpoints", ()),
            *each["spec"].get("podMetricsEndpoints", ()),
        )
    }

    assert asked == set(ports) == {"http", "metrics"}
    policy = yaml.safe_load((MONITORING / "network-policy.yaml").read_text())["spec"]
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == ["metrics"]
    settings = (ROOT / "deploy/kubernetes/settings.env").read_text()
    assert f"DISPATCHER_METRICS_PORT={ports['metrics']}\n" in settings


def test_the_example_of_a_prometheus_is_valid(tmp_path: Path) -> None:
    shutil.copytree(MONITORING, tmp_path / "m")
    (tmp_path / "m" / "token").write_text("a-token")
    file = tmp_path / "m" / "prometheus.yaml"
    document = yaml.safe_load(file.read_text())
    for job in document["scrape_configs"]:  # Debian's promtool knows no discovery of Kubernetes
        assert job.pop("kubernetes_sd_configs", ROLE) == ROLE
    file.write_text(yaml.safe_dump(document))

    promtool("check", "config", file)


ROLE = [{"role": "pod", "namespaces": {"names": ["git-dispatcher"]}}]
