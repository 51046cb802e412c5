"""What a run directory holds, read without its lock."""

from dataclasses import dataclass
from pathlib import Path

from requorum.errors import DamagedInput
from requorum.workflow import events
from requorum.workflow.durable_file import explained
from requorum.workflow.journal_lines import Record, decode_records
from requorum.workflow.plan import Plan, PlanOutline, StepDecoder, digest_of
from requorum.workflow.run_state import RunState, run_state
from requorum.workflow.step import World

PLAN_FILE = "plan.json"
JOURNAL_FILE = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The plan and the journal of one run, found to belong together.

    `journal_size` is the bytes of the journal's whole lines; a torn line may follow them.
    """

    run_dir: Path
    outline: PlanOutline
    encoded_plan: bytes
    records: tuple[Record, ...]
    journal_size: int

    def state(self, *, held_by: str | None) -> RunState:
        """Return where the run stands; `held_by` as in `run_state`."""
        history = (record.event for record in self.records)
        return run_state(self.outline, history, held_by=held_by)

    def load_plan(self, steps: StepDecoder[World]) -> Plan[World]:
        """Return the plan, ready to run. DamagedInput when a step is none that `steps` knows."""
        return Plan.decode(self.encoded_plan, steps, str(self.run_dir / PLAN_FILE))


def read_run_files(run_dir: Path) -> RunFiles:
    """Read a run.

    Raises DamagedInput when a file is missing or damaged, or when plan.json is not the plan that
    was recorded and approved; RequorumError when the system does not let us read.
    """
    encoded_plan = _read(run_dir / PLAN_FILE)
    outline = PlanOutline.decode(encoded_plan, str(run_dir / PLAN_FILE))
    journal = run_dir / JOURNAL_FILE
    records, journal_size = decode_records(_read(journal), str(journal))
    files = RunFiles(run_dir, outline, encoded_plan, records, journal_size)
    _check_belonging(files)
    return files


def _read(path: Path) -> bytes:
    with explained(f"cannot read {path}"):
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise _incomplete(path) from error


def _incomplete(path: Path) -> DamagedInput:
    return DamagedInput(
        f"{path} is missing or empty",
        hint="Planning was cut off before anything was done, or the file was removed since. "
        "Plan anew.",
    )


def _check_belonging(files: RunFiles) -> None:
    if files.outline.run_id != files.run_dir.name:
        raise DamagedInput(f"{files.run_dir} holds the plan of run {files.outline.run_id}")
    if not files.records:
        raise _incomplete(files.run_dir / JOURNAL_FILE)
    digest = digest_of(files.encoded_plan)
    for record in files.records:
        _check_digest(record, digest, files.run_dir)
    if not isinstance(files.records[0].event, events.Planned):
        raise DamagedInput(f"{files.run_dir / JOURNAL_FILE} does not begin with a plan")


def _check_digest(record: Record, digest: str, run_dir: Path) -> None:
    match record.event:
        case events.Planned() | events.Approved() if record.event.plan_digest != digest:
            raise DamagedInput(
                f"{run_dir / PLAN_FILE} is not the plan that was {record.event.type}",
                hint="Somebody changed it. Plan anew: only what was approved may run.",
            )
