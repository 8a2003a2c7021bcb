"""The amount of each resource that a number of models needs."""

import math

from infra.cost.sheet import DAYS, Sheet

NODE_CPU = 3.5  # of 4; the rest is the system's


def nodes(sheet: Sheet, models: int) -> int:
    """Return how many cluster nodes the replicas of so many models need."""
    cpu = models * sheet.given("replicas") * sheet.given("replica_cpu")
    return max(3, math.ceil(cpu / NODE_CPU))


def units(sheet: Sheet, models: int) -> int:
    """Return how many capacity units of the scheduler a rush of so many models needs."""
    return max(1, math.ceil(rush(sheet, models) / sheet.given("unit_actions")))


def rush(sheet: Sheet, models: int) -> float:
    """Return the executions a second in the busiest quarter of an hour."""
    trainings = models * sheet.given("trainings") / DAYS * sheet.given("rush")
    steps = sheet.steps("training", "activities") + sheet.steps("training", "turns")
    return trainings * steps / 900
