"""What the small buckets of a database say, as it is printed."""

from requorum.app.files.bytes_shown import text_or_base64
from requorum.app.inspect.database.results import (
    AlarmResult,
    AuthResult,
    ConfStateResult,
    DowngradeResult,
    LeaseResult,
    MemberResult,
    PermissionResult,
    RoleResult,
    StateResult,
    UserResult,
)
from requorum.formats.auth_store import AuthRole, AuthStore, AuthUser, Permission
from requorum.formats.backend import BackendMember, BackendState, Lease

_LEASE_BITS = (1 << 64) - 1


def content_result(
    state: BackendState, auth: AuthStore, leases: tuple[Lease, ...], *, list_leases: bool
) -> StateResult:
    """Return it with hexadecimal ids; the leases themselves only where they are asked for."""
    return StateResult(
        consistent_index=state.consistent_index,
        term=state.term,
        current_revision=state.current_revision,
        compact_revision=state.compact_revision,
        scheduled_compact_revision=state.scheduled_compact_revision,
        finished_compact_revision=state.finished_compact_revision,
        cluster_version=state.cluster_version,
        storage_version=state.storage_version,
        downgrade=_downgrade(state),
        conf_state=_conf_state(state),
        members=tuple(map(_member, state.members)),
        removed_members=tuple(f"{member:x}" for member in state.removed_members),
        alarms=tuple(AlarmResult(member=f"{a.member_id:x}", kind=a.kind) for a in state.alarms),
        lease_count=len(leases),
        leases=tuple(map(_lease, leases)) if list_leases else None,
        auth=_auth(auth),
    )


def _downgrade(state: BackendState) -> DowngradeResult | None:
    found = state.downgrade
    if found is None:
        return None
    return DowngradeResult(enabled=found.enabled, target_version=found.target_version)


def _conf_state(state: BackendState) -> ConfStateResult | None:
    found = state.conf_state
    if found is None:
        return None
    return ConfStateResult(
        voters=tuple(f"{member:x}" for member in found.voters),
        learners=tuple(f"{member:x}" for member in found.learners),
    )


def _member(member: BackendMember) -> MemberResult:
    return MemberResult(
        id=f"{member.id:x}",
        name=member.name,
        peer_urls=member.peer_urls,
        client_urls=member.client_urls,
        learner=member.is_learner,
    )


def _lease(lease: Lease) -> LeaseResult:
    # A client may choose a negative one, which etcdctl prints like this too.
    number = f"{lease.id & _LEASE_BITS:016x}"
    return LeaseResult(id=number, ttl=lease.ttl, remaining_ttl=lease.remaining_ttl)


def _auth(store: AuthStore) -> AuthResult:
    return AuthResult(
        enabled=store.enabled,
        revision=store.revision,
        users=tuple(map(_user, store.users)),
        roles=tuple(map(_role, store.roles)),
    )


def _user(user: AuthUser) -> UserResult:
    return UserResult(name=user.name, roles=user.roles, no_password=user.no_password)


def _role(role: AuthRole) -> RoleResult:
    return RoleResult(name=role.name, permissions=tuple(map(_permission, role.permissions)))


def _permission(permission: Permission) -> PermissionResult:
    key, key_base64 = text_or_base64(permission.key)
    range_end, range_end_base64 = text_or_base64(permission.range_end)
    return PermissionResult(
        access=permission.kind,
        key=key,
        key_base64=key_base64,
        range_end=range_end,
        range_end_base64=range_end_base64,
    )
