"""All adapters of this machine, and the infrastructure that must exist before the first event."""

from collections.abc import Callable

from function_app.adapters.clock import SystemClock
from function_app.adapters.git.sources import GitSources
from function_app.adapters.local.approvers import LocalApprovers
from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.data.observations import LocalObservations
from function_app.adapters.local.earlier_records import open_inbox, open_ledger
from function_app.adapters.local.events import choose_events
from function_app.adapters.local.images.images import LocalImages
from function_app.adapters.local.jobs.jobs import LIBRARIES, WATCHER, LocalJobs, watcher_environ
from function_app.adapters.local.jobs.run_environment import run_environ
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.notifier import LocalNotifier
from function_app.adapters.local.probe import LocalProbe
from function_app.adapters.local.production.production import LocalProduction
from function_app.adapters.local.reach.containers import Containers, find_engine
from function_app.adapters.local.reach.containment import Containment
from function_app.adapters.local.reach.private import restrict_access
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.reach.warm_parent import WarmParent
from function_app.adapters.local.registry import LocalRegistry
from function_app.adapters.local.staging import LocalStaging
from function_app.adapters.messages import Notifications
from function_app.domain.platform import EnsuredPart, PartState, PlannedPart
from function_app.ports import Ports
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.settings.settings import Settings, read_limits
from sandbox.forkserver import SharedForkServer


class LocalPlatform:
    """Creates the parts of the platform; an existing part is left unchanged."""

    def __init__(self, parts: dict[str, Callable[[], str]], containment: Containment) -> None:
        self._parts, self._containment = parts, containment

    def parts(self) -> tuple[str, ...]:
        return tuple(self._parts)

    def plan(self, part: str) -> PlannedPart:
        detail = "Made or found at each start, in a moment."
        return PlannedPart(part=part, state=PartState.PRESENT, detail=detail)

    def ensure(self, part: str) -> EnsuredPart:
        return EnsuredPart(part=part, detail=self._parts[part]())

    def remove(self, part: str) -> str:
        return "`make clean` forgets all of this machine's state."

    def isolation(self) -> str:
        return str(self._containment.detected)


def create_ports(settings: Settings) -> Ports:
    """Return every port on this machine, with its state in `settings.state`."""
    state, root, projects = settings.state, settings.root, settings.projects
    restrict_access(state)
    clock, inbox = SystemClock(), StoredInbox(open_inbox(state / "inbox.db"))
    events = choose_events(settings.topic_endpoint, settings.topic_key, inbox, clock)
    processes = Processes(state / "processes")
    # The code of a model with a repository is not this app's: a module of the same name is another.
    programs = {name: project.program for name, project in projects.items() if not project.code}
    containment = Containment(state=state, root=root, isolation=settings.isolation)
    limits = read_limits(projects)
    memory_kib = limits.run_memory() >> 10
    forks = SharedForkServer(state / "forks.sock", LIBRARIES, run_environ(), memory_kib)
    datasets = LocalDatasets(state, root, events, programs, containment, limits.data_file(), forks)
    rows = open_ledger(state / "ledger.db")
    ledger = StoredLedger(rows)
    registry = LocalRegistry(state, events, ledger.newest_version)
    engine = find_engine(settings.engine, settings.base_image)
    containers = Containers(engine, settings.base_image, state) if engine else None
    bundles = LocalBundles(state)
    images = LocalImages(state, root, projects, bundles, containers)
    watched = {name: project.drift for name, project in projects.items() if project.drift}
    ready = settings.ready_seconds
    keys = LocalKeys(state, settings.user_folder)
    production = LocalProduction(
        state,
        root,
        images,
        processes,
        keys,
        ready_seconds=ready,
        watched=watched,
        containment=containment,
    )
    approvers = LocalApprovers(state)

    def ensure_state() -> str:
        for project in projects.values():
            (state / "inbox" / project.container / project.prefix).mkdir(
                parents=True, exist_ok=True
            )
        datasets.begin_imports()
        return str(state)

    def ensure_registry() -> str:
        registry.ensure()
        return "MLflow on SQLite"

    def ensure_baseline() -> str:
        return "; ".join(datasets.ensure_reference(model) for model in projects)

    def ensure_approvers() -> str:
        names = sorted({name for p in projects.values() for name in p.release.named_people})
        for name in names:
            approvers.ensure(name)
        return ", ".join(names)

    def restore_production() -> str:
        return ", ".join(production.restore()) or "nothing is promoted yet"

    platform = LocalPlatform(
        {
            "state": ensure_state,
            "registry": ensure_registry,
            "baseline dataset": ensure_baseline,
            "approvers": ensure_approvers,
            "production": restore_production,
        },
        containment,
    )
    topic = (settings.topic_endpoint, settings.topic_key)
    watchers = WarmParent(WATCHER, root, watcher_environ(*topic), memory_kib)
    jobs = LocalJobs(
        state,
        root,
        Processes(state / "processes", memory_kib),
        projects,
        topic,
        bundles,
        datasets.reference,
        containment,
        forks,
        watchers,
    )
    return Ports(
        sources=GitSources(state / "fetched", bundles.store, settings.git),
        datasets=datasets,
        jobs=jobs,
        registry=registry,
        images=images,
        staging=LocalStaging(
            state, images, processes, keys, containers, ready_seconds=ready, containment=containment
        ),
        production=production,
        probe=LocalProbe(keys),
        inbox=inbox,
        ledger=ledger,
        rows=rows,
        events=events,
        notifier=LocalNotifier(state / "outbox", Notifications(settings.notify)),
        clock=clock,
        approvers=approvers,
        platform=platform,
        observations=LocalObservations(state, projects),
        projects=projects,
    )
