"""The month's bill, line by line, as arithmetic over the sheet."""

from collections.abc import Callable

from infra.cost.scale import NODE_CPU, nodes, units
from infra.cost.sheet import DAYS, Sheet

HOURS, SECONDS = 730, 2_628_000
# Lines of the bill that are others in the size dev, or not there.
READY, DEDICATED = (
    "Functions, instances that zone redundancy keeps ready",
    "Durable on the scheduler, Dedicated",
)
CLUSTER, REGISTRY, NETWORK = "Cluster", "Registry", "Private network"
CONSUMPTION = "or on the scheduler, Consumption (dev)"


def lines(sheet: Sheet) -> list[tuple[str, str, Callable[[int], float]]]:
    """Return each line of the month's bill: its name, its arithmetic, its price for n models."""
    s, p, r, w = sheet.given, sheet.price, sheet.reconciliation, sheet.watching
    executions = sheet.monthly("activities") + sheet.monthly("turns")
    timers = sum(sheet.timers.values()) * DAYS
    second = s("execution_seconds") * s("memory_gb")
    waiting = s("releases") * s("waiting_hours")
    runs = s("trainings") + s("releases")
    return [
        (
            "Functions, stories",
            f"{executions:,.0f} executions a model x {second:g} GB-s",
            lambda n: n * executions * (second * p("execution_gb_second")),
        ),
        (
            "Functions, timers",
            f"{timers:,.0f} executions for any number of models x {second:g} GB-s",
            lambda n: timers * second * p("execution_gb_second"),
        ),
        (
            "Functions, reconciliation",
            f"{r['a_day']} a day x ({r['executions']} + {r['a_model']} a model) x {second:g} GB-s",
            lambda n: sheet.comparisons(n) * second * p("execution_gb_second"),
        ),
        (
            "Functions, drift",
            f"{w['a_day']} a day and model x {w['executions']} x {second:g} GB-s",
            lambda n: sheet.looks(n) * w["executions"] * second * p("execution_gb_second"),
        ),
        (
            READY,
            f"{s('ready_groups'):g} groups x {s('ready_instances'):g} x {SECONDS:,} s"
            f" x {s('memory_gb'):g} GB",
            lambda n: (
                s("ready_groups")
                * s("ready_instances")
                * SECONDS
                * s("memory_gb")
                * p("ready_gb_second")
            ),
        ),
        (
            "Functions, executions",
            "the executions of all items above x price of a million",
            lambda n: (
                (n * executions + timers + sheet.comparisons(n) + sheet.looks(n) * w["executions"])
                * p("execution_million")
                / 1e6
            ),
        ),
        (
            DEDICATED,
            f"capacity units: actions a second at the peak / {s('unit_actions'):,.0f}, at least 1",
            lambda n: units(sheet, n) * p("scheduler_unit"),
        ),
        (
            CONSUMPTION,
            f"{executions:,.0f} actions a model, reconciliation and drift",
            lambda n: (
                (n * executions + sheet.comparisons(n) + sheet.looks(n) * w["executions"])
                * p("scheduler_1k")
                / 1e3
            ),
        ),
        (
            "or on Azure Storage",
            f"{sheet.monthly('activities'):,.0f} activities a model x {s('storage_transactions'):g}"
            " transactions, half tables, half queues",
            lambda n: (
                n
                * sheet.monthly("activities")
                * s("storage_transactions")
                * (p("table_10k") + p("queue_10k"))
                / 2e4
            ),
        ),
        (
            "Training nodes",
            f"{s('trainings'):g} x {s('training_minutes'):g} min a model",
            lambda n: n * s("trainings") * s("training_minutes") / 60 * p("training_hour"),
        ),
        (
            "Nodes that prepare and judge",
            f"{2 * s('trainings'):g} x {s('judge_minutes'):g} min a model",
            lambda n: n * 2 * s("trainings") * s("judge_minutes") / 60 * p("training_hour"),
        ),
        (
            "Nodes of checks",
            f"{s('checks'):g} x {s('check_minutes'):g} min a model",
            lambda n: n * s("checks") * s("check_minutes") / 60 * p("training_hour"),
        ),
        (
            "Builds",
            f"{s('releases'):g} a model x 120 s x 2 CPU",
            lambda n: n * s("releases") * 240 * p("build_second"),
        ),
        (
            "Staging",
            f"{waiting:g} h a model x (1 vCPU + 1.5 GB)",
            lambda n: n * waiting * (p("staging_cpu_hour") + 1.5 * p("staging_gb_hour")),
        ),
        (
            CLUSTER,
            f"nodes: {s('replicas'):g} x {s('replica_cpu'):g} vCPU a model / {NODE_CPU},"
            " at least 3",
            lambda n: HOURS * (nodes(sheet, n) * p("node_hour") + p("cluster_hour")),
        ),
        (REGISTRY, "Premium", lambda n: p("registry_month")),
        (
            NETWORK,
            f"{s('endpoints'):g} endpoints and a NAT gateway x {HOURS} h, {s('zones'):g} zones",
            lambda n: (
                HOURS * (s("endpoints") * p("endpoint_hour") + p("gateway_hour"))
                + s("zones") * p("zone_month")
            ),
        ),
        (
            "Images and files",
            f"{s('releases'):g} x {s('image_gb'):g} GB a model; 12 months without deletion",
            lambda n: 12 * n * s("releases") * s("image_gb") * p("storage_gb"),
        ),
        (
            "Prediction logs",
            f"{s('replicas'):g} replicas x {s('log_appends'):,.0f} appends, and {w['reads']} reads"
            " a comparison",
            lambda n: (
                n * s("replicas") * s("log_appends") * p("blob_10k") / 1e4
                + sheet.looks(n) * w["reads"] * p("blob_read_10k") / 1e4
            ),
        ),
        (
            "Logs of timers, reconciliation and drift",
            f"their executions x {s('log_kb'):g} KB",
            lambda n: (
                (timers + sheet.comparisons(n) + sheet.looks(n) * w["executions"])
                * s("log_kb")
                / 1e6
                * p("log_gb")
            ),
        ),
        (
            "Logs of trainings and releases",
            f"{runs:g} x {s('log_mb'):g} MB a model",
            lambda n: n * runs * s("log_mb") / 1e3 * p("log_gb"),
        ),
        (
            "Events",
            f"{3 * runs:g} events a model",
            lambda n: n * 3 * runs * p("event_million") / 1e6,
        ),
    ]


def smallest(sheet: Sheet) -> float:
    """Return the month's bill of the size dev with one model: one node, a small registry."""
    p, bill = sheet.price, {name: cost(1) for name, _, cost in lines(sheet)}
    others = (READY, DEDICATED, CLUSTER, REGISTRY, NETWORK)
    same = (cost for name, cost in bill.items() if name not in others and name[:3] != "or ")
    own = HOURS * p("dev_node_hour") + p("dev_registry_month")
    return sum(same) + bill[CONSUMPTION] + own
