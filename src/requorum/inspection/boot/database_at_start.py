"""How etcd opens its database, and what it reads out of it before it serves.

Source: bbolt db.go, etcd server/storage/{backend,schema,mvcc}; 3.4 mvcc/kvstore.go.
"""

from requorum.domain.signatures import database, versions
from requorum.domain.version import EtcdVersion
from requorum.formats.bbolt.damage import Damage
from requorum.inspection.boot.course import Course, end
from requorum.inspection.boot.database_facts import DatabaseFacts, Harm, harm_of
from requorum.inspection.boot.release import Release

_MEMBER_BUCKETS = ("bucket members", "bucket cluster")


def open_database(db: DatabaseFacts, release: Release, course: Course) -> None:
    """Open it as bbolt does, which walks every page that its metas lead to."""
    if db.open_error is not None:
        line = f"failed to open database: {db.open_error}"
        end(database.DB_NOT_OPENABLE, f"neither meta page is usable: {db.open_error}", line=line)
    deadly = (Harm.DIES, Harm.ORDER) if release.checks_key_order else (Harm.DIES,)
    damage = db.damage_that(*deadly)
    _meet_the_end(db, damage)
    if damage is not None:
        more = f", and {db.damage_count - 1} more places" if db.damage_count > 1 else ""
        end(
            database.DB_PAGE_DAMAGED,
            f"database {damage}{more}",
            alternatives=(database.DB_RECORD_DAMAGED, database.DB_CUT_SHORT),
        )
    if db.cut is not None:
        lost = (
            "what the cut took of its last page, it reads as zeros: a value may be another one"
            if db.ends_within_a_page
            else "nothing leads to the pages that are missing"
        )
        course.warn(f"etcd does not see that its database is cut short: {db.cut}; {lost}")
    unseen = db.damage_that(Harm.ORDER, Harm.UNSEEN)
    if unseen is not None:
        course.warn(f"etcd {release} does not see that its database is damaged: {unseen}")
    if db.metas is not None and db.metas.damages and db.size:
        course.warn(
            f"one meta page of the database is damaged ({db.metas.damages[0]}): etcd goes on from "
            "the other one, which may be a transaction older, and repeats its log from there"
        )


def _meet_the_end(db: DatabaseFacts, damage: Damage | None) -> None:
    """End where a page is missing, or half a page: that goes on with zeros.

    bbolt comes to the one or to the other first, and what zeros do depends on where they are.
    """
    missing, torn = db.damage_that(Harm.CUT), db.torn
    if missing is None and torn is None:
        return
    why = f"the database is cut short: {db.cut}"
    zeros = (database.DB_RECORD_DAMAGED, database.SNAP_DB_MISSING)
    if missing is None:
        end(database.DB_PAGE_DAMAGED, why, alternatives=zeros)
    others = (database.DB_PAGE_DAMAGED, *zeros) if torn is not None or damage is not None else ()
    end(database.DB_CUT_SHORT, why, alternatives=others)


def restore_records(db: DatabaseFacts, release: Release) -> None:
    """Read every record, as mvcc does, and the small buckets."""
    damage = db.damage_that(Harm.RECORD)
    if damage is not None:
        why = f"database {damage}"
        others = (database.DB_PAGE_DAMAGED, database.DB_CUT_SHORT)
        end(database.DB_RECORD_DAMAGED, why, alternatives=others)
    for row in db.damages:
        of_members = row.what.startswith(_MEMBER_BUCKETS)
        if harm_of(row) is Harm.ROW and (release.members_from_database or not of_members):
            end(database.DB_ROW_DAMAGED, f"database {row}")


def check_storage_version(db: DatabaseFacts, release: Release) -> None:
    """Refuse a database that a later minor wrote."""
    text = db.state.storage_version if db.state is not None else None
    stored = EtcdVersion.parse(text) if text else None
    if stored is None:
        return
    why = f"its database has the storage version {stored}"
    if release.minor >= (3, 6) and stored.minor_series > release.minor:
        end(versions.STORAGE_TOO_NEW, why, line=f'version "{stored}" is not supported')
    if release.minor == (3, 4) and release.is_at_least(3, 4, 31) and stored.minor_series > (3, 5):
        end(versions.STORAGE_TOO_NEW, why, line=f"unsupported storage version {stored}")
