"""What runs when, on which queue: data only. `flask scheduler` reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One job without arguments: every so many seconds, or at the times of a cron line (UTC)."""

    job: str
    queue: str = "sweeps"
    every: int | None = None
    cron: str | None = None
    timeout: int = 300


SCHEDULE: tuple[Scheduled, ...] = (
    Scheduled("jobs.events.sweep", every=15, timeout=60),
    Scheduled("jobs.imports.sweep", every=15, timeout=60),
    Scheduled("jobs.privacy.sweep", every=30, timeout=60),
    Scheduled("jobs.mail.sweep", every=15, timeout=60),
    Scheduled("jobs.sla.sweep", every=300, timeout=900),
    Scheduled("jobs.classification.sweep", every=15, timeout=60),
    Scheduled("jobs.classification.nightly", cron="29 2 * * *", timeout=3600),
    # A reply leaves this long after its time to be taken back at the latest; the page that shows it asks at once.
    Scheduled("jobs.conversation.sweep", every=5, timeout=60),
    Scheduled("jobs.conversation.purge", cron="7 3 * * *", timeout=3600),
    Scheduled("jobs.mailboxes.sweep", every=15, timeout=60),
    Scheduled("jobs.desk.sweep", every=300, timeout=300),
    Scheduled("jobs.desk.close", cron="23 * * * *", timeout=1800),
    Scheduled("jobs.mail.purge", cron="41 3 * * *", timeout=3600),
    Scheduled("jobs.retention.apply", cron="17 3 * * *", timeout=3600),
    Scheduled("jobs.events.settle", cron="17 4 * * *", timeout=3600),
    Scheduled("jobs.records.purge_keys", cron="47 * * * *", timeout=600),
)
