"""How kubelet starts a member, from its static pod's manifest."""

from requorum.domain.member_settings import Means, Medium, Place
from requorum.formats.etcd_settings.static_pod import StaticPod
from requorum.inspection.member_settings import Command, Given


def pod_command(pod: StaticPod, manifest: str) -> Command:
    """Return what the container runs; `manifest` is the manifest's path."""
    return Command(
        binary=pod.program,
        arguments=tuple(
            Given(a.text, Place(Medium.MANIFEST, Means.FLAG, manifest, a.line))
            for a in pod.arguments
        ),
        variables={
            name: Given(v.text, Place(Medium.MANIFEST, Means.VARIABLE, manifest, v.line))
            for name, v in pod.environment.items()
        },
        working_directory=pod.working_directory or "/",
        user=pod.user or "",
        group=pod.group or "",
        version=pod.version,
        mounts=pod.mounts,
    )
