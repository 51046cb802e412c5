"""The lab's recovery as an operator has it: from the command line, in a process of its own."""

import asyncio
import json
import os
import sys

from pydantic import ValidationError

from requorum.app.practice.trials import refusal_of
from requorum.app.results import RecoverResult
from requorum.domain.loss import Loss, UnprovenRange
from requorum.errors import StepFailed
from requorum.lab.trials.recovery import Recovered, RecoveryRequest, Refusal


async def recover_by_command(request: RecoveryRequest) -> Recovered | Refusal:
    """Run `requorum recover --yes -o json`; StepFailed with its own words when it fails."""
    words = ["recover", "-c", str(request.cluster_file), "--yes", "-o", "json"]
    if request.cluster_id is not None:
        words += ["--cluster-id", f"{request.cluster_id:x}"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "requorum", *words),
        env=os.environ | {"REQUORUM_STATE_DIR": str(request.runs_dir.parent)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    try:
        result = RecoverResult.model_validate(json.loads(out))
    except (ValueError, ValidationError) as error:
        last = err.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise StepFailed(f"it ended with {process.returncode}: {last}") from error
    return _answer(result)


def _answer(result: RecoverResult) -> Recovered | Refusal:
    if result.outcome == "refused":
        return refusal_of(result.error or "", result.hint or "")
    if result.outcome != "recovered" or result.loss is None:
        raise StepFailed(f"{result.outcome}: {result.error or result.reasons}")
    ranges = (UnprovenRange(**unproven.model_dump()) for unproven in result.loss.unproven)
    return Recovered(
        path=str(result.path),
        healthy={member.name: member.healthy for member in result.members},
        loss=Loss(unproven=tuple(ranges), grounds=result.loss.grounds),
        reasons=result.reasons,
        warnings=result.warnings,
    )
