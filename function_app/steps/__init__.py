"""All steps of the stories; the variable is the name of the activity, as Azure shows it.

To add a step, declare it here and write its function in function_app/activities, decorated by
`@steps.<name>.activity`. Histories contain these names, so that renaming a step breaks stories that
are under way (docs/how-to/change-a-story.md).
"""

from function_app.domain.change.change import Change, CheckReport
from function_app.domain.change.integration import (
    ChangeStatus,
    ChecksRequest,
    FetchedChange,
    Publication,
    Published,
    ReferenceCheck,
    TrainingOrder,
)
from function_app.domain.drift.watching import DriftAnnouncement, DriftReport, WatchRequest
from function_app.domain.gates import GateResult
from function_app.domain.lineage.reproduction import (
    ReproductionCheck,
    ReproductionEvaluation,
    ReproductionPlan,
    ReproductionRequest,
    ReproductionResult,
    ReproductionRun,
)
from function_app.domain.platform import EnsuredPart, EnsurePart
from function_app.domain.reconciliation import ModelName, ReconcileReport, ReconcileRequest
from function_app.domain.release.approval import Settlement
from function_app.domain.release.release import Release
from function_app.domain.release.serving import Build, Rollout
from function_app.domain.requests import (
    ApprovalRequest,
    Champion,
    ComparisonPlan,
    DatasetCheck,
    DatasetRequest,
    Evaluation,
    EvaluationRequest,
    PreparationRequest,
    Promotion,
    Registration,
    ReleaseEnd,
    ReleaseUpdate,
    RollBack,
    RolledBack,
    RunId,
    RunRequest,
    SmokeTest,
    StoredDataset,
)
from function_app.domain.stories.cancellation import SettledCancellation, StoryId
from function_app.domain.stories.lane import LaneHolder, LaneRequest
from function_app.domain.stories.outcomes import StoryEnd
from function_app.domain.training import ModelVersion, Run
from function_app.steps.step import StepTable

_table = StepTable()
_step = _table.step

# The platform, before the first event
ensure_part = _step(EnsurePart, EnsuredPart)

# A change of code
fetch_change = _step(Change, FetchedChange)
submit_checks = _step(ChecksRequest, Run)
read_checks = _step(RunId, CheckReport)
check_reference_data = _step(ReferenceCheck, GateResult)
publish_code = _step(Publication, Published)
request_training = _step(TrainingOrder)
tell_change = _step(ChangeStatus)

# A training
keep_dataset = _step(DatasetRequest, StoredDataset)
submit_preparation = _step(PreparationRequest, Run)
judge_dataset = _step(DatasetCheck, GateResult)
submit_training = _step(RunRequest, Run)
get_run = _step(RunId, Run)
cancel_run = _step(RunId, Run)
submit_evaluation = _step(EvaluationRequest, Run)
evaluate_challenger = _step(Evaluation, GateResult)
register_model = _step(Registration, ModelVersion)

# A reproduction
plan_reproduction = _step(ReproductionRequest, ReproductionPlan)
submit_reproduction = _step(ReproductionRun, Run)
evaluate_reproduction = _step(ReproductionEvaluation, Run)
judge_reproduction = _step(ReproductionCheck, ReproductionResult)

# A release
build_image = _step(Release, Build)
deploy_staging = _step(Promotion, Rollout)
smoke_test = _step(SmokeTest, GateResult)
plan_comparison = _step(Release, ComparisonPlan)
remove_staging = _step(Release)
request_approval = _step(ApprovalRequest)
settle_approval = _step(Release, Settlement)
update_release = _step(ReleaseUpdate)
end_release = _step(ReleaseEnd)

# Production
get_champion = _step(Release, Champion)
promote_challenger = _step(Promotion, Rollout)
roll_back_production = _step(RollBack, RolledBack)
observe_production = _step(WatchRequest, DriftReport)
announce_drift = _step(DriftAnnouncement)

# Every story
record_outcome = _step(StoryEnd)
settle_cancellation = _step(StoryId, SettledCancellation)
take_lane = _step(LaneRequest, LaneHolder)
leave_lane = _step(LaneRequest)

# The reconciliation
compare_records = _step(ReconcileRequest, ReconcileReport)
compare_platform = _step(ModelName, ReconcileReport)
keep_findings = _step(ReconcileReport)

STEPS = _table.name(globals())
